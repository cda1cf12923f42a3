"""Messages between the studio and the Piper process: a JSON header and raw bytes, each with its length."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")
LONGEST_HEADER = 4 * 2**20
LONGEST_PAYLOAD = 256 * 2**20


@dataclass(frozen=True)
class Frame:
    """One message: a header of plain values, and bytes (sound) where there are some."""

    header: Mapping[str, Any]
    payload: bytes = b""


def write_frame(stream: BinaryIO, frame: Frame) -> None:
    """Write and flush one message. OSError when nobody reads any more."""
    header = json.dumps(dict(frame.header)).encode()
    stream.write(_LENGTHS.pack(len(header), len(frame.payload)) + header + frame.payload)
    stream.flush()


def read_frame(stream: BinaryIO) -> Frame | None:
    """The next message, or None when the other side has closed. ValueError for bytes that are no message."""
    start = _exactly(stream, _LENGTHS.size)
    if start is None:
        return None
    header_length, payload_length = _LENGTHS.unpack(start)
    if header_length > LONGEST_HEADER or payload_length > LONGEST_PAYLOAD:
        raise ValueError("these bytes are no message: a length is out of bounds")
    header, payload = _exactly(stream, header_length), _exactly(stream, payload_length)
    if header is None or payload is None:
        return None
    return Frame(json.loads(header), payload)


def _exactly(stream: BinaryIO, count: int) -> bytes | None:
    pieces: list[bytes] = []
    while count:
        piece = stream.read(count)
        if not piece:
            return None
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
