"""What goes into the datasets room and what comes out: requests, events and views."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

SHORTEST_S = 1.0  # a clip shorter than this teaches a model nothing but its edges
USUALLY_S = 3.0  # one shorter than this is left out, unless somebody keeps it
LONGEST_S = 11.0  # what the engines that train take at most
FEWEST = 2  # one sentence to train on, another one to hold out
MOST_UTTERANCES = 200_000
MOST_CLIPS_OF = "@most"
READY = "ready"  # the state of a dataset that is whole
RECORDINGS = "recordings"  # the format of a dataset that is cut from long recordings


class Basis(StrEnum):
    """Why recordings may be used."""

    CONSENT = "consent"  # of the voice's own speaker: every clip is compared with the voice
    LICENCE = "licence"  # of a corpus of many people


@dataclass(frozen=True)
class Incoming:
    """A file that was brought: the service takes it over and removes it, whatever happens (unless `keep`)."""

    name: str
    path: Path
    keep: bool = False


@dataclass(frozen=True)
class BuildRequest:
    """A dataset to make, of exactly one of these: the voice's own recordings (none of the others given),
    `files` that were brought (sounds, or one zip), `folder` (a name below the import root).

    `format` "" finds it out. `speaker` is the one speaker of a table to take: "" all, "@most" whoever has most.
    """

    voice_id: str
    name: str
    language: str = ""  # "" takes the voice's
    files: tuple[Incoming, ...] = ()
    folder: str = ""
    format: str = ""
    basis: Basis = Basis.CONSENT
    licence: str = ""
    attested: bool = False  # whoever asks answers for the licence, where the corpus's makers do not
    source: str = ""
    speaker: str = ""
    seed: int = 0
    held_out_share: float = 0.1
    skip_unusable: bool = False  # leave out (and count) rows whose sound is missing or unreadable
    listen: bool = True  # write down imported clips and compare with their texts
    most: int = 0  # only the first so many rows; 0: all


@dataclass(frozen=True)
class DatasetEvent:
    """How far a dataset on its way has come. `stage`: queued (behind `ahead` others), opening,
    reading (recordings), listening (to them), comparing (clips with texts), checking, done."""

    dataset_id: str
    stage: str
    done: int
    total: int
    fraction: float
    ahead: int = 0
    folder: str = ""  # what was imported from the server's import folder, once it is done


@dataclass(frozen=True)
class DatasetView:
    """A dataset as people see it; `usable` says whether the gate would let it train a voice today."""

    id: str
    name: str
    voice_id: str
    voice_name: str
    language: str
    format: str
    basis: str
    source: str
    licence: str
    seed: int
    held_out_share: float
    created_at: str
    content_hash: str
    kept: int
    kept_s: float
    train: int
    held_out: int
    dropped: int
    dropped_by_reason: Mapping[str, int]  # rows that were left out at the import count, too
    usable: bool
    owner_id: str
    rights: str = ""  # consent, known, awaiting (a reviewer's look at an attested licence), approved

    @property
    def ready(self) -> bool:
        """Whether there is enough to train on and something to hold out."""
        return self.usable and self.train > 0 and self.held_out > 0


@dataclass(frozen=True)
class UtteranceView:
    """One row of the review table."""

    id: str
    dataset_id: str
    position: int
    text: str
    heard: str
    speaker: str
    language: str
    recording: int | None
    start_s: float
    end_s: float
    duration_s: float
    confidence: float | None
    cer: float | None
    likeness: float | None
    chars_per_s: float
    tail_db: float
    suspicion: float
    doubts: tuple[str, ...]
    kept: bool
    reason: str
    by_person: bool
    edited: bool
    split: str
    room_s: tuple[float, float] | None  # what can be cut anew: from, to; None where only the clip is there
    spoken_language: str = ""  # as heard; "" where it was not told


@dataclass(frozen=True)
class ReviewQuery:
    """Which rows to show. `show`: all, kept, dropped, doubtful, held_out."""

    show: str = "all"
    reason: str = ""  # a reason for dropping, or a doubt
    search: str = ""
    page: int = 0
    per_page: int = 20


@dataclass(frozen=True)
class ReviewPage:
    """One page of the table, most suspicious first."""

    rows: tuple[UtteranceView, ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class TrainingUtterance:
    """A clip to train on or to hold out (`split`: train or held_out)."""

    id: str
    text: str
    language: str
    split: str
    duration_s: float
    asset_id: str
    speaker: str = ""  # pseudonym in a corpus of many; "" for the voice's own speaker


@dataclass(frozen=True)
class TrainingSet:
    """What is kept of a dataset, in a fixed order; `content_hash` changes with any clip, text or split."""

    dataset_id: str
    voice_id: str
    speaker_id: str
    language: str
    licence: str
    content_hash: str
    utterances: tuple[TrainingUtterance, ...]
    kept: int
    dropped_by_reason: Mapping[str, int] = field(default_factory=dict)
