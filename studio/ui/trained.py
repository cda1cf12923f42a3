"""The selector of what was trained of a voice: adapters, then kept checkpoints."""

from studio.errors import NotFound
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.ui.desk import Desk


def trained_of(desk: Desk, actor: Actor, voice: str | None, engine: str | None) -> list[tuple[str, str]]:
    """(label, id) of what a voice can speak with on an engine; empty for a preset and where nothing was trained."""
    voice_id = VoiceChoice.parse(voice).voice_id if voice else ""
    if not voice_id or not engine:
        return []
    try:
        found = desk.studio.synthesis.trained.choices(actor, voice_id, engine, checkpoints=True)
    except NotFound:  # the voice was erased in another window: the selector says so at its next look
        return []
    return [(desk.words(f"clone.trained_{one.kind}", name=one.name), one.id) for one in found]
