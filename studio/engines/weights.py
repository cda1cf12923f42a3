"""Trained weights as files: safetensors with a header of short strings, never code."""

import json
import struct
from collections.abc import Mapping

from studio.errors import ModelBroken


def metadata_of(data: bytes) -> dict[str, str]:
    """The header's strings; ModelBroken when `data` is no safetensors file."""
    found: dict[str, str] = _header(data)[0].get("__metadata__", {})
    return found


def with_metadata(data: bytes, more: Mapping[str, str]) -> bytes:
    """The same tensors with further strings in the header, as a card travels with an adapter.

    Strings are in order of their names: the same weights with the same strings are the same bytes.
    """
    header, start = _header(data)
    header["__metadata__"] = dict(sorted((header.get("__metadata__", {}) | dict(more)).items()))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[start:]


def _header(data: bytes) -> tuple[dict[str, dict[str, str]], int]:
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        if not isinstance(header, dict):
            raise ValueError("no header")
    except (struct.error, ValueError) as error:
        raise ModelBroken("engines.weights") from error
    return header, 8 + length
