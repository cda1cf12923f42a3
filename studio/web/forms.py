"""Small forms of our own pages, read with a bound."""

from urllib.parse import parse_qsl

from fastapi import Request

from studio.errors import InputRefused

FORM_BYTES = 8_000
FIELDS = 20


async def read_form(request: Request) -> dict[str, str]:
    """A form's fields; InputRefused when it is too long, not a form, or not text. The last of a name counts."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > FORM_BYTES:
            raise InputRefused("web.not_form")
        pieces.append(piece)
    try:
        raw = b"".join(pieces).decode("utf-8")
        return dict(parse_qsl(raw, keep_blank_values=True, max_num_fields=FIELDS, errors="strict"))
    except ValueError as error:
        raise InputRefused("web.not_form") from error


def browser_of(agent: str) -> str:
    """A user agent in two words, for people to know their own browsers by."""
    kinds = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
               ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip
    kind = next((name for mark, name in kinds if mark in agent), "")
    system = next((name for mark, name in systems if mark in agent), "")
    return ", ".join(word for word in (kind, system) if word)
