"""What a download tells its watcher, and how it learns that it should stop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from studio.errors import Cancelled, StudioError

Activity = Literal["waiting", "fetching", "unpacking", "verifying", "skipped", "done"]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True)
class PullProgress:
    """One report: `done_bytes` of `total_bytes` of the model are here (an estimate while a client works).

    `source` is the label of the source at work. A report of activity ``skipped`` carries in `trouble` why that
    source was left, as an error whose text a person can read.
    """

    model_id: str
    activity: Activity
    done_bytes: int
    total_bytes: int
    source: str = ""
    trouble: StudioError | None = None

    @property
    def fraction(self) -> float:
        """How much of the model is here, 0..1."""
        return self.done_bytes / self.total_bytes


Progress = Callable[[PullProgress], None]


def keep_quiet(report: PullProgress) -> None:
    """A progress callback for callers that show nothing."""


def never_stop() -> bool:
    return False


@dataclass
class Watch:
    """Carries progress and cancel through one pull; `done_bytes` counts what is finished for good."""

    model_id: str
    model_name: str
    total_bytes: int
    progress: Progress = keep_quiet
    should_stop: ShouldStop = never_stop
    done_bytes: int = 0
    source: str = ""

    def report(self, activity: Activity, under_way: int = 0) -> None:
        """Tell the watcher; `under_way` bytes are on their way and not finished. Raises Cancelled."""
        self.check()
        done = min(self.done_bytes + under_way, self.total_bytes)
        self.progress(PullProgress(self.model_id, activity, done, self.total_bytes, self.source))

    def skipped(self, trouble: StudioError) -> None:
        report = PullProgress(
            self.model_id, "skipped", self.done_bytes, self.total_bytes, self.source, trouble
        )
        self.progress(report)

    def check(self) -> None:
        """Raise Cancelled when somebody asked to stop."""
        if self.should_stop():
            raise Cancelled("models.cancelled", model=self.model_name)
