"""Whether recordings say the sentences they stand for: what is compared must be the same words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused, InputRefused, ModelMissing

MOST_ERRORS = 0.5  # share of wrong words; a recogniser mishears some, other sentences share next to none


class Ear(Protocol):
    """Hears words; the judges do."""

    def transcript(self, clip: AudioClip, language: str) -> str:
        """What is said; ModelMissing without a recogniser."""
        ...

    def word_errors(self, sentence: str, heard: str, language: str) -> float:
        """Share of wrong words, 0..1."""
        ...


@dataclass(frozen=True)
class Brought:
    """Sounds that are not generated here, by item. `errors`: share of wrong words; None where nobody could listen.

    Items from the number of sentences on say none of them.
    """

    clips: Mapping[int, AudioClip]
    errors: Mapping[int, float | None]


def unchecked(clips: Sequence[AudioClip]) -> Brought:
    """In the order they came, their words unknown."""
    return Brought(dict(enumerate(clips)), {})


def transcripts(ear: Ear, clips: Sequence[AudioClip], language: str) -> list[str] | None:
    """What each clip says; None while no recogniser is here."""
    try:
        return [ear.transcript(clip, language).strip() for clip in clips]
    except ModelMissing:
        return None


class WordCheck:
    """Compares a test's recordings with its sentences."""

    def __init__(self, ear: Ear, sentences: Sequence[str], language: str) -> None:
        self._ear = ear
        self._sentences = sentences
        self._language = language

    def in_order(self, name: str, clips: Sequence[AudioClip]) -> Brought:
        """Clips that come one for each sentence; AudioRefused for one that says something else."""
        heard = transcripts(self._ear, clips, self._language)
        if heard is None:
            return unchecked(clips)
        errors = {item: self._errors(item, said) for item, said in enumerate(heard)}
        for item, wrong in errors.items():
            if wrong is not None and wrong > MOST_ERRORS:
                facts = {"name": name, "number": item + 1, "sentence": self._sentences[item]}
                raise AudioRefused("listening.other_words", **facts, heard=heard[item])
        return Brought(dict(enumerate(clips)), errors)

    def matched(self, name: str, clips: Sequence[AudioClip], *, strict: bool) -> Brought:
        """A speaker's recordings, each at the sentence it says; the others after the last sentence.

        AudioRefused where a sentence has no recording and `strict` is asked.
        """
        heard = transcripts(self._ear, clips, self._language)
        if heard is None:
            return unchecked(clips)
        table = [[self._errors(item, said) for said in heard] for item in range(len(self._sentences))]
        if all(wrong is None for row in table for wrong in row):
            return unchecked(clips)
        taken: dict[int, int] = {}
        for item, row in enumerate(table):
            place = _nearest(row, set(taken.values()))
            if place is not None:
                taken[item] = place
            elif strict:
                sentence = self._sentences[item]
                raise AudioRefused("listening.not_read", name=name, number=item + 1, sentence=sentence)
        left = [clip for place, clip in enumerate(clips) if place not in taken.values()]
        spare = {} if strict else dict(enumerate(left, len(self._sentences)))
        errors = {item: table[item][place] for item, place in taken.items()}
        return Brought({item: clips[place] for item, place in taken.items()} | spare, errors)

    def _errors(self, item: int, heard: str) -> float | None:
        """None where nothing can be told: no text to compare with, nothing that sounds like words."""
        sentence = self._sentences[item] if item < len(self._sentences) else ""
        if not sentence or not heard:
            return None
        try:
            return self._ear.word_errors(sentence, heard, self._language)
        except InputRefused:  # a sentence without words, a language whose words are not told apart
            return None


def _nearest(row: Sequence[float | None], taken: set[int]) -> int | None:
    """The recording that says a sentence best, if one says it at all."""
    fitting = [
        (wrong, place)
        for place, wrong in enumerate(row)
        if wrong is not None and wrong <= MOST_ERRORS and place not in taken
    ]
    return min(fitting)[1] if fitting else None
