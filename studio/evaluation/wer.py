"""Word and character error rates of what was heard against what should have been said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from studio.errors import InputRefused
from studio.evaluation.normalize import VERSION as NORMALIZATION_VERSION
from studio.evaluation.normalize import Normalization, normalize

VERSION = "1"
Kind = Literal["equal", "substitute", "insert", "delete"]


@dataclass(frozen=True)
class AlignedWord:
    """A word of the reference beside the word heard; one of them is empty for `insert` and `delete`."""

    kind: Kind
    reference: str
    hypothesis: str


@dataclass(frozen=True)
class WordErrors:
    """Rates are fractions and may pass 1 where more was heard than was to be said.

    `corpus` is all errors over all reference words; `mean` averages the utterances' rates, so short
    ones weigh as much as long ones; `cer` is by characters, over the corpus. `utterances` holds the
    rate of each, `aligned` the words of each in order.
    """

    corpus: float
    mean: float
    cer: float
    substitutions: int
    insertions: int
    deletions: int
    reference_words: int
    utterances: tuple[float, ...]
    aligned: tuple[tuple[AlignedWord, ...], ...]
    language: str
    normalization: Normalization
    version: str = f"{VERSION}, normalization {NORMALIZATION_VERSION}"


def wer(
    references: str | Sequence[str],
    hypotheses: str | Sequence[str],
    language: str,
    normalization: Normalization = "spoken",
) -> WordErrors:
    """Errors of `hypotheses` against `references`, one for one (jiwer: least edits, all costing one).

    A text instead of a list is one utterance. Raises InputRefused for no utterance, lists of two lengths, what is
    no text, a reference without words, an unknown language or normalization. An empty hypothesis is allowed: every
    word was missed.
    """
    references, hypotheses = _utterances(references), _utterances(hypotheses)
    if len(references) != len(hypotheses) or not references:
        raise InputRefused("evaluation.pairs", references=len(references), hypotheses=len(hypotheses))
    expected = [normalize(text, language, normalization) for text in references]
    heard = [normalize(text, language, normalization) for text in hypotheses]
    for index, text in enumerate(expected):
        if not text:
            raise InputRefused("evaluation.empty_reference", number=index + 1)
    return _errors(expected, heard, language, normalization)


def _utterances(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _errors(expected: list[str], heard: list[str], language: str, normalization: Normalization) -> WordErrors:
    import jiwer

    found = jiwer.process_words(expected, heard)
    aligned = tuple(
        _aligned(reference, hypothesis, chunks)
        for reference, hypothesis, chunks in zip(
            found.references, found.hypotheses, found.alignments, strict=True
        )
    )
    rates = tuple(
        sum(word.kind != "equal" for word in words) / len(reference)
        for words, reference in zip(aligned, found.references, strict=True)
    )
    return WordErrors(
        corpus=found.wer,
        mean=sum(rates) / len(rates),
        cer=jiwer.process_characters(expected, heard).cer,
        substitutions=found.substitutions,
        insertions=found.insertions,
        deletions=found.deletions,
        reference_words=sum(len(reference) for reference in found.references),
        utterances=rates,
        aligned=aligned,
        language=language,
        normalization=normalization,
    )


def _aligned(reference: list[str], hypothesis: list[str], chunks: Sequence[Any]) -> tuple[AlignedWord, ...]:
    words: list[AlignedWord] = []
    for chunk in chunks:
        left = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        right = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        for index in range(max(len(left), len(right))):
            words.append(AlignedWord(chunk.type, _at(left, index), _at(right, index)))
    return tuple(words)


def _at(words: list[str], index: int) -> str:
    return words[index] if index < len(words) else ""
