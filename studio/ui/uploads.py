"""Files that come in: read into memory and taken off the disk at once."""

from pathlib import Path

from studio.errors import AudioRefused, InputRefused, NotFound
from studio.voices.forms import Upload


def take_in(path: str, source: str, limit_mb: int) -> Upload:
    """Read an uploaded file and unlink it, whether or not it is too big; `source` as in Upload.

    Raises AudioRefused for a file over the limit (without reading it) and NotFound when it is gone.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > limit_mb * 2**20:
            raise AudioRefused("audio.too_big", size_mb=size // 2**20, limit_mb=limit_mb)
        data = file.read_bytes()
    except FileNotFoundError:
        raise NotFound("voices.clip_unknown") from None
    finally:
        file.unlink(missing_ok=True)
    return Upload(file.name, data, source)


def take_in_text(path: str, most_characters: int) -> str:
    """Read an uploaded text as UTF-8 (or Windows-1252, as old editors write) and unlink it.

    Raises InputRefused when it is longer than `most_characters`, before it is read.
    """
    file = Path(path)
    try:
        if file.stat().st_size > 4 * most_characters:
            raise InputRefused("synthesis.file_too_long", most=most_characters)
        data = file.read_bytes()
    except FileNotFoundError:
        raise NotFound("voices.clip_unknown") from None
    finally:
        file.unlink(missing_ok=True)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
