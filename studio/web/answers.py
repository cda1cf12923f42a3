"""Answers on their way out: hardened, and read where they say what an account may fetch next."""

import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from studio.privacy.access import Actor
from studio.settings import Settings
from studio.web.bindings import Bindings, told_files, told_in
from studio.web.body import UploadWatch, upload_refusal
from studio.web.headers import Headers, as_file, find, replaced, secured, with_nonce
from studio.web.pages import begun, refusal_body
from studio.web.refusals import Refusal
from studio.web.visit import Visit

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
WATCHED_BYTES = 8_000_000  # of an answer that is collected to be read


@dataclass
class Wire:
    """The server's `send`, and whether an answer has begun on it."""

    send: Send
    started: bool = False

    async def __call__(self, message: Message) -> None:
        self.started = self.started or message["type"] == "http.response.start"
        await self.send(message)


@dataclass
class Answer:
    """Sends with the studio's headers on everything."""

    wire: Wire
    visit: Visit
    settings: Settings
    actor: Actor | None = None
    nonce: str = ""

    @classmethod
    def over(cls, plain: "Answer", *args: Any, **more: Any) -> Self:
        """The same answer, watched in this class's way."""
        made = cls(plain.wire, plain.visit, plain.settings, plain.actor, **more)
        made.watch(*args)
        return made

    def watch(self, *args: Any) -> None:
        """What a subclass needs to know."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": self.dressed(list(message.get("headers", [])))}
        await self.wire(message)

    def dressed(self, headers: Headers) -> Headers:
        return secured(headers, self.visit.path, self.nonce, self.visit.secure)

    @property
    def language(self) -> str:
        return self.actor.language if self.actor else self.visit.language(self.settings.language)

    async def refuse(self, refusal: Refusal) -> None:
        """Say no, unless an answer is already on its way: then it stays as it is, and the server cuts off
        one that was not finished.
        """
        if self.wire.started:
            return
        content_type, body = refusal_body(refusal, self.language, self.visit)
        headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
        if refusal.retry_after_s:
            headers.append((b"retry-after", str(refusal.retry_after_s).encode()))
        await self({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self({"type": "http.response.body", "body": body if self.visit.method != "HEAD" else b""})

    async def lead_to(self, path: str) -> None:
        """Send the browser to another page of the studio."""
        headers = [(b"location", path.encode()), (b"content-length", b"0")]
        await self({"type": "http.response.start", "status": 303, "headers": headers})
        await self({"type": "http.response.body", "body": b""})


@dataclass
class Collected(Answer):
    """An answer that is held back until it is whole."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    held: bool = True

    async def __call__(self, message: Message) -> None:
        if not self.held:
            await super().__call__(message)
        elif message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self.body += message.get("body", b"")

    async def release(self, body: bytes) -> None:
        """Send what was collected, with this body."""
        self.held = False
        sized = replaced(self.headers, content_length=str(len(body)).encode())
        await super().__call__({"type": "http.response.start", "status": self.status, "headers": sized})
        await super().__call__({"type": "http.response.body", "body": body})

    async def refuse(self, refusal: Refusal) -> None:
        self.held = False
        await super().refuse(refusal)


@dataclass
class PageAnswer(Collected):
    """The page: our first script is put in, and its inline scripts are given this answer's nonce."""

    async def finish(self) -> None:
        page = find(self.headers, b"content-type").startswith(b"text/html")
        head = self.visit.method == "HEAD"
        await self.release(with_nonce(begun(self.body), self.nonce) if page and not head else self.body)


@dataclass
class StreamAnswer(Answer):
    """An event stream: the files it tells of become readable to its reader."""

    bindings: Bindings = field(default_factory=Bindings)
    account_id: str = ""

    def watch(self, *args: Any) -> None:
        self.bindings, self.account_id = args

    async def __call__(self, message: Message) -> None:
        for path in told_files(message.get("body", b"")):
            self.bindings.files.grant(path, self.account_id)
        await super().__call__(message)


@dataclass
class EventAnswer(StreamAnswer):
    """The answer to an event: its id, or the outcome with its files, belongs to who asked."""

    seen: bytes = b""

    async def __call__(self, message: Message) -> None:
        if len(self.seen) < WATCHED_BYTES:
            self.seen += message.get("body", b"")
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._read()  # before the last piece leaves: the browser asks for the files at once
        await Answer.__call__(self, message)

    def _read(self) -> None:
        with contextlib.suppress(ValueError):
            outcome = json.loads(self.seen)
            event_id = outcome.get("event_id") if isinstance(outcome, dict) else None
            if isinstance(event_id, str):
                self.bindings.events.grant(event_id, self.account_id)
            for path in told_in(outcome):
                self.bindings.files.grant(path, self.account_id)


@dataclass
class UploadAnswer(Collected):
    """The answer to an upload: the paths it lists are the uploader's."""

    bindings: Bindings = field(default_factory=Bindings)
    account_id: str = ""

    def watch(self, *args: Any) -> None:
        self.bindings, self.account_id = args

    async def finish(self, watch: UploadWatch, declared: int) -> None:
        """Bind the files and answer; or drop them and refuse."""
        paths = json.loads(self.body) if self.status == 200 else []
        if watch.verdict or self.status != 200:
            for path in paths:
                Path(path).unlink(missing_ok=True)
            await watch.drain(declared)
            await self.refuse(upload_refusal(watch, self.status, self.settings))
            return
        for path in paths:
            self.bindings.files.grant(path, self.account_id)
        await self.release(self.body)


@dataclass
class FileAnswer(Answer):
    """Somebody's file: never run, never kept by the browser."""

    def dressed(self, headers: Headers) -> Headers:
        return as_file(super().dressed(headers))
