"""The gate, asked again while a test runs: sounds of a voice that may not be heard just now."""

import time

from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.tables import Voice
from studio.errors import NotFound, StudioError
from studio.listening.plan import Plan

ASKED_EVERY_S = 5.0


class ConsentWatch:
    """Asks the gate for each voice, at most every ASKED_EVERY_S; a refusal is never remembered."""

    def __init__(self) -> None:
        self.asked: dict[str, float] = {}  # voice id -> when it was last permitted, by the monotonic clock

    def ask(self, session: Session, voice_id: str) -> None:
        """NotFound where the voice may not be heard; a listener hears no name of whoever withdrew."""
        if time.monotonic() - self.asked.get(voice_id, float("-inf")) < ASKED_EVERY_S:
            return
        voice = session.get(Voice, voice_id)
        try:
            if voice is None:
                raise NotFound("voices.unknown")
            permits(session, voice, {Purpose.LISTENING_TEST})
        except StudioError as error:
            raise NotFound("listening.unknown_sound") from error
        self.asked[voice_id] = time.monotonic()

    def silenced(self, session: Session, plan: Plan) -> frozenset[str]:
        """Stimuli of the plan whose voice may not be heard just now."""
        silent = set()
        for voice_id in plan.voices:
            try:
                self.ask(session, voice_id)
            except NotFound:
                silent.add(voice_id)
        return frozenset(name for name, sound in plan.sounds.items() if sound.voice_id in silent)
