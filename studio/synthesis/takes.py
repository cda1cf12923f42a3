"""Takes: stored, found again, favoured, exported, deleted; and the phrase cache, which is a look-up of takes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database, folded
from studio.db.tables import Synthesis, Voice, new_id, now
from studio.errors import InputRefused, NotFound
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault
from studio.provenance.manifest import is_signed
from studio.provenance.marking import Marker
from studio.synthesis.files import FilesOfTakes
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


@dataclass(frozen=True)
class BatchView:
    """A batch as people find it again: what is left of it, and when its last take was made."""

    id: str
    takes: int
    voice_name: str
    created_at: str


class TakeStore:
    """Reads and changes takes; only their owner (or an administrator) can."""

    def __init__(self, database: Database, vault: Vault, marker: Marker) -> None:
        self._database = database
        self._vault = vault
        self._marker = marker
        self.files = FilesOfTakes()

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
        """The actor's takes, newest first, whose text, voice, engine or language contains `text`.

        Takes made to be measured are left out: they are with the results of their evaluation.
        """
        query = select(Synthesis).where(
            Synthesis.owner_id == actor.account_id, Synthesis.purpose != Purpose.EVALUATION.value
        )
        if text.strip():
            columns = (Synthesis.text, Synthesis.voice_name, Synthesis.engine_id, Synthesis.language)
            wanted = folded(text.strip())
            query = query.where(or_(*(func.folded(c).contains(wanted, autoescape=True) for c in columns)))
        if favourites:
            query = query.where(Synthesis.favourite.is_(True))
        if voice_key:
            query = query.where(*_spoken_by(VoiceChoice.parse(voice_key)))
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

    def batches(self, actor: Actor, most: int = 20) -> list[BatchView]:
        """The actor's batches of which takes are still here, newest first."""
        query = (
            select(Synthesis.batch_id, func.count(), func.min(Synthesis.voice_name), func.max(Synthesis.created_at))
            .where(Synthesis.owner_id == actor.account_id, Synthesis.batch_id.is_not(None))
            .where(Synthesis.purpose != Purpose.EVALUATION.value)  # an evaluation keeps its takes together, too
            .group_by(Synthesis.batch_id)
            .order_by(func.max(Synthesis.created_at).desc())
            .limit(most)
        )  # fmt: skip
        with self._database.read() as session:
            return [BatchView(*row) for row in session.execute(query)]

    def copied(self, session: Session, row: Synthesis, keyset_id: str | None, **own: object) -> Synthesis:
        """The same sound as a take of its own, sealed anew: either can go without the other."""
        asset_id = self._vault.write(session, keyset_id, "take", self._vault.read(session, row.asset_id))
        kept = {name: getattr(row, name) for name in Synthesis.__mapper__.columns.keys()}  # noqa: SIM118
        new = {"id": new_id("tak"), "asset_id": asset_id, "favourite": False, "created_at": now()}
        copy = Synthesis(**{**kept, **new, **own})
        session.add(copy)
        return copy

    def clip(self, actor: Actor, take_id: str) -> AudioClip:
        """The sound of a take. The gate is asked again: a withdrawn or expired voice is silent."""
        with self._database.read() as session:
            return self._opened(session, self._audible(session, actor, take_id))

    def _audible(self, session: Session, actor: Actor, take_id: str) -> Synthesis:
        row = self._row(session, actor, take_id)
        if row.voice_id is not None:
            purposes = {Purpose.ZERO_SHOT, Purpose(row.purpose)}
            trained = {Purpose.FINE_TUNE} if row.adapter_id else set()
            permits(session, session.get_one(Voice, row.voice_id), purposes | trained)
        return row

    def _opened(self, session: Session, row: Synthesis) -> AudioClip:
        """The marked sound; a take of a studio that did not mark yet is marked on its way out."""
        data = self._vault.read(session, row.asset_id)
        clip = decode_own(data)
        return clip if is_signed(data) else self._marker.clip(clip)

    def audio(self, actor: Actor, take_id: str, format_name: str) -> tuple[bytes, str, str]:
        """A take as (bytes, media type, file name) in one of the export formats."""
        chosen = audio_format(format_name)
        with self._database.read() as session:
            row = self._audible(session, actor, take_id)
            made = self.files.of(
                take_id, chosen, lambda: self._marker.file(self._opened(session, row), chosen, row.created_at)
            )
        return made, chosen.media_type, f"{take_id}{chosen.suffix}"

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
        self.files.forget(take_id)

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


def _spoken_by(choice: VoiceChoice) -> tuple[ColumnElement[bool], ...]:
    """Conditions; engines may call their presets by the same name."""
    if choice.voice_id:
        return (Synthesis.voice_id == choice.voice_id,)
    return Synthesis.preset_id == choice.preset_id, Synthesis.engine_id == choice.engine_id


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
        row.batch_name, row.created_at, row.adapter_id or "", row.notice, cached, row.asr_floor,
        row.asr_floor_n,
    )  # fmt: skip
