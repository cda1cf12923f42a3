"""Whether a recording says its statement: the words that differ, those that are missing, and a "not" put in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from studio.consent.statements import signs
from studio.evaluation.normalize import normalize
from studio.evaluation.wer import wer

WER_PASSES = 0.15  # at most this: the statement was read
WER_REVIEW = 0.30  # up to this the recogniser may be at fault; above, the words are not there
MISSING_REFUSED = 2  # of the random words: one may be misheard, two were not said


@dataclass(frozen=True)
class Wording:
    """How a transcript differs from its statement.

    `error` is the word error rate; `missing` the random words that were not heard; `agreed` says whether the
    word of agreement was heard, `phrase` whether the whole mandatory phrase was; `negated` that more was
    denied than the statement denies.
    """

    error: float
    missing: tuple[str, ...]
    agreed: bool
    phrase: bool
    negated: bool


def compare(statement: str, heard: str, words: Sequence[str], language: str) -> Wording:
    """The transcript against the statement and its random words, both in one spelling."""
    said = normalize(heard, language).split()
    wanted = signs(language)
    expected = Counter(normalize(statement, language).split())
    counted = Counter(said)
    text = f" {' '.join(said)} "
    return Wording(
        error=min(1.0, wer([statement], [heard], language).corpus),
        missing=tuple(word for word in words if f" {normalize(word, language)} " not in text),
        agreed=wanted.agreement in said,
        phrase=f" {normalize(wanted.phrase, language)} " in text,
        negated=any(counted[no] > expected[no] for no in wanted.negations),
    )
