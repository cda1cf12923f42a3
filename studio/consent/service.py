"""Consent records: written once, reviewed by a person where machines doubt, withdrawn at any time."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent.challenge import Challenge, ChallengeDesk
from studio.consent.documents import DocumentDesk, may_see
from studio.consent.evidence import Detector, Listener, judge, refuse_generated, refuse_others
from studio.consent.eyes import eyes
from studio.consent.forms import ATTESTATIONS, CheckedConsent, ConsentForm
from studio.consent.gate import consent_versions, current_consent, purposes_of
from studio.consent.limits import Offer
from studio.consent.matching import Match, match, refuse_long
from studio.consent.notices import NoticeDesk
from studio.consent.purposes import CONSENT_MONTHS, LAWFUL_BASIS, Purpose
from studio.consent.statements import Notice
from studio.consent.views import REMIND_DAYS, ConsentView, view
from studio.db.database import Database
from studio.db.tables import ConsentRecord, ConsentSample, Speaker, now
from studio.errors import AudioRefused, ConsentMissing, InputRefused, NotFound, NotPermitted
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.vault import Vault


class ConsentService:
    """Asks, judges, keeps and reviews consent. `offer()` is what it may be narrowed to now."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        listener: Listener,
        offer: Callable[[], Offer],
        organisation: str = "",
        detector: Detector | None = None,
    ) -> None:
        self._database = database
        self._listener = listener
        self._detector = detector
        self.offer = offer
        self.organisation = organisation
        self.challenges = ChallengeDesk(database, organisation)
        self.documents = DocumentDesk(database, vault)
        self.notices = NoticeDesk(database)

    def notice(self, language: str) -> Notice:
        return self.notices.current(language)

    def challenge(
        self, subject: str, language: str, purposes: frozenset[Purpose], notice_hash: str
    ) -> Challenge:
        """A statement for `subject` (an account's id, or a speaker's) to read within minutes.

        `notice_hash` is of the notice that was shown. Raises InputRefused when no purpose is ticked,
        ConsentMissing without the one that all need, or when the notice has changed since.
        """
        if purposes and Purpose.ZERO_SHOT not in purposes:
            raise ConsentMissing("consent.no_cloning")
        if notice_hash != self.notice(language).hash:
            raise ConsentMissing("consent.notice_changed")
        return self.challenges.issue(subject, language, purposes, notice_hash)

    def check(self, subject: str, form: ConsentForm, clips: Sequence[AudioClip]) -> CheckedConsent:
        """Everything that can be refused is refused here, before anything is stored.

        Each call with a recording uses a try of the challenge. Raises ConsentMissing or AudioRefused.
        """
        missing = [name for name in ATTESTATIONS if name not in form.attestations]
        if missing:
            raise ConsentMissing("consent.attestations", missing=", ".join(missing))
        if Purpose.ZERO_SHOT not in form.purposes:
            raise ConsentMissing("consent.no_cloning")
        if form.recording is None:
            raise ConsentMissing("consent.no_recording")
        self.offer().check(form.engines, form.languages)
        refuse_long(clips)
        challenge = self.challenges.attempt(subject, form.challenge)
        if form.purposes != challenge.purposes:
            raise ConsentMissing("consent.stale_statement")
        self._refuse_replay(form.recording)
        evidence = judge(self._listener, form.recording, challenge, clips, self._detector)
        if form.source != "microphone":
            # A file may be cut together: it proves less than reading the statement here and now.
            evidence = replace(evidence, status="review", reasons=(*evidence.reasons, "uploaded"))
        return CheckedConsent(form, challenge, evidence, subject)

    def _refuse_replay(self, recording: AudioClip) -> None:
        query = select(ConsentRecord.id).where(ConsentRecord.recording_hash == recording.content_id)
        with self._database.read() as session:
            if session.scalars(query.limit(1)).first() is not None:
                raise AudioRefused("consent.replayed")

    def check_sample(self, recording: AudioClip, clip: AudioClip, there: Sequence[AudioClip] = ()) -> Match:
        """A further sample against the statement that a consent rests on; AudioRefused unless they match.

        `there` are the samples it joins: all of them have to fit into one comparison, for a renewal makes it.
        """
        refuse_long([*there, clip])
        refuse_generated(self._detector, [clip])
        found = match(self._listener, recording, [clip], secrets.randbits(63))
        refuse_others(found)
        if found[0].verdict != "same":
            raise AudioRefused("consent.voice_unsure", score=f"{found[0].score:.2f}")
        return found[0]

    def add(
        self, session: Session, by: str, speaker: Speaker, checked: CheckedConsent, asset_id: str
    ) -> ConsentRecord:
        """Write the next version of the speaker's consent in the caller's transaction, and spend the challenge."""
        form, challenge, evidence = checked.form, checked.challenge, checked.evidence
        assert form.recording is not None
        self.challenges.spend(session, checked.subject, challenge.token)
        told = self.notices.find(session, challenge.notice_hash)
        limits = _limits(session, speaker.id, form)
        expires = datetime.now(UTC) + timedelta(days=CONSENT_MONTHS * 365 // 12)
        record = ConsentRecord(
            speaker_id=speaker.id, version=_next_version(session, speaker.id), category=form.category.value,
            purposes=sorted(p.value for p in form.purposes), lawful_basis=LAWFUL_BASIS,
            engines=limits.engines, languages=limits.languages,
            attestations=sorted(form.attestations), language=challenge.language,
            notice_version=told.version if told else "", notice_hash=challenge.notice_hash,
            statement=challenge.statement, recording_asset_id=asset_id,
            recording_hash=form.recording.content_id, transcript=evidence.transcript,
            statement_wer=evidence.statement_wer, speaker_score=evidence.speaker_score,
            judged_by=f"{evidence.judged_by}; {form.source}", doubts=list(evidence.reasons), status=evidence.status,
            granted_by=by, granted_at=now(), expires_at=expires.isoformat(timespec="milliseconds"),
        )  # fmt: skip
        session.add(record)
        session.flush()
        if form.document is not None:
            self.documents.add(session, by, speaker.id, form.document)
        self.bind(session, record.id, evidence.matches)
        audit.append(
            session, by, "consent.recorded", speaker.id, version=record.version, purposes=record.purposes,
            status=record.status, source=form.source, notice=record.notice_hash, engines=record.engines,
            languages=record.languages,
        )  # fmt: skip
        return record

    @staticmethod
    def bind(session: Session, consent_id: str, matches: Iterable[Match]) -> None:
        """Tie a consent to samples by their SHA-256; what is tied already stays as it is."""
        for one in matches:
            if session.get(ConsentSample, (consent_id, one.content_id)) is None:
                session.add(
                    ConsentSample(
                        consent_id=consent_id, content_id=one.content_id, score=one.score, windows=one.windows
                    )
                )
                session.flush()

    def waiting(self, actor: Actor) -> list[ConsentView]:
        """Consents that a person has to listen to."""
        actor.require(Permission.REVIEW)
        with self._database.read() as session:
            query = select(ConsentRecord).where(ConsentRecord.status == "review")
            rows = session.scalars(query.order_by(ConsentRecord.granted_at))
            return [replace(view(session, row), eyes=eyes(session, actor, row)) for row in rows]

    def of_speaker(self, session: Session, speaker_id: str) -> ConsentView | None:
        """The consent that counts, with the purposes that hold now, and what became of a newer one."""
        row = current_consent(session, speaker_id)
        if row is None:
            return None
        newest = consent_versions(session, speaker_id)[0]
        renewal = newest.status if newest.version > row.version else ""
        held = tuple(sorted(purposes_of(session, row)))
        return replace(view(session, row), purposes=held, renewal=renewal)

    def newest(self, actor: Actor) -> dict[str, ConsentView]:
        """The consent that counts of each speaker the actor may see, by pseudonym."""
        with self._database.read() as session:
            seen = [speaker.id for speaker in session.scalars(select(Speaker)) if may_see(actor, speaker)]
            views = {speaker_id: self.of_speaker(session, speaker_id) for speaker_id in seen}
        return {speaker_id: found for speaker_id, found in views.items() if found is not None}

    def versions(self, actor: Actor, speaker_id: str) -> list[ConsentView]:
        """Every version of a speaker's consent, newest first; NotFound for another's speaker."""
        with self._database.read() as session:
            speaker = session.get(Speaker, speaker_id)
            if speaker is None or not may_see(actor, speaker):
                raise NotFound("voices.unknown")
            return [view(session, row) for row in consent_versions(session, speaker_id)]

    def expiring(self, actor: Actor, days: int = REMIND_DAYS) -> list[ConsentView]:
        """Consents in force, of speakers the actor may see, that end within `days` or have ended; soonest first."""
        due = [v for v in self.newest(actor).values() if v.status == "granted" and v.days_left < days]
        return sorted(due, key=lambda v: v.expires_at)

    def review(self, actor: Actor, consent_id: str, approve: bool, note: str) -> None:
        """A person's decision, with the reason in writing; NotFound when nothing waits under this id.

        NotPermitted to approve what one recorded oneself while anybody else may decide (four eyes).
        """
        actor.require(Permission.REVIEW)
        if len(note.strip()) < 5:
            raise InputRefused("consent.note_needed")
        with self._database.write() as session:
            record = session.get(ConsentRecord, consent_id)
            if record is None or record.status != "review":
                raise NotFound("consent.not_waiting")
            own = eyes(session, actor, record)
            if approve and own == "own":
                raise NotPermitted("consent.four_eyes")
            record.status = "granted" if approve else "refused"
            record.reviewer_id, record.review_note = actor.account_id, note.strip()
            record.decided_at = now()
            action = "consent.approved" if approve else "consent.refused"
            facts = {"self_approved": True} if approve and own else {}
            audit.append(
                session, actor.account_id, action, record.speaker_id, version=record.version, **facts
            )


@dataclass(frozen=True)
class _Limits:
    engines: list[str]
    languages: list[str]


def _limits(session: Session, speaker_id: str, form: ConsentForm) -> _Limits:
    """A renewal that says nothing of limits keeps those that were named."""
    before = consent_versions(session, speaker_id)
    held = _Limits(before[0].engines, before[0].languages) if before else _Limits([], [])
    return _Limits(
        [*held.engines] if form.engines is None else sorted(form.engines),
        [*held.languages] if form.languages is None else sorted(form.languages),
    )


def _next_version(session: Session, speaker_id: str) -> int:
    query = select(func.max(ConsentRecord.version)).where(ConsentRecord.speaker_id == speaker_id)
    return (session.scalar(query) or 0) + 1
