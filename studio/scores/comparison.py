"""The notes' table from measured runs: which option, and is it better than zero-shot?"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from studio.evaluation.correlation import Correlation, correlation
from studio.evaluation.intervals import Interval, difference
from studio.scores.agreement import Agreement
from studio.scores.measuring import MOS, SIMILARITY, WER
from studio.scores.requests import (
    ADAPTER,
    DONE,
    FULL,
    OPTIONS,
    PRESET,
    ZERO_SHOT,
    Line,
    ListenerScores,
    RunResult,
    RunView,
)


@dataclass(frozen=True)
class OptionRow:
    """A row of the table: an option measured with one engine, or one that waits to be measured.

    `base` is the zero-shot run of the same engine that a trained voice is held against, `against` this run minus
    that one, by metric, over the sentences that both have. `trained_by` names the engines here that offer the
    option's training.
    """

    option: str
    run: RunView | None = None
    listeners: Interval | None = None
    base: RunView | None = None
    against: Mapping[str, Interval] | None = None
    trained_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A run, its row among the options, and how predicted MOS goes with listeners: in these rows, and in the studio."""

    result: RunResult
    rows: tuple[OptionRow, ...]
    correlation: Correlation
    ratings: int
    studio: Agreement = field(default_factory=lambda: Agreement(correlation([], []), 0))

    @property
    def agreement(self) -> Agreement:
        """How the two go together in these rows."""
        return Agreement(self.correlation, self.ratings)


def compare(
    result: RunResult,
    runs: Sequence[RunView],
    find: Callable[[str], RunResult],
    listeners: ListenerScores,
    trainers: Mapping[str, tuple[str, ...]],
) -> Comparison:
    """Runs of the same voice, sentences and recogniser as `result`; of each system (option, engine and its options,
    seed, adapter or checkpoint) the newest.

    `find` opens a run by id; `trainers` names the engines that train an option.
    """
    found = [_opened(run, result, find) for run in _newest(_comparable(result.run, runs))]
    rows = [row for option in _options(result.run) for row in _rows(option, found, listeners, trainers)]
    pairs, ratings = _pairs(found, listeners)
    return Comparison(result, tuple(rows), correlation(*pairs), ratings)


def _options(run: RunView) -> tuple[str, ...]:
    return (PRESET, *OPTIONS) if run.option == PRESET else OPTIONS


def _comparable(chosen: RunView, runs: Sequence[RunView]) -> list[RunView]:
    same = [
        run
        for run in runs
        if run.status == DONE
        and run.id != chosen.id
        and (run.voice_key, run.content_id, run.recogniser)
        == (chosen.voice_key, chosen.content_id, chosen.recogniser)
    ]
    return ([chosen] if chosen.status == DONE else []) + same


def _newest(runs: Sequence[RunView]) -> list[RunView]:
    """The first of each system: the chosen run, then the newest."""
    kept: dict[tuple[str, ...], RunView] = {}
    for run in runs:
        kept.setdefault((run.option, run.engine_id, run.trained_id, *_settings(run)), run)
    return list(kept.values())


def _settings(run: RunView) -> tuple[str, str]:
    return json.dumps(dict(run.options), sort_keys=True), str(run.seed)


def _opened(run: RunView, result: RunResult, find: Callable[[str], RunResult]) -> RunResult:
    return result if run.id == result.run.id else find(run.id)


def _rows(
    option: str,
    found: Sequence[RunResult],
    listeners: ListenerScores,
    trainers: Mapping[str, tuple[str, ...]],
) -> list[OptionRow]:
    trained_by = trainers.get(option, ())
    measured = [one for one in found if one.run.option == option]
    if not measured:
        return [OptionRow(option, trained_by=trained_by)]
    rows = []
    for one in measured:
        base = _base(one.run, found)
        gaps, held_against = (_gaps(one, base), base.run) if base else (None, None)
        rows.append(OptionRow(option, one.run, listened(one, listeners), held_against, gaps, trained_by))
    return rows


def _base(run: RunView, found: Sequence[RunResult]) -> RunResult | None:
    """The zero-shot run of the engine that was trained, with the same settings if there is one: another engine's
    says nothing about the training. None for what was not trained.
    """
    if run.option not in (ADAPTER, FULL):
        return None
    same = [one for one in found if one.run.option == ZERO_SHOT and one.run.engine_id == run.engine_id]
    return next((one for one in same if _settings(one.run) == _settings(run)), same[0] if same else None)


def listened(result: RunResult, listeners: ListenerScores) -> Interval | None:
    """Listeners' mean over the run's rated takes; `n` counts ratings. None while there are none."""
    found = listeners.over_takes(_takes(result))
    return Interval(found.mean, found.ci_low, found.ci_high, found.n) if found else None


def _takes(result: RunResult) -> list[str]:
    return [line.take_id for line in result.lines if line.take_id]


def _pairs(
    found: Sequence[RunResult], listeners: ListenerScores
) -> tuple[tuple[list[float], list[float]], int]:
    predicted: list[float] = []
    given: list[float] = []
    ratings = 0
    for result in found:
        means = listeners.by_take(_takes(result))
        for line in result.lines:
            guess, mean = line.value(MOS), means.get(line.take_id or "")
            if guess is not None and mean is not None:
                predicted.append(guess)
                given.append(mean.mean)
                ratings += mean.n
    return (predicted, given), ratings


def _gaps(result: RunResult, base: RunResult) -> Mapping[str, Interval]:
    pairs = list(zip(result.lines, base.lines, strict=False))
    gaps = {}
    for metric in (WER, SIMILARITY):
        both = [(a, b) for a, b in pairs if a.value(metric) is not None and b.value(metric) is not None]
        if both:
            sides = ([_parts(line, metric) for line in side] for side in zip(*both, strict=True))
            one, other = (tuple(map(list, zip(*side, strict=True))) for side in sides)
            gaps[metric] = difference((one[0], one[1]), (other[0], other[1]))
    return gaps


def _parts(line: Line, metric: str) -> tuple[float, float]:
    """A sentence's share of the figure: errors and words, or the value and one."""
    if metric != WER:
        return line.value(metric) or 0.0, 1.0
    detail = line.scores[WER].detail
    return float(str(detail["errors"])), float(str(detail["reference_words"]))
