"""Voices: checked, consented, sealed, listed, withdrawn."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import combinations

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.decode import decode
from studio.audio.encode import AudioFormat, encode
from studio.audio.fix import fix
from studio.audio.report import ReportCard, report_card
from studio.consent.evidence import OTHER_VOICE, Evidence
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.consent.service import ConsentService
from studio.db.database import Database
from studio.db.tables import EncodedVoice, ReferenceClip, Speaker, SpeakerIdentity, Voice
from studio.errors import AudioRefused, InputRefused, NotFound, NotPermitted
from studio.evaluation.judges import Judges
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Eraser, Receipt
from studio.privacy.vault import Vault
from studio.voices.forms import MOST_CLIPS, CheckedClip, ClipView, Upload, VoiceForm, VoiceView


class VoiceService:
    """Enrols voices and hands them out. Nothing is stored before consent and clips have passed."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        consent: ConsentService,
        judges: Judges,
        upload_limit_bytes: int,
    ) -> None:
        self._database = database
        self._vault = vault
        self._consent = consent
        self._judges = judges
        self._upload_limit_bytes = upload_limit_bytes
        self._eraser = Eraser(database, vault)

    # A clip before it is stored

    def check(self, actor: Actor, upload: Upload) -> CheckedClip:
        """Decode and examine a recording; nothing is stored. AudioRefused when it cannot be decoded at all."""
        actor.require(Permission.VOICES)
        if len(upload.data) > self._upload_limit_bytes:
            limit, size = self._upload_limit_bytes // 2**20, len(upload.data) // 2**20
            raise AudioRefused("audio.too_big", size_mb=size, limit_mb=limit)
        clip = decode(upload.data, upload.name)
        return CheckedClip(upload.name, clip, self._card(clip), upload.source)

    def fix(self, actor: Actor, checked: CheckedClip) -> CheckedClip:
        """Trim, level and convert what can be mended; the new report card says what is left."""
        actor.require(Permission.VOICES)
        mended, done = fix(checked.clip, checked.card)
        return replace(checked, clip=mended, card=self._card(mended), fixes=checked.fixes + tuple(done))

    def _card(self, clip: AudioClip) -> ReportCard:
        return report_card(clip, self._judges.embed)

    # Enrolling

    def enrol(self, actor: Actor, form: VoiceForm) -> VoiceView:
        """Store a consented voice: speaker, consent, clips, all in one transaction.

        Raises InputRefused, AudioRefused or ConsentMissing before anything is stored.
        """
        actor.require(Permission.VOICES)
        self._refuse(form, actor.language)
        evidence = self._consent.check(form.consent, [c.clip for c in form.clips])
        with self._database.write() as session:
            speaker = Speaker(category=form.consent.category.value, owner_id=actor.account_id)
            session.add(speaker)
            session.flush()
            self._seal_identity(session, speaker, form)
            voice = self._store(session, actor, speaker, form, evidence)
            audit.append(session, actor.account_id, "voice.enrolled", voice.id, speaker=speaker.id)
            return self._view(session, voice)

    def _refuse(self, form: VoiceForm, language: str) -> None:
        if not 1 <= len(form.name.strip()) <= 60:
            raise InputRefused("voices.no_name")
        if not form.clips:
            raise InputRefused("voices.no_clips")
        if len(form.clips) > MOST_CLIPS:
            raise InputRefused("voices.too_many_clips", most=MOST_CLIPS)
        for number, checked in enumerate(form.clips, 1):
            if refusal := checked.card.refusal(language):
                raise AudioRefused("voices.clip_refused", number=number, reason=refusal)
        self._refuse_two_speakers([c.clip for c in form.clips])

    def _refuse_two_speakers(self, clips: list[AudioClip]) -> None:
        embeddings = [self._judges.embed(clip) for clip in clips]
        for (i, first), (j, second) in combinations(enumerate(embeddings, 1), 2):
            if (score := float(first @ second)) < OTHER_VOICE:
                raise AudioRefused("voices.different_speakers", first=i, second=j, score=f"{score:.2f}")

    def _seal_identity(self, session: Session, speaker: Speaker, form: VoiceForm) -> None:
        keyset = self._vault.keyring.create(session, speaker.id)
        identity = json.dumps({"name": form.real_name, "contact": form.contact}).encode()
        sealed = keyset.seal(identity, f"identity|{speaker.id}")
        session.add(SpeakerIdentity(speaker_id=speaker.id, sealed=sealed))

    def _store(
        self, session: Session, actor: Actor, speaker: Speaker, form: VoiceForm, evidence: Evidence
    ) -> Voice:
        assert form.consent.recording is not None
        recording = encode(form.consent.recording, AudioFormat.FLAC)
        asset_id = self._vault.write(session, speaker.id, "consent_recording", recording)
        record = self._consent.add(session, actor, speaker, form.consent, evidence, asset_id)
        voice = Voice(
            speaker_id=speaker.id, owner_id=actor.account_id, name=form.name.strip(), language=form.language
        )
        session.add(voice)
        session.flush()
        for checked in form.clips:
            self._store_clip(session, voice, record.id, checked)
        return voice

    def _store_clip(self, session: Session, voice: Voice, consent_id: str, checked: CheckedClip) -> None:
        sound = encode(checked.clip, AudioFormat.FLAC)
        asset_id = self._vault.write(session, voice.speaker_id, "reference_clip", sound)
        session.add(
            ReferenceClip(
                voice_id=voice.id,
                asset_id=asset_id,
                content_id=checked.clip.content_id,
                consent_id=consent_id,
                source=checked.source,
                duration_s=checked.clip.duration_s,
                sample_rate_hz=checked.clip.sample_rate_hz,
                report=asdict(checked.card),
            )
        )
        session.flush()

    def add_clip(self, actor: Actor, voice_id: str, checked: CheckedClip) -> VoiceView:
        """Add a clip to a voice: the consent must be in force and the voice must match those that are there."""
        with self._database.read() as session:
            there = self.clips(session, self.find(session, actor, voice_id))
        if len(there) >= MOST_CLIPS:
            raise InputRefused("voices.too_many_clips", most=MOST_CLIPS)
        if refusal := checked.card.refusal(actor.language):
            raise AudioRefused("voices.clip_refused", number=len(there) + 1, reason=refusal)
        self._refuse_two_speakers([*there, checked.clip])
        with self._database.write() as session:
            voice = self.find(session, actor, voice_id)
            consent = permits(session, voice, {Purpose.ZERO_SHOT})
            self._store_clip(session, voice, consent.id, checked)
            audit.append(session, actor.account_id, "voice.clip_added", voice.id)
            return self._view(session, voice)

    def remove_clip(self, actor: Actor, clip_id: str) -> VoiceView:
        """Delete a clip; the last one of a voice stays (delete the voice instead)."""
        with self._database.write() as session:
            row, voice = self._clip(session, actor, clip_id)
            if len(self._clip_rows(session, voice)) == 1:
                raise InputRefused("voices.no_clips")
            session.delete(row)
            session.flush()
            self._vault.delete(session, row.asset_id)
            audit.append(session, actor.account_id, "voice.clip_removed", voice.id)
            return self._view(session, voice)

    def rename(self, actor: Actor, voice_id: str, name: str) -> VoiceView:
        if not 1 <= len(name.strip()) <= 60:
            raise InputRefused("voices.no_name")
        with self._database.write() as session:
            voice = self.find(session, actor, voice_id)
            voice.name = name.strip()
            return self._view(session, voice)

    def withdraw(self, actor: Actor, voice_id: str, reason: str = "") -> Receipt:
        """Erase the speaker behind a voice, with everything made from it; gives the receipt."""
        with self._database.read() as session:
            voice = self.find(session, actor, voice_id)
        return self._eraser.erase_speaker(actor, voice.speaker_id, reason)

    # Reading

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
        from studio.db.tables import ConsentRecord

        with self._database.read() as session:
            record = session.get(ConsentRecord, consent_id)
            if record is None or not (actor.may(Permission.REVIEW) or record.granted_by == actor.account_id):
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
    import io

    import soundfile

    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return AudioClip(samples, rate)
