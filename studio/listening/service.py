"""Listening tests as their owner handles them: made, opened, closed, deleted, read."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import ListeningTest, Stimulus, System, Trial, Voice, new_id, now
from studio.errors import InputRefused, NotFound
from studio.listening.booth import Booth
from studio.listening.forms import (
    Configuration,
    LinkForm,
    ListeningForm,
    ListeningView,
    SystemForm,
    checked,
    every_system,
)
from studio.listening.gathering import Gatherer
from studio.listening.kinds import Kind
from studio.listening.making import MakeEvent, Maker, systems_of
from studio.listening.results import Results
from studio.listening.secrets import SecretKeeper
from studio.listening.stimuli import StimulusStore
from studio.listening.tokens import fingerprint
from studio.listening.views import Viewer
from studio.listening.words import Ear
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.privacy.erasure import Erased
from studio.privacy.vault import Vault
from studio.synthesis.choices import Choices
from studio.synthesis.service import SynthesisService
from studio.voices.service import VoiceService
from studio.work.live import Live, LiveBoard


class ListeningService:
    """The owner's side; `booth` is the listeners', `results` what came of it."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        voices: VoiceService,
        synthesis: SynthesisService,
        choices: Choices,
        ear: Ear,
    ) -> None:
        self._database = database
        self._vault = vault
        self._store = StimulusStore(vault)
        self._gatherer = Gatherer(voices, self._store, ear)
        self._secrets = SecretKeeper(vault)
        self._viewer = Viewer(self._secrets)
        self._maker = Maker(database, self._store, synthesis, choices)
        self._board: LiveBoard[MakeEvent] = LiveBoard()
        self.booth = Booth(database, self._store, self._secrets)
        self.results = Results(database)

    # Making

    def create(self, actor: Actor, form: ListeningForm) -> Live[MakeEvent]:
        """Check everything, store the test and start its batch; the first event names its id.

        Raises InputRefused, AudioRefused, ConsentMissing, LicenceForbids or NotFound before any work.
        """
        actor.require(Permission.VOICES)
        configuration = checked(form)
        with self._database.read() as session:
            clips = self._gatherer.clips(session, actor, every_system(form))
        gathered = self._gatherer.fitted(form, configuration, clips)
        with self._database.write() as session:
            test = self._new(session, actor, form, configuration)
            systems = self._gatherer.add(session, actor, test, form, gathered)
            test.config_hash = _hash_of(configuration, test, systems)
            jobs = self._maker.jobs(session, actor, test)
            facts = {"kind": form.kind.value, "attested": form.attested, "config": test.config_hash}
            audit.append(session, actor.account_id, "listening.created", test.id, **facts)
        live = self._board.add(Live[MakeEvent](actor.account_id))
        return live.start(lambda work: self._maker.work(work, actor, test.id, jobs), "listening")

    def said(self, actor: Actor, systems: Sequence[SystemForm], language: str) -> list[str]:
        """The words of the first system that brings recordings, as heard: sentences that the others can say.

        InputRefused where no system brings any; ModelMissing without a recogniser.
        """
        actor.require(Permission.VOICES)
        with self._database.read() as session:
            brought = self._gatherer.clips(session, actor, systems)
        first = next((clips for clips in brought if clips), None)
        if first is None:
            raise InputRefused("listening.no_recordings")
        return self._gatherer.said(first, language)

    def erase_speaker(self, session: Session, speaker_id: str) -> Erased:
        """Called before a speaker's sounds are shredded: who only had those left to judge has finished."""
        self.booth.settle(session, speaker_id)
        voices = select(Voice.id).where(Voice.speaker_id == speaker_id)
        session.execute(update(Stimulus).where(Stimulus.voice_id.in_(voices)).values(voice_id=None))
        return Erased({})

    def resume(self, actor: Actor, test_id: str) -> Live[MakeEvent]:
        """Make what is still missing, after a failure, a cancel or a restart."""
        actor.require(Permission.VOICES)
        if any(self.made_by(live) == test_id for live in self.running(actor)):
            raise InputRefused("listening.still_making")
        with self._database.read() as session:
            test = self._find(session, actor, test_id)
            if test.status != "making":
                raise InputRefused("listening.already_made")
            self._ask_consent(session, test.id)
            jobs = self._maker.jobs(session, actor, test)
        live = self._board.add(Live[MakeEvent](actor.account_id))
        return live.start(lambda work: self._maker.work(work, actor, test_id, jobs), "listening")

    def running(self, actor: Actor) -> list[Live[MakeEvent]]:
        """The actor's batches that have not ended, oldest first."""
        return self._board.running(actor.account_id)

    def find_batch(self, actor: Actor, token: str) -> Live[MakeEvent]:
        return self._board.find(actor.account_id, token)

    @staticmethod
    def made_by(live: Live[MakeEvent]) -> str:
        """The test a batch makes; "" before its first event."""
        return live.latest.test_id if live.latest else ""

    def _new(
        self, session: Session, actor: Actor, form: ListeningForm, configuration: Configuration
    ) -> ListeningTest:
        test_id, secret = new_id("lst"), secrets.token_bytes(32)
        test = ListeningTest(
            id=test_id, owner_id=actor.account_id, name=form.name.strip(), kind=form.kind.value,
            settings=configuration.to_json(), config_hash="", seed=form.seed,
            secret=self._secrets.seal(session, test_id, secret),
            preview_hash=fingerprint(self._secrets.preview_token(secret)),
        )  # fmt: skip
        session.add(test)
        session.flush()
        return test

    # Opening and closing

    def open(self, actor: Actor, test_id: str, link: LinkForm) -> ListeningView:
        """Let listeners in; also renews the link of an open test: the old one is dead then."""
        actor.require(Permission.VOICES)
        if not (1 <= link.days <= 365 and 1 <= link.quota <= 10_000):
            raise InputRefused("listening.link")
        with self._database.write() as session:
            test = self._find(session, actor, test_id)
            if test.status not in ("ready", "open"):
                raise InputRefused("listening.not_ready")
            self._ask_consent(session, test.id)
            test.link_number += 1
            secret = self._secrets.of(session, test)
            test.link_hash = fingerprint(self._secrets.link_token(secret, test.link_number))
            test.expires_at = (datetime.now(UTC) + timedelta(days=link.days)).isoformat(
                timespec="milliseconds"
            )
            test.quota, test.for_accounts, test.revoked_at = link.quota, link.for_accounts, None
            test.status, test.opened_at = "open", test.opened_at or now()
            audit.append(session, actor.account_id, "listening.opened", test.id, **asdict(link))
            return self._viewer.view(session, test)

    def revoke(self, actor: Actor, test_id: str) -> ListeningView:
        """Shut the link; ratings stay, the test can be opened again."""
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            test = self._find(session, actor, test_id)
            if test.status == "open" and test.revoked_at is None:
                test.revoked_at = now()
                audit.append(session, actor.account_id, "listening.link_revoked", test.id)
            return self._viewer.view(session, test)

    def close(self, actor: Actor, test_id: str, *, reveal: bool) -> ListeningView:
        """Shut voting for good; with `reveal` listeners who come back read which system was which."""
        actor.require(Permission.VOICES)
        with self._database.write() as session:
            test = self._find(session, actor, test_id)
            if test.status != "open":
                raise InputRefused("listening.not_open")
            test.status, test.closed_at, test.revealed = "closed", now(), reveal
            audit.append(session, actor.account_id, "listening.closed", test.id, revealed=reveal)
            return self._viewer.view(session, test)

    def delete(self, actor: Actor, test_id: str) -> None:
        """Remove the test with its stimuli, listeners and ratings."""
        actor.require(Permission.VOICES)
        for live in self.running(actor):
            if self.made_by(live) == test_id:
                raise InputRefused("listening.still_making")
        with self._database.write() as session:
            test = self._find(session, actor, test_id)
            session.execute(delete(Trial).where(Trial.test_id == test.id))
            query = select(Stimulus).where(Stimulus.test_id == test.id)
            self._store.remove(session, [*session.scalars(query)])
            session.delete(test)
            audit.append(session, actor.account_id, "listening.deleted", test_id)

    # Reading

    def tests(self, actor: Actor) -> list[ListeningView]:
        """The actor's tests, newest first."""
        with self._database.read() as session:
            query = select(ListeningTest).order_by(ListeningTest.created_at.desc())
            return [
                self._viewer.view(session, row) for row in session.scalars(query) if actor.owns(row.owner_id)
            ]

    def view(self, actor: Actor, test_id: str) -> ListeningView:
        with self._database.read() as session:
            return self._viewer.view(session, self._find(session, actor, test_id))

    def offered(self, actor: Actor) -> list[tuple[str, Kind, str]]:
        """(title, kind, link token) of the open tests that any account may take part in."""
        with self._database.read() as session:
            query = select(ListeningTest).where(
                ListeningTest.status == "open",
                ListeningTest.for_accounts.is_(True),
                ListeningTest.revoked_at.is_(None),
                ListeningTest.expires_at > now(),
            )
            found = [*session.scalars(query.order_by(ListeningTest.opened_at.desc()))]
            return [(t.settings["title"], Kind(t.kind), self._viewer.link(session, t)) for t in found]

    def _find(self, session: Session, actor: Actor, test_id: str) -> ListeningTest:
        test = session.get(ListeningTest, test_id)
        if test is None or not actor.owns(test.owner_id):
            raise NotFound("listening.unknown")
        return test

    def _ask_consent(self, session: Session, test_id: str) -> None:
        """Every enrolled voice of the test still agrees to listening tests."""
        behind = {system.voice_id for system in systems_of(session, test_id)}
        heard = select(Stimulus.voice_id).where(Stimulus.test_id == test_id).distinct()
        for voice_id in sorted((behind | set(session.scalars(heard))) - {None}, key=str):
            permits(session, session.get_one(Voice, voice_id), {Purpose.LISTENING_TEST})


def _hash_of(configuration: Configuration, test: ListeningTest, systems: list[System]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of all that is fixed; names are left out."""
    import hashlib

    fixed: dict[str, Any] = {
        "settings": configuration.to_json(),
        "seed": test.seed,
        "systems": [{"id": s.id, "role": s.role, "source": s.source} for s in systems],
    }
    return hashlib.sha256(rfc8785.dumps(fixed)).hexdigest()
