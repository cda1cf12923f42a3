"""The gate: a pure ASGI layer around the whole app. What it does not know, it refuses."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from anyio import CapacityLimiter, to_thread

from studio.errors import InputRefused, NotFound, NotPermitted, SignInRequired, StudioError
from studio.privacy.access import Actor
from studio.privacy.accounts import AccountService
from studio.privacy.api_keys import ApiKeyService, KeyHolder
from studio.settings import Settings
from studio.ui.addresses import PATHS
from studio.web.answers import (
    Answer,
    EventAnswer,
    FileAnswer,
    PageAnswer,
    Send,
    StreamAnswer,
    UploadAnswer,
    Wire,
)
from studio.web.bindings import Bindings
from studio.web.body import MEGABYTE, Receive, read_json, replay, watch_upload
from studio.web.limits import Budget, Limits
from studio.web.origin import answered_names, check_host, check_origin
from studio.web.refusals import Refusal, refusal_of
from studio.web.routes import Guard, Route, find_route
from studio.web.visit import Visit, read_visit, without_secrets

log = logging.getLogger(__name__)
App = Callable[..., Awaitable[None]]  # ASGI
ACTOR = "timbro.actor"  # where handlers inside find who is asking
VISIT = "timbro.visit"
HOLDER = "timbro.holder"  # the same for a call with an API key
CALL_LIMIT = MEGABYTE  # of an API call: the longest text, every character escaped
# Headers a visitor must not steer the app with; compression is left out where answers are read on the way.
DROPPED = (b"x-forwarded-host", b"x-forwarded-server", b"forwarded", b"x-gradio-server", b"x-direct-url")


@dataclass(frozen=True)
class Passage:
    """A request that was let in: its actor (None at the sign-in pages) and door."""

    visit: Visit
    route: Route
    groups: dict[str, str]
    actor: Actor | None
    scope: dict[str, Any]

    @property
    def account_id(self) -> str:
        return self.actor.account_id if self.actor else ""

    @property
    def declared(self) -> int:
        """Content-Length; 0 when it is not said."""
        length = self.visit.headers.get("content-length", "0")
        return int(length) if length.isdecimal() else 0


@dataclass
class Gate:
    """Deny by default: host, origin, rate, door, account, then what the door's guard asks."""

    app: App
    accounts: AccountService
    settings: Settings
    bindings: Bindings = field(default_factory=Bindings)
    limits: Limits = field(default_factory=Limits)
    keys: ApiKeyService | None = None  # None: no key opens anything

    def __post_init__(self) -> None:
        self._names = answered_names(self.settings.host, self.settings.public_hosts)
        self._threads = CapacityLimiter(8)  # its own: a flood of slow handlers must not hold up the gate

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # websockets: nothing here uses them
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        visit = read_visit(scope, behind_proxy=bool(self.settings.public_hosts))
        answer = Answer(Wire(send), visit, self.settings)
        try:
            passage = await self._admit(scope, visit, answer)
            await self._pass(passage, answer, receive)
        except Refusal as refusal:
            log.info("refused %s %r: %s", visit.method, without_secrets(visit.path), refusal.error.key)
            await answer.refuse(refusal)
        except StudioError as error:
            await answer.refuse(refusal_of(error))
        except Exception:
            log.exception("a request failed: %s %r", visit.method, without_secrets(visit.path))
            await answer.refuse(Refusal(500, StudioError("web.failed")))

    async def _admit(self, scope: dict[str, Any], visit: Visit, answer: Answer) -> Passage:
        check_host(visit, self._names)
        check_origin(visit)
        if visit.for_programs:
            return await self._admit_program(scope, visit, answer)
        door = find_route(visit.method, visit.path)
        open_to_all = door is not None and door[0].guard is Guard.ANYBODY
        actor = answer.actor = None if open_to_all else await self._actor(visit)
        self._count(actor.account_id if actor else visit.address, door)
        if door is None:
            raise Refusal(404, NotFound("web.closed"))
        kept = [(name, value) for name, value in scope["headers"] if name.lower() not in DROPPED]
        inner = {**scope, "headers": kept, ACTOR: actor, VISIT: visit}
        return Passage(visit, door[0], door[1].groupdict(), actor, inner)

    async def _admit_program(self, scope: dict[str, Any], visit: Visit, answer: Answer) -> Passage:
        """A call with an API key; cookies count for nothing here, so no page can ride on one."""
        holder = await self._holder(visit)
        answer.actor = holder.actor
        door = find_route(visit.method, visit.path)
        self._count(holder.key_id, door)
        if door is None or door[0].guard is not Guard.KEY:
            raise Refusal(404, NotFound("web.closed"))
        inner = {**scope, ACTOR: holder.actor, HOLDER: holder, VISIT: visit}
        return Passage(visit, door[0], door[1].groupdict(), holder.actor, inner)

    async def _holder(self, visit: Visit) -> KeyHolder:
        """Who holds the key. Wrong keys are counted by address, and soon not looked at any more."""
        self._count(visit.address, None)
        try:
            if self.keys is None or not visit.bearer:
                raise SignInRequired("access.key_refused")
            known = self.keys.remembered(visit.bearer)
            if known is not None:
                return known
            return await to_thread.run_sync(self.keys.recognise, visit.bearer, limiter=self._threads)
        except SignInRequired as error:
            wait_s = self.limits.take(Budget.SIGN_IN, visit.address)
            if wait_s:
                raise Refusal(429, InputRefused("web.too_many", seconds=wait_s), wait_s) from error
            raise Refusal(401, error) from error

    async def _actor(self, visit: Visit) -> Actor:
        """Who holds the session cookie; asked before the door, so that nobody outside learns which exist."""
        token = visit.session_token
        if not token:
            self._count(visit.address, None)
            raise Refusal(401, SignInRequired("web.sign_in"))
        known = self.accounts.remembered(token)
        if known is not None:
            return known
        self._count(visit.address, None)
        return await to_thread.run_sync(self.accounts.actor, token, limiter=self._threads)

    def _count(self, who: str, door: tuple[Route, Any] | None) -> None:
        asked = door[0].budget if door else Budget.ANY
        budgets = {asked} if asked is Budget.LISTEN else {Budget.ANY, asked}
        for budget in budgets:
            wait_s = self.limits.take(budget, who)
            if wait_s:
                raise Refusal(429, InputRefused("web.too_many", seconds=wait_s), retry_after_s=wait_s)

    async def _pass(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        handler = {
            Guard.PAGE: self._page,
            Guard.SESSION: self._session,
            Guard.EVENT: self._event,
            Guard.STREAM_INPUT: self._stream_input,
            Guard.UPLOAD: self._upload,
            Guard.FILE: self._file,
            Guard.KEY: self._call,
        }.get(passage.route.guard)
        if handler is None:
            await self.app(passage.scope, receive, answer)
        else:
            await handler(passage, answer, receive)

    async def _page(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        home = self._home(passage)
        if passage.visit.path != home:  # the page, once sent, would load twice and speak two languages
            await answer.lead_to(home)
            return
        # Deep links restore another session's widgets: the query is not for Gradio to read.
        scope = {**_uncompressed(passage.scope), "query_string": b""}
        page = PageAnswer.over(answer, nonce=secrets.token_urlsafe(16))
        await self.app(scope, receive, page)
        await page.finish()

    def _home(self, passage: Passage) -> str:
        """The page of the account's language; of the browser's where the account has chosen none."""
        actor = passage.actor
        assert actor is not None  # pages have no other door
        return PATHS[
            actor.language if actor.chose_language else passage.visit.language(self.settings.language)
        ]

    async def _session(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        given = passage.visit.query.get("session_hash", [])
        session = passage.groups.get("session") or (given[0] if len(given) == 1 else "")
        self._own_session(session, passage)
        stream = StreamAnswer.over(answer, self.bindings, passage.account_id)
        await self.app(_uncompressed(passage.scope), receive, stream)

    def _own_session(self, session: object, passage: Passage) -> None:
        proper = isinstance(session, str) and 0 < len(session) <= 64
        if not proper or not self.bindings.sessions.claim(str(session), passage.account_id):
            raise Refusal(403, NotPermitted("web.foreign_session"))

    def _own_event(self, event: object, passage: Passage) -> None:
        if not isinstance(event, str) or not self.bindings.events.holds(event, passage.account_id):
            raise Refusal(403, NotPermitted("web.foreign_session"))

    async def _event(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        body = await self._checked_body(passage, receive)
        self._own_session(body.get("session_hash"), passage)
        if body.get("event_id") is not None:
            self._own_event(body["event_id"], passage)
        watched = EventAnswer.over(answer, self.bindings, passage.account_id)
        await self._forward(passage, body, receive, watched)

    async def _stream_input(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        self._own_event(passage.groups["event"], passage)
        if passage.visit.path.endswith("/close"):
            await self.app(passage.scope, receive, answer)
            return
        body = await self._checked_body(passage, receive)
        if body.get("session_hash") is not None:
            self._own_session(body["session_hash"], passage)
        await self._forward(passage, body, receive, answer)

    async def _checked_body(self, passage: Passage, receive: Receive) -> dict[str, Any]:
        body = await read_json(receive, passage.declared)
        if not isinstance(body, dict):
            raise Refusal(400, InputRefused("web.not_json"))
        if self.bindings.foreign_file(body, passage.account_id):
            raise Refusal(403, NotPermitted("web.foreign_file"))
        return body

    async def _forward(self, passage: Passage, body: Any, receive: Receive, send: Send) -> None:
        raw, again = replay(body, receive)
        length = (b"content-length", str(len(raw)).encode())
        dropped = (b"content-length", b"transfer-encoding", b"accept-encoding")
        kept = [(name, value) for name, value in passage.scope["headers"] if name.lower() not in dropped]
        await self.app({**passage.scope, "headers": [*kept, length]}, again, send)

    async def _upload(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        watch = watch_upload(receive, passage.visit.headers.get("content-type", ""), self.settings)
        if passage.declared > watch.limit_bytes:
            watch = replace(watch, verdict="size")
        upload = UploadAnswer.over(answer, self.bindings, passage.account_id)
        if not watch.verdict:
            await self.app(_uncompressed(passage.scope), watch, upload)
        await upload.finish(watch, passage.declared)

    async def _call(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        if passage.visit.method != "POST":
            await self.app(passage.scope, receive, answer)
            return
        body = await read_json(receive, passage.declared, CALL_LIMIT)
        await self._forward(passage, body, receive, answer)

    async def _file(self, passage: Passage, answer: Answer, receive: Receive) -> None:
        if not self.bindings.may_read(passage.groups["file"], passage.account_id):
            raise Refusal(404, NotFound("web.not_found"))
        await self.app(passage.scope, receive, FileAnswer.over(answer))


def _uncompressed(scope: dict[str, Any]) -> dict[str, Any]:
    """The request without Accept-Encoding: its answer is read or changed on the way out."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
    return {**scope, "headers": headers}
