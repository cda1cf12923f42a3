"""The child process of a training run: ``python -m studio.training.worker RUN_FOLDER``, its order on standard input.

Ends with 0 when done, 3 when it was asked to stop, 4 when the last event says what is in the way, and
anything else when it crashed. It never opens the database, and outlives the studio that started it.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Cancelled, InputRefused, ModelMissing, StudioError
from studio.training.event_log import EventLog
from studio.training.log_lines import LogLines
from studio.training.processes import Identity
from studio.training.ranks import ranks
from studio.training.run_folder import HELD_OUT, REPLAY, TRAIN, Order, Recording, RunFolder, file_trouble

if TYPE_CHECKING:
    from studio.engines.learning import Learner, Preparation, TrainingClip
    from studio.training.loop import Ending, Prepared

DONE, STOPPED, REFUSED, CRASHED = 0, 3, 4, 1
_REFERENCE_S = 25.0
_TOLD_EVERY_S = 0.5
_log = logging.getLogger("studio.training.worker")  # it is started as __main__


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("studio").setLevel(logging.INFO)
    order = Order.read(sys.stdin.readline())
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(order.threads)  # read when torch and numpy are loaded
    run = RunFolder(Path(sys.argv[1]), order.key)
    with ranks(order, run.root, _give_up):
        return Worker(run, order).work()


def _give_up(code: int) -> None:
    """Another process of the run is gone: there is no step to be had any more."""
    _log.error("a process of the run ended with %d", code)
    os._exit(CRASHED)


class Worker:
    """One run from folder to exit code."""

    def __init__(self, run: RunFolder, order: Order) -> None:
        self._run, self._order = run, order
        self._signalled = False
        self._told = 0.0
        self._lines = LogLines()
        self._main = os.environ.get("RANK", "0") == "0"
        self._log = EventLog(run.events_file) if self._main else None

    def work(self) -> int:
        """Train, and tell every ending as an event."""
        if self._main:
            self._run.write_worker(Identity.of(os.getpid()))
        signal.signal(signal.SIGTERM, self._on_terminate)
        try:
            ending = self._train()
        except Cancelled:
            self._emit("stopped", {"step": 0, "reason": self._asked() or "cancelled"})
            return STOPPED
        except StudioError as error:
            return self._refused(error)
        except OSError as error:
            return self._refused(file_trouble(error, self._run.root))
        except (
            Exception
        ) as error:  # whatever it is, the page must not wait for ever; the traceback goes to the log
            self._emit("error", {"message": "learning.crashed", "facts": {"kind": type(error).__name__}})
            raise
        return STOPPED if ending.reason in ("cancelled", "paused") else DONE

    def _refused(self, error: StudioError) -> int:
        _log.error("the run ended: %s", error.key, exc_info=error)
        facts = {
            name: value if isinstance(value, int | float) else str(value)
            for name, value in error.facts.items()
        }
        self._emit("error", {"message": error.key, "facts": facts})
        return REFUSED

    def _train(self) -> "Ending":
        from studio.evaluation.judges import Judges
        from studio.training.checkpoints import Checkpoints
        from studio.training.loop import Work, train
        from studio.training.machine import make_deterministic, memory_told
        from studio.training.scoring import Scorer

        run, plan = self._run, self._run.plan
        make_deterministic(self._order.threads, self._order.device)
        self._emit("stage", {"name": "load", "fraction": 0.0})
        manifest = run.manifest()
        with memory_told(plan):
            learner = self._learner()
            items = self._prepare(learner, manifest)
        held_out = list(self._clips(manifest, HELD_OUT))
        judges = Judges(self._model_files, self._order.threads)
        scorer = Scorer(run.samples(), held_out, judges)
        work = Work(
            plan, learner, items, scorer, Checkpoints(run), self._card(), self._emit, self._asked, self._device
        )  # fmt: skip
        return train(work)

    def _learner(self) -> "Learner":
        from studio.engines.base import EngineContext
        from studio.engines.learning import LearnerWish
        from studio.engines.registry import resolve

        plan = self._run.plan
        scratch = self._run.root / "scratch"
        context = EngineContext(self._model_files, scratch, self._device, self._order.threads)
        wish = LearnerWish(
            plan.method.value, plan.language, plan.rank, plan.adapter_size, plan.adapt_mlp,
            plan.precision.value, plan.longest_s, plan.seed,
        )  # fmt: skip
        learner: Learner = resolve(self._run.facts.learner)(context, wish)
        return learner

    def _prepare(self, learner: "Learner", manifest: tuple[Recording, ...]) -> "Prepared":
        from studio.training.loop import Prepared

        items = {}
        for number, split in enumerate((TRAIN, REPLAY, HELD_OUT)):
            wanted = sum(one.split == split for one in manifest)
            report = self._reporter(number / 3)
            items[split] = learner.prepare(self._clips(manifest, split), report, self._stop) if wanted else []
        if not items[TRAIN]:
            raise InputRefused("learning.nothing_left", count=sum(one.split == TRAIN for one in manifest))
        return Prepared(items[TRAIN], items[REPLAY], items[HELD_OUT], self._reference(manifest))

    def _reporter(self, base: float) -> "Callable[[Preparation], None]":
        def report(done: "Preparation") -> None:
            if done.refused_id:
                facts = {"id": done.refused_id, "reason": done.reason, "facts": dict(done.facts)}
                self._emit("refused", facts)
            if time.monotonic() - self._told > _TOLD_EVERY_S or done.fraction >= 1:
                self._told = time.monotonic()
                self._emit("stage", {"name": "prepare", "fraction": round(base + done.fraction / 3, 4)})

        return report

    def _clips(self, manifest: tuple[Recording, ...], split: str) -> "Iterator[TrainingClip]":
        """Decrypted one by one, as they are asked for."""
        from studio.engines.learning import TrainingClip

        for one in manifest:
            if one.split == split:
                yield TrainingClip(one.id, one.text, one.language, self._run.read_clip(one.id))

    def _reference(self, manifest: tuple[Recording, ...]) -> "list[TrainingClip]":
        """Training recordings to speak the samples after: the longest, up to 25 s, never held-out ones."""
        longest = sorted(
            (one for one in manifest if one.split == TRAIN), key=lambda one: (-one.duration_s, one.id)
        )
        chosen: list[Recording] = []
        for one in longest:
            if not chosen or sum(each.duration_s for each in chosen) + one.duration_s <= _REFERENCE_S:
                chosen.append(one)
        return list(self._clips(tuple(chosen), TRAIN))

    def _card(self) -> Any:
        from studio.training.checkpoints import Card

        plan, facts = self._run.plan, self._run.facts
        return Card(
            0, 0, plan.engine_id, plan.method.value, 0, facts.base_model, facts.base_hash, facts.dataset_id,
            facts.dataset_hash, facts.consent_id, facts.licence,
        )  # fmt: skip

    @property
    def _device(self) -> str:
        """Of several processes each has a GPU of its own."""
        several = self._order.processes > 1 and self._order.device.startswith("cuda")
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if several else self._order.device

    def _model_files(self, model_id: str) -> Path:
        if model_id not in self._order.models:
            raise ModelMissing("models.missing", model=model_id, id=model_id)
        return Path(self._order.models[model_id])

    def _emit(self, kind: str, facts: dict[str, Any]) -> None:
        if self._log is not None:
            self._log.emit(kind, facts)
            self._lines.tell(kind, facts)

    def _asked(self) -> str:
        """What was asked by file; a signal alone (the machine shuts down) means pause."""
        return self._run.asked() or ("paused" if self._signalled else "")

    def _stop(self) -> bool:
        return bool(self._asked())

    def _on_terminate(self, number: int, frame: object) -> None:
        self._signalled = True


if __name__ == "__main__":
    sys.exit(main())
