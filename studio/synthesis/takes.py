"""Takes: stored, found again, favoured, exported, deleted; and the phrase cache, which is a look-up of takes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import Synthesis, Voice
from studio.errors import InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault
from studio.provenance.manifest import is_signed
from studio.provenance.marking import Marker
from studio.synthesis.requests import Take, VoiceChoice
from studio.voices.service import decode_own


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a take sounds; its key finds a phrase that was spoken before."""

    engine_id: str
    voice_content_id: str
    normalised_text: str
    language: str
    options: Mapping[str, object]

    @property
    def phrase_key(self) -> str:
        parts = [
            self.engine_id,
            self.voice_content_id,
            self.normalised_text,
            self.language,
            dict(self.options),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class TakeStore:
    """Reads and changes takes; only their owner (or an administrator) can."""

    def __init__(self, database: Database, vault: Vault, marker: Marker) -> None:
        self._database = database
        self._vault = vault
        self._marker = marker

    def cached(self, session: Session, actor: Actor, recipe: Recipe, purpose: Purpose) -> Synthesis | None:
        """The actor's newest take of the same recipe and purpose, if there is one."""
        query = select(Synthesis).where(
            Synthesis.owner_id == actor.account_id,
            Synthesis.phrase_key == recipe.phrase_key,
            Synthesis.purpose == purpose.value,
        )
        return session.scalars(query.order_by(Synthesis.created_at.desc()).limit(1)).first()

    def search(
        self, actor: Actor, text: str = "", *, favourites: bool = False, voice_key: str = "", limit: int = 50
    ) -> list[Take]:
        """The actor's takes, newest first, whose text, voice or engine contains `text`.

        Takes made to be measured are left out: they are with the results of their evaluation.
        """
        query = select(Synthesis).where(
            Synthesis.owner_id == actor.account_id, Synthesis.purpose != Purpose.EVALUATION.value
        )
        if text.strip():
            like = f"%{_escape(text.strip())}%"
            columns = (Synthesis.text, Synthesis.voice_name, Synthesis.engine_id, Synthesis.language)
            query = query.where(or_(*(c.ilike(like, escape="\\") for c in columns)))
        if favourites:
            query = query.where(Synthesis.favourite.is_(True))
        if voice_key:
            choice = VoiceChoice.parse(voice_key)
            query = query.where(
                Synthesis.voice_id == choice.voice_id
                if choice.voice_id
                else Synthesis.preset_id == choice.preset_id
            )
        with self._database.read() as session:
            return [
                view(row) for row in session.scalars(query.order_by(Synthesis.created_at.desc()).limit(limit))
            ]

    def find(self, actor: Actor, take_id: str) -> Take:
        with self._database.read() as session:
            return view(self._row(session, actor, take_id))

    def of_batch(self, actor: Actor, batch_id: str) -> list[Take]:
        query = select(Synthesis).where(
            Synthesis.owner_id == actor.account_id, Synthesis.batch_id == batch_id
        )
        with self._database.read() as session:
            return [view(row) for row in session.scalars(query.order_by(Synthesis.created_at))]

    def clip(self, actor: Actor, take_id: str) -> AudioClip:
        """The sound of a take. The gate is asked again: a withdrawn or expired voice is silent."""
        with self._database.read() as session:
            row = self._row(session, actor, take_id)
            if row.voice_id is not None:
                purposes = {Purpose.ZERO_SHOT, Purpose(row.purpose)}
                trained = {Purpose.FINE_TUNE} if row.adapter_id else set()
                permits(session, session.get_one(Voice, row.voice_id), purposes | trained)
            return self._opened(session, row)

    def _opened(self, session: Session, row: Synthesis) -> AudioClip:
        """The marked sound; a take of a studio that did not mark yet is marked on its way out."""
        data = self._vault.read(session, row.asset_id)
        clip = decode_own(data)
        return clip if is_signed(data) else self._marker.clip(clip)

    def audio(self, actor: Actor, take_id: str, format_name: str) -> tuple[bytes, str, str]:
        """A take as (bytes, media type, file name) in one of the export formats."""
        chosen = audio_format(format_name)
        made_at = self.find(actor, take_id).created_at
        data = self._marker.file(self.clip(actor, take_id), chosen, made_at)
        return data, chosen.media_type, f"{take_id}{chosen.suffix}"

    def set_favourite(self, actor: Actor, take_id: str, favourite: bool) -> Take:
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            row = self._row(session, actor, take_id)
            row.favourite = favourite
            return view(row)

    def delete(self, actor: Actor, take_id: str) -> None:
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            row = self._row(session, actor, take_id)
            session.delete(row)
            session.flush()
            self._vault.delete(session, row.asset_id)
            audit.append(session, actor.account_id, "take.deleted", take_id)

    def _row(self, session: Session, actor: Actor, take_id: str) -> Synthesis:
        row = session.get(Synthesis, take_id)
        if row is None or not actor.owns(row.owner_id):
            raise NotFound("synthesis.unknown")
        return row


def audio_format(name: str) -> AudioFormat:
    """The export format of this name; InputRefused with the known ones otherwise."""
    try:
        return AudioFormat(name)
    except ValueError as error:
        raise InputRefused("synthesis.format", name=name, known=", ".join(AudioFormat)) from error


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def view(row: Synthesis, cached: bool = False) -> Take:
    """A row as people see it."""
    voice = (
        VoiceChoice(voice_id=row.voice_id)
        if row.voice_id
        else VoiceChoice(engine_id=row.engine_id, preset_id=row.preset_id or "")
    )
    return Take(
        row.id, voice.key, row.voice_name, row.engine_id, row.language, row.text, row.normalised_text,
        tuple(row.chunks), row.options, row.purpose, row.duration_s, row.sample_rate_hz, row.rtf, row.first_sound_s,
        row.device, row.similarity, row.predicted_mos, row.wer, row.transcript, row.favourite, row.batch_id,
        row.batch_name, row.created_at, row.adapter_id or "", cached,
    )  # fmt: skip
