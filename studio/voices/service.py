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
from studio.consent.documents import may_see
from studio.consent.evidence import OTHER_VOICE
from studio.consent.gate import permits, refuse_while_renewing
from studio.consent.matching import refuse_long
from studio.consent.purposes import Purpose
from studio.consent.service import CheckedConsent, ConsentForm, ConsentService
from studio.db.database import Database
from studio.db.tables import ConsentRecord, EncodedVoice, ReferenceClip, Speaker, SpeakerIdentity, Voice
from studio.errors import AudioRefused, ConsentMissing, InputRefused, NotFound, NotPermitted
from studio.evaluation.judges import Judges
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erasure, Receipt
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
        erasure: Erasure,
        upload_limit_bytes: int,
    ) -> None:
        self._database = database
        self._vault = vault
        self._consent = consent
        self._judges = judges
        self._upload_limit_bytes = upload_limit_bytes
        self._erasure = erasure

    # A clip before it is stored

    def check(self, actor: Actor, upload: Upload) -> CheckedClip:
        """Decode and examine a recording; nothing is stored. AudioRefused when it cannot be decoded at all."""
        actor.require(Permission.VOICES)
        return self.examine(upload)

    def examine(self, upload: Upload) -> CheckedClip:
        """`check` for whoever was let in by other means than an account: a speaker by a link."""
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
        checked = self._checked(actor.account_id, form, actor.language)
        with self._database.write() as session:
            speaker = self.add_speaker(
                session, actor.account_id, form.consent.category.value, form.real_name, form.contact
            )
            voice = self._store(session, actor.account_id, speaker, form, checked)
            return self._view(session, voice)

    def enrol_invited(self, speaker_id: str, form: VoiceForm, language: str) -> VoiceView:
        """The same for a speaker who was invited and answers for themselves; the voice is the inviter's."""
        checked = self._checked(speaker_id, form, language)
        with self._database.write() as session:
            speaker = self._present(session, speaker_id)
            voice = self._store(session, speaker_id, speaker, form, checked)
            return self._view(session, voice)

    def renew(self, by: str, speaker_id: str, form: ConsentForm) -> None:
        """A new version of a speaker's consent, compared with every recording that is stored."""
        with self._database.read() as session:
            self._present(session, speaker_id)
            clips = [
                clip for voice in self.of_speaker(session, speaker_id) for clip in self.clips(session, voice)
            ]
        if not clips:
            raise InputRefused("voices.no_clips")
        checked = self._consent.check(by, form, clips)
        with self._database.write() as session:
            speaker = self._present(session, speaker_id)
            self._record(session, by, speaker, checked)

    def _checked(self, subject: str, form: VoiceForm, language: str) -> CheckedConsent:
        self._refuse(form, language)
        return self._consent.check(subject, form.consent, [c.clip for c in form.clips])

    @staticmethod
    def _present(session: Session, speaker_id: str) -> Speaker:
        speaker = session.get(Speaker, speaker_id)
        if speaker is None or speaker.withdrawn_at is not None:
            raise NotFound("voices.unknown")
        return speaker

    def _refuse(self, form: VoiceForm, language: str) -> None:
        if not 1 <= len(form.name.strip()) <= 60:
            raise InputRefused("voices.no_name")
        if not form.clips:
            raise InputRefused("voices.no_clips")
        if len(form.clips) > MOST_CLIPS:
            raise InputRefused("voices.too_many_clips", most=MOST_CLIPS)
        refuse_long([checked.clip for checked in form.clips])  # before any of them is measured
        for number, checked in enumerate(form.clips, 1):
            if refusal := checked.card.refusal(language):
                raise AudioRefused("voices.clip_refused", number=number, reason=refusal)
        self._refuse_two_speakers([c.clip for c in form.clips])

    def _refuse_two_speakers(self, clips: list[AudioClip]) -> None:
        embeddings = [self._judges.embed(clip) for clip in clips]
        for (i, first), (j, second) in combinations(enumerate(embeddings, 1), 2):
            if (score := float(first @ second)) < OTHER_VOICE:
                raise AudioRefused("voices.different_speakers", first=i, second=j, score=f"{score:.2f}")

    def add_speaker(
        self, session: Session, owner_id: str, category: str, real_name: str, contact: str
    ) -> Speaker:
        """A pseudonym with a keyset of its own; name and contact sealed with it."""
        speaker = Speaker(category=category, owner_id=owner_id)
        session.add(speaker)
        session.flush()
        keyset = self._vault.keyring.create(session, speaker.id)
        identity = json.dumps({"name": real_name, "contact": contact}).encode()
        sealed = keyset.seal(identity, f"identity|{speaker.id}")
        session.add(SpeakerIdentity(speaker_id=speaker.id, sealed=sealed))
        session.flush()
        return speaker

    def _record(self, session: Session, by: str, speaker: Speaker, checked: CheckedConsent) -> ConsentRecord:
        assert checked.form.recording is not None
        recording = encode(checked.form.recording, AudioFormat.FLAC)
        asset_id = self._vault.write(session, speaker.id, "consent_recording", recording)
        return self._consent.add(session, by, speaker, checked, asset_id)

    def _store(
        self, session: Session, by: str, speaker: Speaker, form: VoiceForm, checked: CheckedConsent
    ) -> Voice:
        record = self._record(session, by, speaker, checked)
        voice = Voice(
            speaker_id=speaker.id, owner_id=speaker.owner_id, name=form.name.strip(), language=form.language
        )
        session.add(voice)
        session.flush()
        for clip in form.clips:
            self._store_clip(session, voice, record.id, clip)
        audit.append(session, by, "voice.enrolled", voice.id, speaker=speaker.id)
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
        """Add a clip: the consent must be in force, its statement and the clips that are there of one voice."""
        actor.require(Permission.VOICES)
        with self._database.read() as session:
            voice = self.find(session, actor, voice_id)
            consent = permits(session, voice, {Purpose.ZERO_SHOT})
            refuse_while_renewing(session, voice.speaker_id)
            there = self.clips(session, voice)
            statement = decode_own(self._vault.read(session, consent.recording_asset_id))
        if len(there) >= MOST_CLIPS:
            raise InputRefused("voices.too_many_clips", most=MOST_CLIPS)
        if refusal := checked.card.refusal(actor.language):
            raise AudioRefused("voices.clip_refused", number=len(there) + 1, reason=refusal)
        self._refuse_two_speakers([*there, checked.clip])
        matched = self._consent.check_sample(statement, checked.clip, there)
        with self._database.write() as session:
            voice = self.find(session, actor, voice_id)
            if permits(session, voice, {Purpose.ZERO_SHOT}).id != consent.id:
                raise ConsentMissing("consent.changed_meanwhile")
            refuse_while_renewing(session, voice.speaker_id)
            self._consent.bind(session, consent.id, [matched])
            self._store_clip(session, voice, consent.id, checked)
            audit.append(session, actor.account_id, "voice.clip_added", voice.id)
            return self._view(session, voice)

    def remove_clip(self, actor: Actor, clip_id: str) -> VoiceView:
        """Delete a clip; the last one of a voice stays (delete the voice instead)."""
        actor.require(Permission.VOICES)
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
        actor.require(Permission.VOICES)
        if not 1 <= len(name.strip()) <= 60:
            raise InputRefused("voices.no_name")
        with self._database.write() as session:
            voice = self.find(session, actor, voice_id)
            voice.name = name.strip()
            return self._view(session, voice)

    def withdraw(self, actor: Actor, voice_id: str) -> Receipt:
        """Erase the speaker behind a voice, with everything made from it; gives the receipt."""
        with self._database.read() as session:
            voice = self.find(session, actor, voice_id)
        return self._erasure.withdraw(actor, voice.speaker_id)

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
    import io

    import soundfile

    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    return AudioClip(samples, rate)
