"""A dataset's rows: sealed texts, what is settled anew after every change, counts and views."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from studio.datasets.rights import is_other_voice
from studio.datasets.splits import split
from studio.datasets.suspicion import Measured, Verdict, judge, letters, pace_of
from studio.db.tables import Dataset, DatasetUtterance
from studio.evaluation.normalize import normalize
from studio.privacy.keyring import Keyset

UNDECIDED_SPLIT = ""
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？؟।])\s*")


@dataclass(frozen=True)
class Texts:
    """What an utterance is to say, and what the recogniser heard ("" where it did not listen)."""

    text: str
    heard: str


def seal_texts(keyset: Keyset, utterance_id: str, texts: Texts) -> bytes:
    """Both texts under the speaker's keyset: with the key they are gone, from backups too."""
    plain = json.dumps({"text": texts.text, "heard": texts.heard}, ensure_ascii=False).encode()
    return keyset.seal(plain, f"utterance|{utterance_id}")


def open_texts(keyset: Keyset, row: DatasetUtterance) -> Texts:
    plain = json.loads(keyset.open(row.sealed, f"utterance|{row.id}"))
    return Texts(plain["text"], plain["heard"])


def rows_of(session: Session, dataset_id: str) -> list[DatasetUtterance]:
    """All utterances in the order in which they came."""
    query = select(DatasetUtterance).where(DatasetUtterance.dataset_id == dataset_id)
    return [*session.scalars(query.order_by(DatasetUtterance.position, DatasetUtterance.id))]


def settle(session: Session, dataset: Dataset, keyset: Keyset) -> None:
    """Judge every utterance anew, split what is kept, and hash it. People's decisions stand."""
    session.flush()
    rows = rows_of(session, dataset.id)
    texts = [open_texts(keyset, row).text for row in rows]
    pace = pace_of([row.chars_per_s for row in rows])
    for row, text in zip(rows, texts, strict=True):
        _decide(row, judge(measured(row, text), pace))
    kept = [(row, text) for row, text in zip(rows, texts, strict=True) if row.kept]
    sides = split([sentence_keys(t, r.language) for r, t in kept], dataset.seed, dataset.held_out_share)
    for (row, _text), side in zip(kept, sides, strict=True):
        row.split = side
    dataset.content_hash = _hash(kept)
    session.flush()


def _decide(row: DatasetUtterance, verdict: Verdict) -> None:
    row.suspicion, row.doubts = verdict.suspicion, list(verdict.doubts)
    if not row.by_person or is_other_voice(row.likeness):  # nobody decides for somebody else
        row.kept, row.reason = not verdict.reason, verdict.reason
    if not row.kept:
        row.split = UNDECIDED_SPLIT


def measured(row: DatasetUtterance, text: str) -> Measured:
    """What is judged. Once somebody has read and changed a row, what the recogniser heard counts no more."""
    confidence, cer = (None, None) if row.edited else (row.confidence, row.cer)
    spoken = "" if row.edited else row.spoken_language
    return Measured(
        text, row.language, row.duration_s, row.speech_s, row.chars_per_s, row.tail_db, confidence, cer,
        row.likeness, spoken,
    )  # fmt: skip


def chars_per_s(text: str, speech_s: float) -> float:
    """Letters and digits a second of speech; 0 where nobody speaks."""
    return letters(text) / speech_s if speech_s > 0 else 0.0


def sentence_keys(text: str, language: str) -> frozenset[str]:
    """The text and each sentence in it, as they are told from others: letters only.

    A single word beside other sentences ("Yes.", the "Mr." of a name) is none: it would tie half a book together.
    """
    whole = normalize(text, language, "letters") or text
    pieces = (normalize(piece, language, "letters") for piece in _SENTENCE_END.split(text))
    return frozenset({whole, *(piece for piece in pieces if " " in piece)})


def _hash(kept: Sequence[tuple[DatasetUtterance, str]]) -> str:
    """SHA-256 over clips, texts, languages, speakers and sides; the order of arrival does not count."""
    lines = sorted(
        "\t".join((row.content_id, text, row.language, row.speaker, row.split)) for row, text in kept
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


@dataclass(frozen=True)
class Counts:
    """What is kept of a dataset and what is not."""

    train: int
    held_out: int
    kept_s: float
    dropped_by_reason: dict[str, int]

    @property
    def kept(self) -> int:
        return self.train + self.held_out

    @property
    def dropped(self) -> int:
        return sum(self.dropped_by_reason.values())


def counts(session: Session, dataset: Dataset) -> Counts:
    """Counted by the database; rows left out at the import are among the dropped ones."""
    u = DatasetUtterance
    query = select(u.kept, u.reason, u.split, func.count(), func.sum(u.duration_s))
    found = session.execute(query.where(u.dataset_id == dataset.id).group_by(u.kept, u.reason, u.split)).all()
    reasons: Counter[str] = Counter({str(name): int(n) for name, n in dataset.skipped.items()})
    sides: Counter[str] = Counter()
    kept_s = 0.0
    for kept, reason, side, number, seconds in found:
        if kept:
            sides[side] += number
            kept_s += seconds
        else:
            reasons[reason] += number
    return Counts(sides["train"], sides["held_out"], kept_s, dict(reasons.most_common()))


def assets_of(session: Session, dataset_id: str) -> Iterable[str]:
    """The ids of a dataset's sealed files."""
    from studio.db.tables import DatasetSource

    yield from session.scalars(
        select(DatasetUtterance.asset_id).where(DatasetUtterance.dataset_id == dataset_id)
    )
    yield from session.scalars(select(DatasetSource.asset_id).where(DatasetSource.dataset_id == dataset_id))
