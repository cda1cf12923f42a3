"""`app.py train`: forecast a training, launch it, and follow it with a bar."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.terminal.common import Bar, Terminal
    from studio.training.forms import JobView, LaunchRequest, Progress

EVERY_S = 0.5


def declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("voice", help="voice:<id> or its id (see `voices list`)")
    parser.add_argument("dataset", nargs="?", help="dataset id; default: the voice's newest")
    parser.add_argument("--engine", default="kokoro", help="engine to train (default: kokoro)")
    parser.add_argument("--preset", choices=("quick", "quality", "full"), default="quick")
    parser.add_argument(
        "--method", choices=("lora", "bottleneck", "full", "style"), help="another kind of training"
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="a setting of the plan, e.g. epochs=3; repeatable",
    )
    parser.add_argument(
        "--replay", action="append", metavar="DATASET", default=[],
        help="a dataset in another language whose sentences take turns (with --set replay_share=0.1); repeatable",
    )  # fmt: skip
    parser.add_argument("--forecast", action="store_true", help="say what it would take, and stop there")
    parser.add_argument(
        "--detach", action="store_true", help="queue it for the studio that serves; do not wait"
    )
    parser.set_defaults(run=run)


def run(terminal: Terminal, given: argparse.Namespace) -> None:
    request = _request(terminal, given)
    terminal.say(_forecast(terminal, request))
    if given.forecast:
        return
    job_id = terminal.studio.training.submit(terminal.actor, request)
    terminal.say(f"{job_id}: queued")
    if not given.detach:
        follow(terminal, job_id)


def _request(terminal: Terminal, given: argparse.Namespace) -> LaunchRequest:
    from dataclasses import fields, replace

    from studio.terminal.common import options_of
    from studio.training.forms import LaunchRequest
    from studio.training.plan import Method, Precision, TrainingPlan
    from studio.training.presets import OWN, preset_plan

    studio, actor = terminal.studio, terminal.actor
    voice_id = given.voice.removeprefix("voice:")
    datasets = studio.datasets.list(actor, studio.voices.view(actor, voice_id).id)
    dataset_id = given.dataset or (datasets[0].id if datasets else "")
    if not dataset_id:
        raise ValueError("the voice has no dataset: `app.py datasets` makes one")
    dataset = studio.datasets.view(actor, dataset_id)
    plan = preset_plan(studio.engines.spec(given.engine), given.preset, dataset.language)
    changes = dict(options_of(given.set))
    if unknown := changes.keys() - {one.name for one in fields(TrainingPlan)}:
        valid = ", ".join(one.name for one in fields(TrainingPlan))
        raise ValueError(f"unknown settings {', '.join(sorted(unknown))}; the valid ones are {valid}")
    if given.method:
        changes.setdefault("method", given.method)
    if changes:
        plan = replace(plan, **changes, preset=OWN)  # type: ignore[arg-type]
        plan = replace(plan, method=Method(plan.method), precision=Precision(plan.precision))
    return LaunchRequest(voice_id, dataset_id, plan, tuple(given.replay))


def _forecast(terminal: Terminal, request: LaunchRequest) -> str:
    found = terminal.studio.training.predict(terminal.actor, request)
    memory, disk = (f"{size / 1e9:.1f} GB of {free / 1e9:.1f} GB" for size, free in (
        (found.memory_bytes, found.memory_free), (found.disk_bytes, found.disk_free),
    ))  # fmt: skip
    advice = "".join(f"\n  advice: {one.key} {dict(one.facts)}" for one in found.advice)
    return (
        f"{found.verdict.value}: {found.steps} steps, memory {memory}, disk {disk}, "
        f"about {found.seconds / 60:.0f} min ({'measured here' if found.measured else 'estimated'}){advice}"
    )


def follow(terminal: Terminal, job_id: str) -> None:
    """A bar until the job ends; looked after by this process where no other does.

    Ctrl+C pauses a job that this process looks after; otherwise it only stops watching.
    """
    training = terminal.studio.training
    training.supervisor.start()
    with terminal.bar("waiting") as bar:
        try:
            seen = _until_ended(terminal, job_id, bar)
        except KeyboardInterrupt:
            if not training.supervisor.at_work:
                terminal.say(f"{job_id} trains on; `app.py jobs follow {job_id}` shows it again")
                raise
            training.pause(terminal.actor, job_id)
            seen = _until_ended(terminal, job_id, bar)
    terminal.say(ending(terminal, seen.job))
    show_checkpoints(terminal, seen)


def _until_ended(terminal: Terminal, job_id: str, bar: Bar) -> Progress:
    while True:
        seen = terminal.studio.training.progress(terminal.actor, job_id)
        bar.move(seen.job.progress, _label(seen))
        if not seen.job.state.live:
            return seen
        time.sleep(EVERY_S)


def _label(seen: Progress) -> str:
    job = seen.job
    if job.state.value == "queued":
        return f"{job.ahead} before it"
    loss = "" if seen.curves.loss is None else f" loss {seen.curves.loss:.4f}"
    left = "" if seen.eta_s is None else f" {seen.eta_s / 60:.0f} min left"
    return f"{seen.curves.stage or job.stage} {job.step}/{job.steps}{loss}{left}"


def ending(terminal: Terminal, job: JobView) -> str:
    told = job.trouble(terminal.language)
    adapter = f", adapter {job.adapter_id}" if job.adapter_id else ""
    return f"{job.id}: {job.state.value} at step {job.step}/{job.steps}{adapter}" + (
        f"\n{told}" if told else ""
    )


def show_checkpoints(terminal: Terminal, seen: Progress) -> None:
    names = ("wer", "similarity", "mos", "mcd", "held_out_loss")
    shown = [name for name in names if any(name in row.scores for row in seen.checkpoints)]
    rows = [
        (
            row.id, "zero-shot" if row.step == 0 else str(row.step) + (" *" if row.best else ""),
            *(f"{row.scores[name]:.3f}" if name in row.scores else "-" for name in shown),
        )
        for row in seen.checkpoints
    ]  # fmt: skip
    terminal.table("checkpoint", "step", *shown, rows=rows)
