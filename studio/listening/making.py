"""The batch that makes a test's stimuli: generated one by one, stored as they come, resumable."""

import random
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import ListeningTest, Stimulus, System, Trial, Voice, new_id
from studio.errors import InputRefused
from studio.listening.anchors import LOW_ANCHOR_HZ, MID_ANCHOR_HZ, low_passed
from studio.listening.forms import Configuration
from studio.listening.kinds import Kind, Role, Use
from studio.listening.stimuli import StimulusStore, blank
from studio.listening.trials import Check, SystemSounds, draft_trials
from studio.privacy import audit
from studio.privacy.access import Actor
from studio.synthesis.choices import Choices
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.synthesis.service import SynthesisService
from studio.work.live import Live

ANCHORS = ((Role.ANCHOR_3500, LOW_ANCHOR_HZ), (Role.ANCHOR_7000, MID_ANCHOR_HZ))
TRAP_ITEM = 10_000  # items of stimuli that belong to no sentence count from here
GOLD_ITEM = 20_000
TRAP_WORDS = {
    "it": {
        "number": "Questa è una verifica. Premi il numero {answer}.",
        "choice": "Questa è una verifica. Scegli {answer}.",
        "better": "Questa è una verifica. Rispondi: {answer} è molto meglio.",
    },
    "en": {
        "number": "This is a check. Press number {answer}.",
        "choice": "This is a check. Choose {answer}.",
        "better": "This is a check. Answer: {answer} is much better.",
    },
}
SPOKEN = {
    "it": ("uno", "due", "tre", "quattro", "cinque", "la A", "la B"),
    "en": ("one", "two", "three", "four", "five", "A", "B"),
}


@dataclass(frozen=True)
class MakeEvent:
    """How far the batch has come."""

    test_id: str
    done: int
    total: int


@dataclass(frozen=True)
class Job:
    """A stimulus to generate: of a system, or of a trap (`system_id` None)."""

    system_id: str | None
    item: int
    text: str
    voice_key: str
    engine_id: str
    options: dict[str, object]
    adapter_id: str = ""


@dataclass(frozen=True)
class Trap:
    """What a trap says and which answer it asks for, on the scale of stored scores."""

    text: str
    expected: float


def traps(configuration: Configuration, seed: int) -> list[Trap]:
    """The traps of a test; InputRefused where its language has no words for them."""
    if not configuration.traps:
        return []
    if configuration.language not in TRAP_WORDS:
        raise InputRefused("listening.trap_language", languages=", ".join(TRAP_WORDS))
    words, spoken = TRAP_WORDS[configuration.language], SPOKEN[configuration.language]
    generator = random.Random(f"traps:{seed}")
    made = []
    for _ in range(configuration.traps):
        if configuration.kind.facts.pairs:
            first = generator.random() < 0.5
            form = "better" if configuration.kind is Kind.CMOS else "choice"
            expected = (3.0 if first else -3.0) if configuration.kind is Kind.CMOS else float(first)
            made.append(Trap(words[form].format(answer=spoken[5 if first else 6]), expected))
        else:
            number = generator.randint(1, 5)
            made.append(Trap(words["number"].format(answer=spoken[number - 1]), float(number)))
    return made


class Maker:
    """Generates what is missing, then the anchors and the trials."""

    def __init__(
        self, database: Database, store: StimulusStore, synthesis: SynthesisService, choices: Choices
    ) -> None:
        self._database = database
        self._store = store
        self._synthesis = synthesis
        self._choices = choices

    def jobs(self, session: Session, actor: Actor, test: ListeningTest) -> list[Job]:
        """What is still to be generated. Raises what would stop a generation: consent, licence, text."""
        configuration = Configuration.from_json(test.settings)
        query = select(Stimulus.system_id, Stimulus.item).where(Stimulus.test_id == test.id)
        there = {(row.system_id, row.item) for row in session.execute(query)}
        wanted = [
            Job(
                s.id,
                item,
                text,
                s.source["voice_key"],
                s.source["engine_id"],
                s.source["options"],
                s.source.get("adapter_id", ""),
            )
            for s in systems_of(session, test.id)
            if s.source.get("kind") == "voice"
            for item, text in enumerate(configuration.items)
        ]
        wanted += self._trap_jobs(actor, configuration, test.seed, wanted)
        for job in wanted:
            self._synthesis.prepare(job.text, configuration.language, job.engine_id)
        return [job for job in wanted if (job.system_id, job.item) not in there]

    def _trap_jobs(
        self, actor: Actor, configuration: Configuration, seed: int, spoken: list[Job]
    ) -> list[Job]:
        """Traps speak with a preset of the test's language, or with a voice under test where there is none."""
        asked = traps(configuration, seed)
        if not asked:
            return []
        presets = [
            v for v in self._choices.voices(actor) if v.engine_id and v.language == configuration.language
        ]
        if presets:
            voice_key, engine_id = presets[0].key, presets[0].engine_id
        elif spoken:
            voice_key, engine_id = spoken[0].voice_key, spoken[0].engine_id
        else:
            raise InputRefused("listening.no_trap_voice")
        return [
            Job(None, TRAP_ITEM + number, trap.text, voice_key, engine_id, {})
            for number, trap in enumerate(asked)
        ]

    def work(self, live: Live[MakeEvent], actor: Actor, test_id: str, jobs: list[Job]) -> None:
        """Make every job's stimulus, then finish the test."""
        live.publish(MakeEvent(test_id, 0, len(jobs)))
        for done, job in enumerate(jobs, 1):
            live.check()
            self._make(live, actor, test_id, job)
            live.publish(MakeEvent(test_id, done, len(jobs)))
        with self._database.write() as session:
            self.finish(session, actor, session.get_one(ListeningTest, test_id))

    def _make(self, live: Live[MakeEvent], actor: Actor, test_id: str, job: Job) -> None:
        with self._database.read() as session:
            configuration = Configuration.from_json(session.get_one(ListeningTest, test_id).settings)
        voice = VoiceChoice.parse(job.voice_key)
        request = SynthesisRequest(
            voice, job.text, configuration.language, job.engine_id, job.options, Purpose.LISTENING_TEST,
            job.adapter_id,
        )  # fmt: skip
        preview = self._synthesis.preview(actor, request)
        for _ in preview.events():
            if live.should_stop():
                preview.cancel()
        take = preview.take()
        clip = self._synthesis.takes.clip(actor, take.id)
        with self._database.write() as session:
            keyset_id = None
            if voice.voice_id:  # asked again: the speaker may have withdrawn meanwhile
                row = session.get_one(Voice, voice.voice_id)
                permits(session, row, {Purpose.ZERO_SHOT, Purpose.LISTENING_TEST})
                keyset_id = row.speaker_id
            stimulus = blank(test_id, job.system_id, job.item, clip, voice.voice_id or None)
            stimulus.synthesis_id = take.id
            level = configuration.level_lufs
            self._store.add(session, stimulus, clip, keyset_id=keyset_id, level_lufs=level)

    def finish(self, session: Session, actor: Actor, test: ListeningTest) -> None:
        """Anchors, then the trials; from here on the test can be opened."""
        configuration = Configuration.from_json(test.settings)
        if configuration.kind is Kind.MUSHRA:
            self._anchor(session, test, configuration)
        stimuli = [*session.scalars(select(Stimulus).where(Stimulus.test_id == test.id))]
        by_system: dict[str | None, dict[int, str]] = {}
        for row in stimuli:
            by_system.setdefault(row.system_id, {})[row.item] = row.id
        systems = [SystemSounds(Role(s.role), by_system.get(s.id, {})) for s in systems_of(session, test.id)]
        checks = _checks(configuration, test.seed, by_system.get(None, {}))
        drafts = draft_trials(configuration.kind, systems, checks, configuration.training)
        for draft in drafts:
            session.add(
                Trial(
                    id=new_id("tri"),
                    test_id=test.id,
                    role=draft.use.value,
                    page=draft.page,
                    item=draft.item,
                    condition=draft.condition,
                    stimulus_id=draft.stimulus,
                    second_id=draft.second,
                    reference_id=draft.reference,
                    expected=draft.expected,
                )
            )
        test.status = "ready"
        audit.append(session, actor.account_id, "listening.made", test.id, trials=len(drafts))

    def _anchor(self, session: Session, test: ListeningTest, configuration: Configuration) -> None:
        systems = systems_of(session, test.id)
        reference = next(s for s in systems if s.role == Role.REFERENCE)
        query = select(Stimulus).where(Stimulus.system_id == reference.id)
        originals = [(row, self._store.clip(session, row)) for row in session.scalars(query)]
        for role, cut_hz in ANCHORS:
            system = next(s for s in systems if s.role == role)
            for row, clip in originals:
                anchor: AudioClip = low_passed(clip, cut_hz)
                keyset_id = self._store.keyset_of(session, row)
                made = blank(test.id, system.id, row.item, anchor, row.voice_id)
                self._store.add(
                    session, made, anchor, keyset_id=keyset_id, level_lufs=configuration.level_lufs
                )


def systems_of(session: Session, test_id: str) -> list[System]:
    """A test's systems in their order."""
    return [*session.scalars(select(System).where(System.test_id == test_id).order_by(System.position))]


def _checks(configuration: Configuration, seed: int, sounds: dict[int, str]) -> list[Check]:
    asked = traps(configuration, seed)
    made = [Check(Use.TRAP, sounds[TRAP_ITEM + n], trap.expected) for n, trap in enumerate(asked)]
    gold = [Check(Use.GOLD, sounds[GOLD_ITEM + n], value) for n, value in enumerate(configuration.gold)]
    return made + gold
