"""What the speakers' page sends, read within bounds: so many bodies at once, so large, within so many seconds."""

import base64
import binascii
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from anyio import CapacityLimiter, fail_after
from fastapi import Request

from studio.consent.forms import ATTESTATIONS
from studio.consent.purposes import Purpose
from studio.errors import InputRefused
from studio.voices.forms import Upload
from studio.voices.speakers import MOST_BY_LINK, Answer
from studio.web.body import MEGABYTE, Receive, read_body, strict_json
from studio.web.refusals import Refusal

SOUND_BYTES = 8 * MEGABYTE  # one recording: a minute of uncompressed sound
ALL_SOUNDS_BYTES = 24 * MEGABYTE  # of one answer: as the page records, seven full ones are 9 MB
SMALL_BYTES = 16_000
ANSWER_BYTES = ALL_SOUNDS_BYTES * 4 // 3 + SMALL_BYTES
TOKEN_LENGTH = 100  # at most, of a challenge
MOST_LIMITS = 64  # engines or languages that a consent names; more than there are
WITHIN_S = 180.0  # until all of it is here, the wait for a place included; then the place is another's


class Door:
    """Holds so many bodies at once; who comes meanwhile waits outside, with nothing read of what they send."""

    def __init__(self, at_once: int) -> None:
        self._places = CapacityLimiter(at_once)

    @asynccontextmanager
    async def let_in(self, request: Request, limit: int) -> AsyncIterator[bytes]:
        """The body; its place is kept until the block ends. Refusal when it is too long, too slow or cut off."""
        place = object()
        try:
            with fail_after(WITHIN_S):
                await self._places.acquire_on_behalf_of(place)
                raw = await _body(request, limit)
        except TimeoutError as error:
            self._leave(place)
            raise Refusal(408, InputRefused("consent.too_slow", seconds=int(WITHIN_S))) from error
        except BaseException:
            self._leave(place)
            raise
        try:
            yield raw
        finally:
            self._leave(place)

    def _leave(self, place: object) -> None:
        if place in self._places.statistics().borrowers:
            self._places.release_on_behalf_of(place)


async def _body(request: Request, limit: int) -> bytes:
    length = request.headers.get("content-length", "0")
    declared = int(length) if length.isdecimal() else 0
    key = "consent.answer_long" if limit == ANSWER_BYTES else "web.file_too_large"
    shown = ALL_SOUNDS_BYTES if limit == ANSWER_BYTES else limit
    too_long = Refusal(413, InputRefused(key, limit_mb=max(1, shown // MEGABYTE)))
    return await read_body(cast(Receive, request.receive), declared, limit, too_long)


def read_wish(raw: bytes) -> tuple[frozenset[Purpose], str]:
    """The purposes that were ticked and the hash of the notice that was shown."""
    body = _object(raw)
    return _purposes(body), _text(body.get("notice"))


def refuse_unsure(raw: bytes) -> None:
    """InputRefused unless a withdrawal is meant."""
    if _object(raw).get("sure") is not True:
        raise InputRefused("consent.answer_shape")


def read_answer(raw: bytes) -> Answer:
    """A consent as the page sends it; InputRefused where it has another form or too much in a field."""
    body = _object(raw)
    source = _text(body.get("source"))
    if source not in ("microphone", "upload"):
        raise InputRefused("consent.answer_shape")
    clips = _texts(body.get("clips"), MOST_BY_LINK, SOUND_BYTES * 2)
    return Answer(
        purposes=_purposes(body),
        attestations=frozenset(_texts(body.get("attestations"), len(ATTESTATIONS))),
        challenge=_text(body.get("challenge")),
        statement=_sound(body.get("statement"), source),
        clips=tuple(_sound(clip, "microphone") for clip in clips),
        engines=_limits(body, "engines"),
        languages=_limits(body, "languages"),
    )


def _object(raw: bytes) -> dict[str, Any]:
    body = strict_json(raw)
    if not isinstance(body, dict):
        raise InputRefused("web.not_json")
    return body


def _text(value: object, most: int = TOKEN_LENGTH) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise InputRefused("consent.answer_shape")
    return value


def _texts(value: object, most: int, longest: int = TOKEN_LENGTH) -> list[str]:
    if not isinstance(value, list) or len(value) > most:
        raise InputRefused("consent.answer_shape")
    return [_text(one, longest) for one in value]


def _purposes(body: dict[str, Any]) -> frozenset[Purpose]:
    names = _texts(body.get("purposes"), len(Purpose))
    if set(names) - {purpose.value for purpose in Purpose}:
        raise InputRefused("consent.answer_shape")
    return frozenset(Purpose(name) for name in names)


def _limits(body: dict[str, Any], name: str) -> frozenset[str] | None:
    """What the consent is narrowed to; None where nothing is said of it."""
    return frozenset(_texts(body[name], MOST_LIMITS)) if name in body else None


def _sound(value: object, source: str) -> Upload:
    text = _text(value, SOUND_BYTES * 2)
    if len(text) > SOUND_BYTES * 4 // 3 + 4:
        raise InputRefused("web.file_too_large", limit_mb=SOUND_BYTES // MEGABYTE)
    try:
        return Upload("recording", base64.b64decode(text, validate=True), source)
    except (binascii.Error, ValueError) as error:
        raise InputRefused("consent.answer_shape") from error
