"""From systems and their stimuli to the questions of a test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from studio.listening.kinds import Kind, Role, Use

Sounds = Mapping[int, str]  # item -> stimulus id


@dataclass(frozen=True)
class SystemSounds:
    """A system and its stimuli by item; a system of recordings may lack items."""

    role: Role
    sounds: Sounds


@dataclass(frozen=True)
class Check:
    """A trap or gold stimulus with its right answer."""

    use: Use
    stimulus: str
    expected: float


@dataclass(frozen=True)
class TrialDraft:
    """A Trial before it is stored."""

    use: Use
    page: int
    item: int
    condition: int
    stimulus: str
    second: str | None = None
    reference: str | None = None
    expected: float | None = None


def draft_trials(
    kind: Kind, systems: Sequence[SystemSounds], checks: Sequence[Check], training: int
) -> list[TrialDraft]:
    """Every system (or pair) with every item, then training copies, traps and gold questions."""
    reference = next((s.sounds for s in systems if s.role is Role.REFERENCE), None)
    beside = reference if kind.facts.needs_reference else None
    if kind is Kind.SMOS:
        systems = [s for s in systems if s.role is not Role.REFERENCE]
    rated = list(_pairs(systems) if kind.facts.pairs else _singles(systems))
    if kind is Kind.MUSHRA:
        rated = [replace(trial, page=trial.item) for trial in rated]
    if beside:
        rated = [replace(trial, reference=_beside(kind, beside, trial.item)) for trial in rated]
    asked = [_check(kind, check, number, beside) for number, check in enumerate(checks)]
    return rated + list(_training(kind, rated, training)) + asked


def _singles(systems: Sequence[SystemSounds]) -> Iterator[TrialDraft]:
    page = 0
    for condition, system in enumerate(systems):
        for item, stimulus in sorted(system.sounds.items()):
            yield TrialDraft(Use.RATED, page, item, condition, stimulus)
            page += 1


def _pairs(systems: Sequence[SystemSounds]) -> Iterator[TrialDraft]:
    page = 0
    for condition, (one, other) in enumerate(combinations(systems, 2)):
        for item in sorted(set(one.sounds) & set(other.sounds)):
            yield TrialDraft(Use.RATED, page, item, condition, one.sounds[item], other.sounds[item])
            page += 1


def _beside(kind: Kind, reference: Sounds, item: int) -> str:
    """The same sentence where there is one; likeness to a voice can be judged against any of its recordings."""
    known = sorted(reference)
    return reference.get(item) or reference[known[item % len(known)]]


def _training(kind: Kind, rated: Sequence[TrialDraft], wanted: int) -> Iterator[TrialDraft]:
    """Copies spread over the rated trials, so that a listener meets the range of quality before it counts."""
    if not rated or not wanted:
        return
    pages = sorted({trial.page for trial in rated})
    wanted = min(wanted, len(pages))
    for place in range(wanted):
        page = pages[place * len(pages) // wanted]
        for trial in rated:
            if trial.page == page:
                yield replace(trial, use=Use.TRAINING, page=place)


def _check(kind: Kind, check: Check, number: int, beside: Sounds | None) -> TrialDraft:
    second = check.stimulus if kind.facts.pairs else None
    reference = _beside(kind, beside, number) if beside else None
    return TrialDraft(check.use, number, number, 0, check.stimulus, second, reference, check.expected)
