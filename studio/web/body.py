"""Request bodies: JSON read whole and passed on as it was understood, uploads counted while they stream."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from python_multipart.multipart import parse_options_header

from studio.errors import InputRefused
from studio.settings import Settings
from studio.web.refusals import Refusal

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
MEGABYTE = 1_000_000
JSON_LIMIT = 4 * MEGABYTE  # an event carries texts and settings; sounds go through uploads
FILES_A_REQUEST = 100


async def read_json(receive: Receive, declared: int, limit: int = JSON_LIMIT) -> Any:
    """The whole body as JSON; Refusal when it is too long, not JSON, or holds what no text or number is:
    half a surrogate pair, NaN, Infinity.
    """
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, InputRefused("web.cut_off"))
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if max(size, declared) > limit:
            await drain(receive, declared)
            raise Refusal(413, InputRefused("web.event_too_large", limit_mb=limit // MEGABYTE))
        if not message.get("more_body"):
            break
    try:
        value = json.loads(b"".join(pieces), parse_constant=_no_number)
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise Refusal(400, InputRefused("web.not_json")) from error


def _no_number(name: str) -> float:
    raise ValueError(name)


def replay(value: Any, receive: Receive) -> tuple[bytes, Receive]:
    """The value as bytes and a `receive` that hands them out.

    Written anew, so that what was checked is what is obeyed: no parser downstream can read a doubled
    key or a lenient number another way.
    """
    body = json.dumps(value).encode()
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return body, again


async def drain(receive: Receive, declared: int) -> None:
    """Read and forget the rest, within reason: a browser that is cut off shows no answer at all."""
    left = min(declared or JSON_LIMIT, 1000 * MEGABYTE)
    while left > 0:
        message = await receive()
        left -= max(1, len(message.get("body", b"")))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


@dataclass
class UploadWatch:
    """Stands between an upload and Gradio's parser, and ends the request when it is too much.

    Gradio removes what it has written only when its parser fails, not when the sender vanishes. So an
    upload that must not go on, or whose sender is gone, gets an ending that no parser accepts.
    """

    receive: Receive
    boundary: bytes
    limit_bytes: int
    most_files: int = FILES_A_REQUEST
    verdict: Literal["", "size", "files", "gone"] = ""
    ended: bool = False
    _size: int = 0
    _parts: int = 0
    _tail: bytes = field(default=b"", repr=False)

    async def __call__(self) -> Message:
        if self.verdict:
            return {"type": "http.disconnect"}
        message = await self.receive()
        if self.ended:
            return message
        if message["type"] == "http.disconnect":
            self.verdict = "gone"
        else:
            self._count(message.get("body", b""))
            self.ended = not message.get("more_body")
        return self._poison() if self.verdict else message

    def _count(self, body: bytes) -> None:
        self._size += len(body)
        mark = b"--" + self.boundary
        text = self._tail + body
        self._parts += text.count(mark)
        self._tail = text[-(len(mark) - 1) :]
        if self._size > self.limit_bytes:
            self.verdict = "size"
        elif self._parts > self.most_files + 1:  # one more boundary than parts
            self.verdict = "files"

    def _poison(self) -> Message:
        # Twice: the first may only end a header, the second then meets a NUL where a header's name starts.
        ending = b"\r\n--" + self.boundary + b"\r\n\x00"
        return {"type": "http.request", "body": ending * 2, "more_body": False}

    async def drain(self, declared: int) -> None:
        """Read what the sender still sends, so that it gets to hear the answer."""
        if not self.ended and self.verdict != "gone":
            await drain(self.receive, declared)


def watch_upload(receive: Receive, content_type: str, settings: Settings) -> UploadWatch:
    """The watch for this upload; Refusal when it is not a multipart form."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Refusal(400, InputRefused("web.not_upload"))
    return UploadWatch(receive, boundary, settings.request_limit_mb * MEGABYTE)


def upload_refusal(watch: UploadWatch, status: int, settings: Settings) -> Refusal:
    """What to tell the sender of an upload that was not taken."""
    if watch.verdict == "files":
        return Refusal(413, InputRefused("web.too_many_files", limit=watch.most_files))
    if watch.verdict == "size":
        return Refusal(413, InputRefused("web.request_too_large", limit_mb=settings.request_limit_mb))
    if status == 413:
        return Refusal(413, InputRefused("web.file_too_large", limit_mb=settings.upload_limit_mb))
    return Refusal(400, InputRefused("web.not_upload"))
