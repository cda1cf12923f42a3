"""Rows of a corpus before any sound is opened: which are wanted, what is missing, whose they are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from studio.audio.decode import shown_name
from studio.datasets.forms import MOST_CLIPS_OF, MOST_UTTERANCES, Basis, BuildRequest
from studio.datasets.importers.base import Row
from studio.datasets.suspicion import foreign_share
from studio.errors import InputRefused
from studio.evaluation.normalize import normalize
from studio.spoken.languages import base, scripts

_SHOWN = 3


@dataclass(frozen=True)
class Chosen:
    """The rows to import, each with its language, and how many were left out, by reason."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, int]


def choose(rows: Sequence[Row], request: BuildRequest, language: str) -> Chosen:
    """The rows that are wanted; InputRefused where the table as a whole cannot be right."""
    sound, left_out = _without_faults(rows, request.skip_unusable)
    if not sound:
        raise InputRefused("datasets.no_rows")
    wanted = _of_speaker(sound, request.speaker)
    wanted = wanted[: request.most] if request.most else wanted
    if len(wanted) > MOST_UTTERANCES:
        raise InputRefused("datasets.too_many_rows", rows=len(wanted), most=MOST_UTTERANCES)
    there = [row for row in wanted if row.sound]
    missing = len(wanted) - len(there)
    if missing and not (request.skip_unusable and there):
        names = ", ".join(shown_name(row.wanted) for row in wanted if not row.sound)
        short = ", ".join(names.split(", ")[:_SHOWN])
        raise InputRefused("datasets.missing", missing=missing, rows=len(wanted), examples=short)
    there = _in_languages(there, language)
    _refuse_other_script(there, language)
    return Chosen(tuple(there), {**left_out, "missing_sound": missing})


def _without_faults(rows: Sequence[Row], skip: bool) -> tuple[list[Row], Counter[str]]:
    """The rows that could be read; the first fault is raised, or all are counted where they may be left out."""
    faults = [row.fault for row in rows if row.fault is not None]
    if faults and not skip:
        raise faults[0]
    reasons = Counter(fault.key.partition(".")[2] for fault in faults)
    return [row for row in rows if row.fault is None], reasons


def _in_languages(rows: Sequence[Row], declared: str) -> list[Row]:
    """Each row in the corpus's own language where it says one, else in the one that was declared.

    InputRefused when the corpus speaks of others only: then the wrong one was declared.
    """
    told = Counter(base(row.language) for row in rows if row.language)
    if told and len(rows) == told.total() and base(declared) not in told:
        raise InputRefused("datasets.corpus_language", language=declared, found=", ".join(sorted(told)))
    for language in told:
        normalize("", language)  # InputRefused for one whose sentences cannot be compared
    same = {"", base(declared)}
    return [replace(r, language=declared if base(r.language) in same else base(r.language)) for r in rows]


def _of_speaker(rows: Sequence[Row], speaker: str) -> list[Row]:
    if not speaker:
        return [*rows]
    counted = Counter(row.speaker for row in rows)
    name = counted.most_common(1)[0][0] if speaker == MOST_CLIPS_OF else speaker
    if name not in counted:
        raise InputRefused("datasets.no_speaker", speaker=speaker[:40], speakers=len(counted))
    return [row for row in rows if row.speaker == name]


def _refuse_other_script(rows: Sequence[Row], language: str) -> None:
    """Most texts in another script: the language was mistaken, not the rows."""
    foreign = [row for row in rows if foreign_share(row.text, row.language) > 0.5]
    if len(foreign) * 2 > len(rows):
        raise InputRefused(
            "datasets.other_script", rows=len(foreign), of=len(rows), language=language,
            script=", ".join(scripts(language)).capitalize(), example=foreign[0].text[:40],
        )  # fmt: skip


def pseudonyms(rows: Sequence[Row], basis: Basis) -> list[str]:
    """A name for each row's speaker that says nothing of who it is: S001, S002 ... in order of appearance.

    Which is whose is kept nowhere. "" where the basis is consent: then everybody is the voice's own speaker.
    """
    if basis is Basis.CONSENT:
        return [""] * len(rows)
    seen: dict[str, str] = {}
    return [seen.setdefault(row.speaker, f"S{len(seen) + 1:03d}") for row in rows]
