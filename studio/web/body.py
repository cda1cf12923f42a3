"""Request bodies: JSON read whole and passed on as it was understood, uploads counted while they stream."""

import json
import math
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
MOST_DEPTH = 100  # lists in lists: the pages send a handful, and what walks a body walks it by recursion


async def read_json(receive: Receive, declared: int, limit: int = JSON_LIMIT) -> Any:
    """The whole body as `strict_json`; Refusal when it is too long or none."""
    too_long = Refusal(413, InputRefused("web.event_too_large", limit_mb=limit // MEGABYTE))
    return strict_json(await read_body(receive, declared, limit, too_long))


async def read_body(receive: Receive, declared: int, limit: int, too_long: Refusal) -> bytes:
    """The whole body; `too_long` as soon as it is, and Refusal when the sender is gone."""
    body, more = bytearray(), True
    while more:
        if max(len(body), declared) > limit:
            body.clear()
            await drain(receive, declared)
            raise too_long
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, InputRefused("web.cut_off"))
        body += message.get("body", b"")
        more = bool(message.get("more_body"))
    if len(body) > limit:
        raise too_long
    return bytes(body)


def strict_json(raw: bytes) -> Any:
    """What the bytes say; Refusal when they are not JSON, nest deeper than any page does, or hold what no text
    or number is: half a surrogate pair, NaN, Infinity.
    """
    try:
        value = json.loads(raw, parse_constant=_finite, parse_float=_finite)
        _refuse_odd(value)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, InputRefused("web.not_json")) from error
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # 1e999 included
        raise ValueError(text)
    return number


def _refuse_odd(value: Any) -> None:
    """ValueError for half a surrogate pair anywhere, and for lists in lists in lists; copies no long text."""
    level = [value]
    for _ in range(MOST_DEPTH):
        for text in (one for one in level if isinstance(one, str) and not one.isascii()):
            text.encode()
        lists = [one for one in level if isinstance(one, list)]
        maps = [one for one in level if isinstance(one, dict)]
        level = [inner for one in lists for inner in one]
        level += [inner for one in maps for pair in one.items() for inner in pair]
        if not level:
            return
    raise ValueError("nested too deep")


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
