"""Figures of a whole run from those of its sentences; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from studio.errors import InputRefused, NotFound
from studio.evaluation import intervals, rtf
from studio.evaluation.wer import WordErrors, wer
from studio.scores.measuring import (
    CER,
    FIRST_SOUND,
    MCD,
    MOS,
    RTF,
    SIMILARITY,
    WER,
    errors_of,
    missing,
    word_recipe,
)
from studio.scores.requests import Score
from studio.voices.floor import SENTENCES, Floor

WER_MEAN, FLOOR, FAILED = "wer_mean", "asr_floor", "failed"


@dataclass(frozen=True)
class Heard:
    """What a recogniser wrote of one sentence, with its score."""

    text: str
    score: Score


def totals(
    takes: Sequence[Mapping[str, Score]],
    texts: Sequence[str],
    recordings: Sequence[Heard],
    language: str,
    seed: int,
    known: Floor | None = None,
) -> list[Score]:
    """Corpus figures of every measure; `takes` are the scores of each sentence, `texts` their sentences, `known` the
    floor over other recordings of the speaker, for a run whose sentences nobody has recorded.
    """
    heard = [Heard(text, scores[WER]) for text, scores in zip(texts, takes, strict=True) if WER in scores]
    found = [*word_totals(heard, language, seed), floor(recordings, language, seed, known)]
    found += [average(metric, takes, seed) for metric in (SIMILARITY, MOS, MCD)]
    return found


def word_totals(heard: Sequence[Heard], language: str, seed: int) -> list[Score]:
    """Corpus WER with its interval, mean of sentences, and CER."""
    usable = [one for one in heard if one.score.value is not None]
    if not usable:
        why = _first_trouble([one.score for one in heard])
        return [Score(metric, None, n=0, trouble=why) for metric in (WER, WER_MEAN, CER)]
    found, models = _corpus(usable, language), usable[0].score.models
    recipe, counted = word_recipe(found), errors_of(found)
    spread, sure = _word_interval(usable, seed), {**recipe, **_bootstrap(seed)}
    mean = intervals.mean_interval(found.utterances, seed)
    return [
        Score(WER, found.corpus, found.version, sure, models, spread.low, spread.high, spread.n, counted),
        Score(WER_MEAN, found.mean, found.version, recipe, models, mean.low, mean.high, mean.n),
        Score(CER, found.cer, found.version, recipe, models, n=len(usable)),
    ]  # fmt: skip


def floor(recordings: Sequence[Heard], language: str, seed: int, known: Floor | None = None) -> Score:
    """The recogniser's own errors on the speaker's real recordings: no synthesis can be asked for less.

    Those of the run's own sentences, or `known` ones; `parameters` count the recordings by kind.
    """
    usable = [one for one in recordings if one.score.value is not None]
    if usable:
        found, spread = _corpus(usable, language), _word_interval(usable, seed)
        recipe = {**word_recipe(found), **_bootstrap(seed), "recordings": {SENTENCES: len(usable)}}
        return Score(
            FLOOR, found.corpus, found.version, recipe, usable[0].score.models, spread.low, spread.high, spread.n,
            errors_of(found),
        )  # fmt: skip
    if why := _first_trouble([one.score for one in recordings]):
        return Score(FLOOR, None, n=0, trouble=why)
    if known is None:
        return missing(FLOOR, NotFound("scores.no_floor"))
    recipe = {**word_recipe(known.errors), **_bootstrap(0), "recordings": dict(known.recordings)}
    return Score(
        FLOOR, known.value, known.errors.version, recipe, (known.model,), known.low, known.high, known.n,
        errors_of(known.errors),
    )  # fmt: skip


def average(metric: str, takes: Sequence[Mapping[str, Score]], seed: int) -> Score:
    """The mean of a measure over the sentences that have it."""
    scores = [scores[metric] for scores in takes if metric in scores]
    values = [score.value for score in scores if score.value is not None]
    if not values:
        why = _first_trouble(scores)
        return (
            Score(metric, None, n=0, trouble=why)
            if why
            else missing(metric, InputRefused("scores.nothing_measured"))
        )
    first = next(score for score in scores if score.value is not None)
    mean = intervals.mean_interval(values, seed)
    recipe = {**first.parameters, **_bootstrap(seed)}
    return Score(metric, mean.value, first.version, recipe, first.models, mean.low, mean.high, mean.n)


def speed(runs: Sequence[rtf.Run], machine: rtf.Machine, *, warm: bool = False) -> list[Score]:
    """RTF and first sound over all runs but the first, which warms up; over all of them where `warm`."""
    try:
        found = rtf.real_time_factor(runs, machine, warm=warm)
    except InputRefused as error:
        return [missing(RTF, error), missing(FIRST_SOUND, error)]
    recipe = machine_recipe(machine) | {"dropped": "none: spoken warm" if warm else "the first run"}
    detail = {"median": found.median, "worst": found.worst}
    first = Score(FIRST_SOUND, found.first_chunk_s, rtf.VERSION, {**recipe, "what": "median"}, n=found.runs)
    return [Score(RTF, found.value, rtf.VERSION, recipe, n=found.runs, detail=detail), first]


def machine_recipe(machine: rtf.Machine) -> dict[str, object]:
    """The machine as the parameters of a speed; what was not recorded is left out."""
    return {name: value for name, value in asdict(machine).items() if value}


def _corpus(heard: Sequence[Heard], language: str) -> WordErrors:
    transcripts = [str(one.score.detail["transcript"]) for one in heard]
    return wer([one.text for one in heard], transcripts, language)


def _word_interval(heard: Sequence[Heard], seed: int) -> intervals.Interval:
    errors = [_count(one, "errors") for one in heard]
    words = [_count(one, "reference_words") for one in heard]
    return intervals.ratio_interval(errors, words, seed)


def _count(one: Heard, name: str) -> float:
    value = one.score.detail[name]
    assert isinstance(value, int)
    return float(value)


def _bootstrap(seed: int) -> dict[str, object]:
    return {"interval": f"95 % bootstrap over sentences, {intervals.ROUNDS} rounds", "interval_seed": seed}


def _first_trouble(scores: Sequence[Score]) -> tuple[str, Mapping[str, object]] | None:
    return next((score.trouble for score in scores if score.trouble), None)
