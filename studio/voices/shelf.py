"""Stored voices: found, listed, shown, opened; only for who may see them."""

import io
from collections.abc import Callable

import soundfile
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.consent.documents import may_see
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.consent.service import ConsentService
from studio.db.database import Database
from studio.db.tables import ConsentRecord, EncodedVoice, ReferenceClip, Speaker, Voice
from studio.errors import NotFound, NotPermitted
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault
from studio.voices.forms import ClipView, VoiceView


class VoiceShelf:
    """Reads voices and their recordings; changes nothing."""

    def __init__(self, database: Database, vault: Vault, consent: ConsentService) -> None:
        self._database = database
        self._vault = vault
        self._consent = consent

    def find(self, session: Session, actor: Actor, voice_id: str) -> Voice:
        """The voice if the actor may see it and its speaker has not withdrawn; NotFound otherwise."""
        voice = session.get(Voice, voice_id)
        if voice is None or not actor.owns(voice.owner_id):
            raise NotFound("voices.unknown")
        actor_may = actor.may(Permission.VOICES) or actor.may(Permission.ALL_VOICES)
        if not actor_may:
            raise NotPermitted(
                "privacy.not_permitted", role=actor.role.value, permission=Permission.VOICES.value
            )
        return voice

    def browse(self, actor: Actor, search: str = "") -> list[VoiceView]:
        """The actor's voices, newest first; `search` looks in names."""
        with self._database.read() as session:
            query = select(Voice).order_by(Voice.created_at.desc())
            found = [v for v in session.scalars(query) if actor.owns(v.owner_id)]
            wanted = search.strip().casefold()
            return [self._view(session, v) for v in found if wanted in v.name.casefold()]

    def view(self, actor: Actor, voice_id: str) -> VoiceView:
        with self._database.read() as session:
            return self._view(session, self.find(session, actor, voice_id))

    def of_speaker(self, session: Session, speaker_id: str) -> list[Voice]:
        """Every voice of a speaker, oldest first."""
        query = select(Voice).where(Voice.speaker_id == speaker_id)
        return [*session.scalars(query.order_by(Voice.created_at, Voice.id))]

    def clips(self, session: Session, voice: Voice) -> list[AudioClip]:
        """The reference recordings, opened."""
        rows = self._clip_rows(session, voice)
        return [decode_own(self._vault.read(session, row.asset_id)) for row in rows]

    def content_ids(self, session: Session, voice: Voice) -> list[str]:
        return [row.content_id for row in self._clip_rows(session, voice)]

    def clip_audio(self, actor: Actor, clip_id: str) -> tuple[bytes, str, str]:
        """A stored clip as (bytes, media type, file name), for its owner only."""
        with self._database.read() as session:
            row, _voice = self._clip(session, actor, clip_id)
            clip = decode_own(self._vault.read(session, row.asset_id))
        return encode(clip, AudioFormat.WAV), AudioFormat.WAV.media_type, f"{clip_id}.wav"

    def consent_audio(self, actor: Actor, consent_id: str) -> tuple[bytes, str, str]:
        """A consent recording, for reviewers and the voice's owner."""
        with self._database.read() as session:
            record = session.get(ConsentRecord, consent_id)
            speaker = session.get(Speaker, record.speaker_id) if record else None
            if record is None or speaker is None or not may_see(actor, speaker):
                raise NotFound("voices.clip_unknown")
            clip = decode_own(self._vault.read(session, record.recording_asset_id))
        return encode(clip, AudioFormat.WAV), AudioFormat.WAV.media_type, f"{consent_id}.wav"

    def _clip(self, session: Session, actor: Actor, clip_id: str) -> tuple[ReferenceClip, Voice]:
        row = session.get(ReferenceClip, clip_id)
        voice = session.get(Voice, row.voice_id) if row else None
        if row is None or voice is None or not actor.owns(voice.owner_id):
            raise NotFound("voices.clip_unknown")
        return row, voice

    @staticmethod
    def _clip_rows(session: Session, voice: Voice) -> list[ReferenceClip]:
        query = select(ReferenceClip).where(ReferenceClip.voice_id == voice.id)
        return [*session.scalars(query.order_by(ReferenceClip.created_at, ReferenceClip.id))]

    def _view(self, session: Session, voice: Voice) -> VoiceView:
        speaker = session.get_one(Speaker, voice.speaker_id)
        clips = tuple(
            ClipView(r.id, r.duration_s, r.sample_rate_hz, r.source, r.created_at)
            for r in self._clip_rows(session, voice)
        )
        ready = session.scalars(
            select(EncodedVoice.engine_id).where(EncodedVoice.voice_id == voice.id).distinct()
        )
        consent = self._consent.of_speaker(session, voice.speaker_id)
        return VoiceView(
            voice.id, voice.name, voice.language, voice.speaker_id, speaker.category, voice.created_at, clips,
            consent, _usable(lambda: permits(session, voice, {Purpose.ZERO_SHOT})), tuple(ready), voice.owner_id,
        )  # fmt: skip


def _usable(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except (NotPermitted, NotFound):
        return False
    return True


def decode_own(data: bytes) -> AudioClip:
    """Read a FLAC that the studio itself wrote: no child process is needed for our own bytes."""
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return AudioClip(samples, rate)
