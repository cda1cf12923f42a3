"""Byte ranges (RFC 9110, section 14) and file names (RFC 6266) for sounds that are held in memory."""

import re
from urllib.parse import quote

from fastapi import Response

RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")


def part_of(wish: str, size: int) -> tuple[int, int] | None:
    """First and last byte asked for; (0, size - 1) when the header is absent or not understood, as the
    standard wants; None when it lies outside.
    """
    match = RANGE.fullmatch(wish.strip())
    if match is None or match.groups() == ("", ""):
        return 0, size - 1
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else None
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < int(first):
        return 0, size - 1
    return (int(first), end) if int(first) < size else None


def disposition(file_name: str, download: bool) -> str:
    """Content-Disposition with a name that every system takes, and the full one in UTF-8."""
    base = re.sub(r"[\x00-\x1f\x7f/\\:*?\"<>|]+", "_", file_name).strip(". ")[:120] or "audio"
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", base)
    kind = "attachment" if download else "inline"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(base, safe='')}"


def sound(data: bytes, media_type: str, file_name: str, wish: str, download: bool) -> Response:
    """The bytes, or the part of them that was asked for. Only sounds are shown in the page."""
    inline = media_type.startswith("audio/") and not download
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": disposition(file_name, not inline),
    }
    span = part_of(wish, len(data))
    if span is None:
        headers["Content-Range"] = f"bytes */{len(data)}"
        return Response(status_code=416, headers=headers)
    first, last = span
    whole = last - first + 1 == len(data)
    if not whole:
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 200 if whole else 206, headers, media_type=media_type)
