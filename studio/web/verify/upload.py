"""One file out of a form, kept in memory and bounded: nobody's file touches the disk here."""

from collections.abc import AsyncIterator

from anyio import fail_after
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from studio.errors import InputRefused

WITHIN_S = 120.0  # a slower sender gives its place to others
OVERHEAD = 20_000  # what a form may weigh besides its file


class FormFile:
    """Collects the first part that has a file name; everything else is forgotten as it comes."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 1 <= len(boundary) <= 100:
            raise InputRefused("provenance.no_file")
        self.name, self._found, self._done = "", bytearray(), False
        self._field, self._value, self._headers = bytearray(), bytearray(), dict[bytes, bytes]()
        self._taking = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, a, b: self._field.extend(data[a:b]),
                "on_header_value": lambda data, a, b: self._value.extend(data[a:b]),
                "on_header_end": self._header,
                "on_headers_finished": self._start,
                "on_part_data": self._take,
                "on_part_end": self._end,
            },
        )

    def feed(self, piece: bytes) -> None:
        """InputRefused when this is no form."""
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise InputRefused("provenance.no_file") from error

    @property
    def data(self) -> bytes:
        """The file; InputRefused when none came, or not all of it."""
        if not self._done or not self._found:
            raise InputRefused("provenance.no_file")
        return bytes(self._found)

    def _begin(self) -> None:
        self._headers.clear()

    def _header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _start(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"filename", b"").decode("utf-8", errors="replace")
        self._taking = bool(name) and not self._done and not self._found
        self.name = name if self._taking else self.name

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._taking:
            self._found += data[start:end]

    def _end(self) -> None:
        self._done = self._done or self._taking
        self._taking = False


async def read_file(pieces: AsyncIterator[bytes], content_type: str, most_bytes: int) -> tuple[bytes, str]:
    """The form's file and its name. A form that is too large is read on for a while and forgotten, so that the
    sender gets to hear why: InputRefused.
    """
    form, size = FormFile(content_type), 0
    with fail_after(WITHIN_S):
        async for piece in pieces:
            size += len(piece)
            if size > 3 * most_bytes:
                break
            if size <= most_bytes + OVERHEAD:
                form.feed(piece)
    if size > most_bytes + OVERHEAD:
        raise InputRefused("provenance.too_large", limit_mb=most_bytes // 1_000_000)
    return form.data, form.name
