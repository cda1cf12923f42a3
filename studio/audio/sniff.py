"""What a file is by its first bytes: its name and its declared type are not believed."""

import struct
from dataclasses import dataclass

from studio.errors import AudioRefused

# The FFmpeg demuxer each container is read with. Naming it keeps FFmpeg from guessing, and so from its
# playlist and network demuxers, which would open other files.
DEMUXERS = {
    "wav": "wav",
    "w64": "w64",
    "flac": "flac",
    "mp3": "mp3",
    "ogg": "ogg",
    "mp4": "mov",
    "webm": "matroska",
    "aac": "aac",
    "aiff": "aiff",
}
_STREAMED = {0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF}  # data sizes that recorders write when they can't know


@dataclass(frozen=True)
class WaveHeader:
    """The `fmt ` and `data` chunks of a RIFF file; `data_bytes` None where the writer did not know."""

    channels: int
    sample_rate_hz: int
    block_bytes: int
    data_bytes: int | None
    present_bytes: int

    @property
    def declared_s(self) -> float | None:
        """Seconds the header claims, or None where it can't be known."""
        if self.data_bytes is None or not self.block_bytes or not self.sample_rate_hz:
            return None
        return self.data_bytes / self.block_bytes / self.sample_rate_hz

    @property
    def truncated(self) -> bool:
        """Whether more than one per cent of the declared sound (and over 4 KB) is not in the file."""
        missing = (self.data_bytes or 0) - self.present_bytes
        return missing > max(4096, (self.data_bytes or 0) // 100)


def container_of(data: bytes) -> str | None:
    """The container's name (a key of DEMUXERS) by magic bytes, or None for anything else."""
    head = data[:64]
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:16] == b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00":
        return "w64"
    for magic, name in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"\x1a\x45\xdf\xa3", "webm"), (b"ID3", "mp3")):
        if head.startswith(magic):
            return _behind_id3(data) if name == "mp3" else name
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    return _frame_sync(head)


def _behind_id3(data: bytes) -> str:
    """ID3 tags also stand before FLAC and AAC; the tag's own size says where the sound begins."""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False)) + 10
    behind = data[size : size + 4]
    return "flac" if behind == b"fLaC" else _frame_sync(behind) or "mp3"


def _frame_sync(head: bytes) -> str | None:
    if len(head) < 3 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:  # ADTS: sync word, layer always 00
        return "aac"
    sync, layer, bitrate, rate = head[1] & 0xE0, head[1] & 0x06, head[2] >> 4, head[2] >> 2 & 3
    return "mp3" if sync == 0xE0 and layer and bitrate not in (0, 15) and rate != 3 else None


def wave_header(data: bytes, name: str) -> WaveHeader:
    """Read a RIFF file's own claims; AudioRefused where it has none."""
    position, form = 12, None
    while position + 8 <= len(data):
        chunk, size = struct.unpack_from("<4sI", data, position)
        body = position + 8
        if chunk == b"fmt " and size >= 16 and body + 16 <= len(data):
            form = struct.unpack_from("<HHIIHH", data, body)
        if chunk == b"data" and form:
            known = None if size in _STREAMED else size
            return WaveHeader(form[1], form[2], form[4], known, len(data) - body)
        position = body + size + size % 2
    raise AudioRefused("audio.lying_header", file=name, detail="fmt/data")


def looks_like_text(data: bytes) -> bool:
    """Whether the bytes are a page, a picture in text (SVG) or other readable text."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<", b"{", b"%pdf", b"#")):
        return True
    try:
        text = data[:512].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(c.isprintable() or c in "\t\r\n" for c in text)
