"""What is asked of the scores room, and what it tells: systems, events, results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from studio.errors import StudioError
from studio.scores.sentences import SentenceSet
from studio.synthesis.requests import VoiceChoice
from studio.synthesis.trained import TrainedChoice

PRESET, ZERO_SHOT, ADAPTER, FULL = "preset", "zero_shot", "adapter", "full"
OPTIONS = (ZERO_SHOT, ADAPTER, FULL)  # the rows of the comparison
EMBEDDED = "embedded"
RUN, TAKE, RECORDING = "run", "take", "recording"  # what a score is about
TRAINING_PEAK = "training_peak_bytes"  # a figure of a run whose system was trained here
RUNNING, DONE, CANCELLED, FAILED, INTERRUPTED = "running", "done", "cancelled", "failed", "interrupted"


@dataclass(frozen=True)
class System:
    """What is under test: an engine with a voice, and what was trained for it, if anything: an adapter (or one
    of its checkpoints) as `adapter_id`, a full fine-tuning (or one of its checkpoints) as `checkpoint_id`.
    """

    engine_id: str
    voice: VoiceChoice
    options: Mapping[str, object] = field(default_factory=dict)
    adapter_id: str = ""
    checkpoint_id: str = ""

    def speaking_with(self, trained: TrainedChoice) -> "System":
        """The same system with what was trained applied."""
        if trained.full:
            return replace(self, adapter_id="", checkpoint_id=trained.id)
        return replace(self, adapter_id=trained.id, checkpoint_id="")

    @property
    def trained_id(self) -> str:
        return self.adapter_id or self.checkpoint_id

    @property
    def option(self) -> str:
        """Which row of the comparison it belongs to."""
        if self.adapter_id:
            return ADAPTER
        if self.checkpoint_id:
            return FULL
        return ZERO_SHOT if self.voice.voice_id else PRESET


@dataclass(frozen=True)
class EvaluationRequest:
    """A system over sentences. `fresh_setup` prepares the voice anew, so that its time is measured."""

    system: System
    sentences: SentenceSet
    seed: int = 0
    recogniser: str = ""  # "" takes the one of the settings
    fresh_setup: bool = False


@dataclass(frozen=True)
class EvaluationEvent:
    """How far a run has come: `stage` queued, preparing, speaking, measuring or done; `fraction` of the whole."""

    run_id: str
    stage: str
    done: int = 0
    total: int = 0
    fraction: float = 0.0
    ahead: int = 0


@dataclass(frozen=True)
class Score:
    """One measured figure, and everything needed to read it.

    `value` is None where it could not be measured; `trouble` then says why (message key and facts).
    `low` and `high` are a 95 % interval over `n` sentences, on figures of a whole run.
    """

    metric: str
    value: float | None
    version: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    n: int = 1
    detail: Mapping[str, object] = field(default_factory=dict)
    trouble: tuple[str, Mapping[str, object]] | None = None

    def why(self, language: str) -> str:
        """Why there is no value, as one paragraph."""
        return self._error().text(language) if self.trouble else ""

    def short(self, language: str) -> str:
        """The same in one sentence."""
        return self._error().part("what", language) if self.trouble else ""

    def _error(self) -> StudioError:
        assert self.trouble is not None
        return StudioError(self.trouble[0], **self.trouble[1])


@dataclass(frozen=True)
class RunView:
    """A run as the list shows it, with the figures of the whole by metric."""

    id: str
    voice_key: str
    voice_name: str
    engine_id: str
    option: str
    trained_id: str  # the adapter or checkpoint it spoke with; "" for none
    language: str
    set_id: str
    set_titles: Mapping[str, str]
    content_id: str
    sentence_count: int
    seed: int
    options: Mapping[str, object]
    recogniser: str
    device: str
    cores: int
    setup_s: float | None
    setup_measured: bool  # False: taken over from the run that measured it
    training_s: float | None
    peak_bytes: int | None
    peak_gpu_bytes: int | None
    hour_price: float
    status: str
    trouble: str
    started_at: str
    ended_at: str | None
    scores: Mapping[str, Score]

    @property
    def cost(self) -> float:
        """What set-up and training cost at the machine's price by the hour."""
        return ((self.setup_s or 0.0) + (self.training_s or 0.0)) / 3600 * self.hour_price

    def value(self, metric: str) -> float | None:
        return self.scores[metric].value if metric in self.scores else None


@dataclass(frozen=True)
class Line:
    """One sentence of a run: the take, what was heard of it, and its scores by metric.

    `recording` holds the scores of the speaker's own recording of the sentence, where there is one.
    """

    position: int
    name: str
    text: str
    take_id: str | None
    duration_s: float | None
    scores: Mapping[str, Score]
    recording: Mapping[str, Score]

    @property
    def transcript(self) -> str:
        return str(self.scores["wer"].detail.get("transcript", "")) if "wer" in self.scores else ""

    @property
    def words(self) -> tuple[tuple[str, str, str], ...]:
        """(kind, expected, heard) of every aligned word; kind is equal, substitute, insert or delete."""
        found = self.scores["wer"].detail.get("words", []) if "wer" in self.scores else []
        assert isinstance(found, list)
        return tuple((str(kind), str(expected), str(heard)) for kind, expected, heard in found)

    def value(self, metric: str) -> float | None:
        return self.scores[metric].value if metric in self.scores else None


@dataclass(frozen=True)
class RunResult:
    """A run with all its sentences."""

    run: RunView
    lines: tuple[Line, ...]

    def values(self, metric: str) -> list[float]:
        """The metric's values over the sentences that have one."""
        return [value for line in self.lines if (value := line.value(metric)) is not None]


class ListenerMean(Protocol):
    """A mean opinion score with its 95 % interval over `n` ratings."""

    @property
    def mean(self) -> float: ...
    @property
    def ci_low(self) -> float: ...
    @property
    def ci_high(self) -> float: ...
    @property
    def n(self) -> int: ...


class ListenerScores(Protocol):
    """Answered by the listening room; wired in bootstrap."""

    def by_take(self, take_ids: Sequence[str]) -> Mapping[str, ListenerMean]:
        """What listeners gave each take; takes nobody rated are left out."""
        ...

    def over_takes(self, take_ids: Sequence[str]) -> ListenerMean | None:
        """What they gave the takes together; None where nobody rated any."""
        ...


class NoRatings:
    """The answer of a studio without listening tests."""

    def by_take(self, take_ids: Sequence[str]) -> Mapping[str, ListenerMean]:
        return {}

    def over_takes(self, take_ids: Sequence[str]) -> ListenerMean | None:
        return None
