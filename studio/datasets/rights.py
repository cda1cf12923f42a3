"""By what right recordings train a voice: its speaker's consent, or the licence of a corpus of many people.

A licence covers a corpus, not the cloning of one person under somebody else's name. So licensed recordings teach
a language: no voice may make up most of them, whatever the table says of their speakers. One person's recordings
come in by that person's consent, into a voice of their own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TypeVar

import numpy as np

from studio.audio.clip import AudioClip
from studio.consent.evidence import OTHER_VOICE, SAME_VOICE
from studio.consent.purposes import Purpose
from studio.datasets.forms import Basis, BuildRequest
from studio.datasets.importers.base import Corpus
from studio.errors import AudioRefused, InputRefused
from studio.evaluation.similarity import Vector

Item = TypeVar("Item")
PURPOSES = frozenset({Purpose.FINE_TUNE})  # what a consent has to name
MOST_ALIKE = 0.35  # four equal voices make 0.25; one that says six clips in ten makes 0.36 by itself
SAMPLE = 60  # clips compared with each other: 1770 pairs
FEWEST_COMPARED = 4


class Rights(StrEnum):
    """Who answers for a dataset."""

    CONSENT = "consent"  # the voice's own speaker
    KNOWN = "known"  # the makers of a corpus, who published it under its licence
    AWAITING = "awaiting"  # somebody attested a licence; a reviewer has still to look
    APPROVED = "approved"  # a reviewer looked


@dataclass(frozen=True)
class Claim:
    """By what right, and under which licence ("" for a consent)."""

    rights: Rights
    licence: str


def claim(request: BuildRequest, corpus: Corpus) -> Claim:
    """What is claimed for recordings; InputRefused for a licence that nobody names or answers for."""
    if request.basis is Basis.CONSENT:
        return Claim(Rights.CONSENT, "")
    written = request.licence.strip()
    if corpus.licence and written in ("", corpus.licence):
        return Claim(Rights.KNOWN, corpus.licence)
    if not written:
        raise InputRefused("datasets.no_licence")
    if not request.attested:
        raise InputRefused("datasets.not_attested", licence=written)
    return Claim(Rights.AWAITING, written)


def is_other_voice(likeness: float | None) -> bool:
    """Whether a clip that should be the voice's own is plainly somebody else's."""
    return likeness is not None and likeness < OTHER_VOICE


def refuse_unlike(likenesses: Sequence[float | None]) -> None:
    """InputRefused where recordings that are kept by consent are, taken together, not the voice's own.

    One clip may be unlike by chance; half of them are not.
    """
    known = [one for one in likenesses if one is not None]
    if any(is_other_voice(one) for one in known):
        raise InputRefused("datasets.another_person")
    if len(known) * 2 < len(likenesses) or (known and float(np.median(known)) < SAME_VOICE):
        raise InputRefused("datasets.voice_doubtful", clips=len(likenesses))


def sampled(rows: Sequence[Item]) -> Sequence[Item]:
    """At most SAMPLE of them, evenly spread."""
    return rows[:: max(1, -(-len(rows) // SAMPLE))]


class Crowd:
    """A fair sample of a corpus's clips, as vectors of who speaks: memory does not grow with the corpus."""

    def __init__(self, embed: Callable[[AudioClip], Vector]) -> None:
        self._embed = embed
        self._random = Random(0)
        self._heard = 0
        self._vectors: list[Vector] = []

    def hear(self, clip: AudioClip) -> None:
        """Take the clip's speaker into account; a clip that is silent or too short says nothing of it."""
        place = self._heard if self._heard < SAMPLE else self._random.randrange(self._heard + 1)
        if place >= SAMPLE:
            self._heard += 1
            return
        try:
            vector = self._embed(clip)
        except AudioRefused:
            return
        self._heard += 1
        self._vectors[place : place + 1] = [vector]

    def alike(self) -> float:
        """The share of pairs of clips that are one voice's: 1 for a single speaker, or where too few are comparable."""
        if len(self._vectors) < FEWEST_COMPARED:
            return 1.0
        vectors = np.stack(self._vectors)
        pairs = np.triu_indices(len(vectors), 1)
        return float(np.mean((vectors @ vectors.T)[pairs] >= SAME_VOICE))

    def refuse_one_voice(self, voice: str) -> None:
        """InputRefused where one person's voice would be trained under the name of `voice`."""
        if (share := self.alike()) > MOST_ALIKE:
            raise InputRefused("datasets.one_voice", voice=voice, share=round(100 * share))
