"""What a test's systems bring along: opened, checked against the sentences, and stored with their rows."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.tables import ListeningTest, System, Voice
from studio.errors import InputRefused
from studio.listening.anchors import refuse_narrow
from studio.listening.forms import (
    Configuration,
    ListeningForm,
    Recorded,
    SpokenBy,
    SystemForm,
    Uploaded,
    every_system,
    same_words,
)
from studio.listening.kinds import Kind, Role
from studio.listening.making import GOLD_ITEM
from studio.listening.stimuli import StimulusStore, blank, refuse_unusable
from studio.listening.words import Brought, Ear, WordCheck, transcripts, unchecked
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.voices.service import VoiceService

ANCHOR_NAMES = {"it": ("ancora 3,5 kHz", "ancora 7 kHz"), "en": ("anchor 3.5 kHz", "anchor 7 kHz")}
Clips = Sequence[AudioClip]
HEARD = frozenset({Purpose.LISTENING_TEST})


class Gatherer:
    """Reads what systems bring before the test is written: hearing takes seconds, a transaction should not."""

    def __init__(self, voices: VoiceService, store: StimulusStore, ear: Ear) -> None:
        self._voices = voices
        self._store = store
        self._ear = ear

    # Before the test is written

    def clips(self, session: Session, actor: Actor, systems: Sequence[SystemForm]) -> list[Clips]:
        """The sounds each system brings, opened; none of those that are generated.

        NotFound or ConsentMissing where they may not be heard.
        """
        return [self._clips(session, actor, one) for one in systems]

    def fitted(
        self, form: ListeningForm, configuration: Configuration, clips: Sequence[Clips]
    ) -> list[Brought]:
        """Each system's sounds beside the sentences they say; AudioRefused, InputRefused where they do not fit."""
        words = WordCheck(self._ear, self._sentences(form, configuration, clips), form.language)
        found = []
        for one, heard in zip(every_system(form), clips, strict=True):
            _refuse_unusable(form, one, heard)
            found.append(_brought(form, len(configuration.items), one, heard, words))
        return found

    def said(self, clips: Clips, language: str) -> list[str]:
        """The words of each clip; ModelMissing without a recogniser."""
        return [self._ear.transcript(clip, language).strip() for clip in clips]

    def _clips(self, session: Session, actor: Actor, asked: SystemForm) -> Clips:
        match asked.source:
            case Recorded(voice_id):
                return self._voices.clips(session, self.voice(session, actor, voice_id, HEARD))
            case Uploaded(clips, voice_id):
                if voice_id:
                    self.voice(session, actor, voice_id, HEARD)
                return clips
            case SpokenBy():
                return ()

    def voice(self, session: Session, actor: Actor, voice_id: str, purposes: frozenset[Purpose]) -> Voice:
        """An enrolled voice whose speaker agrees to these uses."""
        voice = self._voices.find(session, actor, voice_id)
        permits(session, voice, purposes)
        return voice

    def _sentences(
        self, form: ListeningForm, configuration: Configuration, clips: Sequence[Clips]
    ) -> Sequence[str]:
        """Those of the form; where it has none, what the first recordings say."""
        if any(line.strip() for line in form.sentences) or not same_words(form.kind):
            return configuration.items
        first = next((heard for heard in clips if heard), ())
        return transcripts(self._ear, first, form.language) or ()

    # In the test's transaction

    def add(
        self,
        session: Session,
        actor: Actor,
        test: ListeningTest,
        form: ListeningForm,
        gathered: Sequence[Brought],
    ) -> list[System]:
        """Systems with the sounds they bring, the anchors' systems, and the clips with a known score."""
        rows = []
        for one, brought in zip(every_system(form), gathered, strict=True):
            role = Role.REFERENCE if one is form.reference else Role.SYSTEM
            rows.append(self._system(session, actor, test, form, one, role, brought))
        if form.kind is Kind.MUSHRA:
            rows += _anchors(session, test, actor.language)
        for position, row in enumerate(rows):
            row.position = position
        self._gold(session, actor, test, form)
        session.flush()
        return rows

    def _system(
        self,
        session: Session,
        actor: Actor,
        test: ListeningTest,
        form: ListeningForm,
        asked: SystemForm,
        role: Role,
        brought: Brought,
    ) -> System:
        voice, source = self._source(session, actor, asked)
        voice_id = voice.id if voice else None
        row = System(
            test_id=test.id, position=0, name=asked.name.strip(), role=role.value, source=source,
            voice_id=voice_id,
        )  # fmt: skip
        session.add(row)
        session.flush()
        for item, clip in brought.clips.items():
            made = blank(test.id, row.id, item, clip, voice_id)
            made.word_errors = brought.errors.get(item)
            keyset_id = voice.speaker_id if voice else None
            self._store.add(session, made, clip, keyset_id=keyset_id, level_lufs=form.level_lufs)
        return row

    def _source(
        self, session: Session, actor: Actor, asked: SystemForm
    ) -> tuple[Voice | None, dict[str, object]]:
        """The enrolled voice behind a system, if any, with its consent asked; and what is kept of the source."""
        match asked.source:
            case SpokenBy(voice_key, engine_id, options, adapter_id):
                voice_id = VoiceChoice.parse(voice_key).voice_id
                purposes = HEARD | {Purpose.ZERO_SHOT}
                facts = {"voice_key": voice_key, "engine_id": engine_id, "options": dict(options)}
                trained = {"adapter_id": adapter_id} if adapter_id else {}
                source: dict[str, object] = {"kind": "voice", **facts, **trained}
            case Recorded(voice_id):
                purposes, source = HEARD, {"kind": "recordings"}
            case Uploaded(_, voice_id):
                purposes, source = HEARD, {"kind": "clips"}
        return self.voice(session, actor, voice_id, purposes) if voice_id else None, source

    def _gold(self, session: Session, actor: Actor, test: ListeningTest, form: ListeningForm) -> None:
        for number, gold in enumerate(form.gold):
            refuse_unusable(gold.clip, f"gold {number + 1}")
            voice = self.voice(session, actor, gold.voice_id, HEARD) if gold.voice_id else None
            row = blank(test.id, None, GOLD_ITEM + number, gold.clip, voice.id if voice else None)
            keyset_id = voice.speaker_id if voice else None
            self._store.add(session, row, gold.clip, keyset_id=keyset_id, level_lufs=form.level_lufs)


def _anchors(session: Session, test: ListeningTest, language: str) -> list[System]:
    names = ANCHOR_NAMES.get(language, ANCHOR_NAMES["en"])
    rows = [
        System(
            test_id=test.id, position=0, name=name, role=role.value, source={"kind": "anchor"}, voice_id=None
        )
        for role, name in zip((Role.ANCHOR_3500, Role.ANCHOR_7000), names, strict=True)
    ]
    session.add_all(rows)
    return rows


def _refuse_unusable(form: ListeningForm, asked: SystemForm, clips: Clips) -> None:
    for number, clip in enumerate(clips, 1):
        refuse_unusable(clip, f"{asked.name} {number}")
        if form.kind is Kind.MUSHRA and asked is form.reference:
            refuse_narrow(clip)


def _brought(form: ListeningForm, items: int, asked: SystemForm, clips: Clips, words: WordCheck) -> Brought:
    """What a system brings, at the sentences it says; the reference of SMOS may say others."""
    if isinstance(asked.source, SpokenBy):
        return unchecked(())
    beside = form.kind is Kind.SMOS and asked is form.reference
    _refuse_count(form, asked, beside, len(clips), items)
    if not same_words(form.kind):
        return unchecked(clips[:items])
    if beside:
        return words.matched(asked.name, clips, strict=False)
    if isinstance(asked.source, Recorded):
        return _within(words.matched(asked.name, clips, strict=True), items)
    return words.in_order(asked.name, clips)


def _within(brought: Brought, items: int) -> Brought:
    """Without what stands for no sentence."""
    return Brought({item: clip for item, clip in brought.clips.items() if item < items}, brought.errors)


def _refuse_count(form: ListeningForm, asked: SystemForm, beside: bool, clips: int, items: int) -> None:
    """Comparisons and MUSHRA need every sentence from everybody; alone, a system may lack some."""
    loose = not form.kind.facts.pairs and form.kind is not Kind.MUSHRA
    enough = clips >= 1 if loose or beside else clips >= items
    if not enough or (isinstance(asked.source, Uploaded) and not beside and clips != items):
        raise InputRefused("listening.clips", name=asked.name, clips=clips, items=items)
