"""Voices: checked, consented, sealed, listed, withdrawn."""

import json
from dataclasses import asdict

from sqlalchemy.orm import Session

from studio.audio.encode import AudioFormat, encode
from studio.consent.forms import CheckedConsent, ConsentForm
from studio.consent.gate import permits, refuse_while_renewing
from studio.consent.purposes import Purpose
from studio.consent.service import ConsentService
from studio.db.database import Database
from studio.db.tables import ConsentRecord, ReferenceClip, Speaker, SpeakerIdentity, Voice
from studio.errors import AudioRefused, ConsentMissing, InputRefused, NotFound
from studio.evaluation.judges import Judges
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erasure, Receipt
from studio.privacy.vault import Vault
from studio.voices.examining import examined, mended, refuse, refuse_two_speakers
from studio.voices.forms import MOST_CLIPS, CheckedClip, Upload, VoiceForm, VoiceView
from studio.voices.shelf import VoiceShelf, decode_own

__all__ = ["VoiceService", "decode_own"]


class VoiceService(VoiceShelf):
    """Enrols voices, changes them and ends them. Nothing is stored before consent and clips have passed."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        consent: ConsentService,
        judges: Judges,
        erasure: Erasure,
        upload_limit_bytes: int,
    ) -> None:
        super().__init__(database, vault, consent)
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
        return examined(upload, self._upload_limit_bytes, self._judges.embed)

    def fix(self, actor: Actor, checked: CheckedClip) -> CheckedClip:
        """Trim, level and convert what can be mended; the new report card says what is left."""
        actor.require(Permission.VOICES)
        return mended(checked, self._judges.embed)

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
        refuse(form, language, self._judges.embed)
        return self._consent.check(subject, form.consent, [c.clip for c in form.clips])

    @staticmethod
    def _present(session: Session, speaker_id: str) -> Speaker:
        speaker = session.get(Speaker, speaker_id)
        if speaker is None or speaker.withdrawn_at is not None:
            raise NotFound("voices.unknown")
        return speaker

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
        refuse_two_speakers([*there, checked.clip], self._judges.embed)
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
