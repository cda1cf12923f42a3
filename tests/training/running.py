"""Makes run folders and runs the real child process on them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from studio.audio.clip import AudioClip
from studio.training.plan import Method, TrainingPlan
from studio.training.run_folder import (
    HELD_OUT,
    TRAIN,
    Order,
    Recording,
    RunFacts,
    RunFolder,
    SampleSentence,
)
from studio.training.worker import Worker
from tests.training.learners import KILL_AT

ROOT = Path(__file__).resolve().parents[2]
KEY = bytes(range(32))


def plan(**changes: Any) -> TrainingPlan:
    given: dict[str, Any] = {
        "engine_id": "line", "method": Method.LORA, "language": "it", "epochs": 5, "learning_rate": 0.05,
        "batch_size": 2, "checkpoint_every": 5, "warmup_steps": 2,
    }  # fmt: skip
    return TrainingPlan(**given | changes)


def noise(seconds: float, seed: int, rate: int = 16_000) -> AudioClip:
    generator = np.random.default_rng(seed)
    return AudioClip(0.1 * generator.standard_normal(int(seconds * rate)).astype(np.float32), rate)


def make_run(
    root: Path, wanted: TrainingPlan, learner: str = "LineLearner", clips: int = 8, held_out: int = 2
) -> RunFolder:
    facts = RunFacts("job_1", f"tests.training.learners:{learner}", "dat_1", "d" * 64, "base", "b" * 64)
    run = RunFolder.create(root, KEY, wanted, facts)
    rows = []
    for number in range(clips + held_out):
        clip = noise(1.0 + 0.1 * number, number)
        split = TRAIN if number < clips else HELD_OUT
        rows.append(Recording(f"utt_{number}", f"Frase numero {number}.", "it", split, clip.duration_s))
        run.write_clip(f"utt_{number}", clip)
    run.write_manifest(rows)
    run.write_samples([SampleSentence("Buongiorno.", "it"), SampleSentence("Frase numero 9.", "it", "utt_9")])
    return run


def here(run: RunFolder, models: dict[str, str] | None = None) -> int:
    """Run the worker in this process: the same code without the seconds torch takes to load."""
    return Worker(run, Order(run.key, models or {}, "cpu", 1)).work()


def child(run: RunFolder, kill_at: int = 0, models: dict[str, str] | None = None, processes: int = 1) -> int:
    """Run the worker to its end; its exit code."""
    order = Order(run.key, models or {}, "cpu", 1, processes)
    environment = os.environ | ({KILL_AT: str(kill_at)} if kill_at else {})
    process = subprocess.run(
        [sys.executable, "-m", "studio.training.worker", str(run.root)],
        input=order.line().encode(),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=120,
    )
    run.log_file.touch(mode=0o600)
    run.log_file.write_bytes(process.stderr)
    return process.returncode


def events(run: RunFolder, kind: str = "") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in run.events_file.read_text().splitlines()]
    return [line for line in lines if not kind or line["kind"] == kind]


def losses(run: RunFolder) -> dict[int, float]:
    """The newest loss of each step, as a reader keeps them."""
    return {event["step"]: event["loss"] for event in events(run, "step")}
