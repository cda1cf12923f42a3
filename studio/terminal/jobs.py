"""`app.py jobs`: the queue, its history, and what can be done with a job."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from studio.terminal.train import ending, follow, show_checkpoints

if TYPE_CHECKING:
    from studio.terminal.common import Terminal


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="running, waiting and ended jobs").set_defaults(run=show)
    for name, about, handler in (
        ("show", "a job with its checkpoints and scores", detail), ("follow", "watch a job with a bar", watch),
        ("pause", "stop at the next step, to be resumed", ask), ("resume", "go on from the last checkpoint", ask),
        ("cancel", "end a job for good", ask), ("delete", "remove an ended job", ask),
    ):  # fmt: skip
        one = actions.add_parser(name, help=about)
        one.add_argument("job_id")
        one.set_defaults(run=handler)
    use = actions.add_parser("use", help="make a checkpoint an adapter of its voice")
    use.add_argument("checkpoint_id")
    use.set_defaults(run=take)
    adapters = actions.add_parser("adapters", help="a voice's adapters; clone with one by --adapter")
    adapters.add_argument("voice")
    adapters.set_defaults(run=trained)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    rows = [
        (
            j.id,
            j.state.value,
            f"{j.step}/{j.steps}",
            j.voice_name,
            j.engine_id,
            j.plan.method.value,
            j.created_at[:16],
        )
        for j in terminal.studio.training.jobs(terminal.actor)
    ]
    terminal.table("job", "state", "step", "voice", "engine", "method", "queued", rows=rows)


def detail(terminal: Terminal, given: argparse.Namespace) -> None:
    seen = terminal.studio.training.progress(terminal.actor, given.job_id)
    terminal.say(ending(terminal, seen.job))
    show_checkpoints(terminal, seen)


def watch(terminal: Terminal, given: argparse.Namespace) -> None:
    terminal.studio.training.job(terminal.actor, given.job_id)
    follow(terminal, given.job_id)


def ask(terminal: Terminal, given: argparse.Namespace) -> None:
    training = terminal.studio.training
    {
        "pause": training.pause,
        "resume": training.resume,
        "cancel": training.cancel,
        "delete": training.delete,
    }[given.action](terminal.actor, given.job_id)
    if given.action == "resume" and not training.supervised():
        follow(terminal, given.job_id)
        return
    terminal.say(f"{given.job_id}: {given.action} asked")


def take(terminal: Terminal, given: argparse.Namespace) -> None:
    adapter = terminal.studio.training.use(terminal.actor, given.checkpoint_id)
    terminal.say(f"{adapter.id}: {adapter.name}, step {adapter.step}, {adapter.size_bytes / 1e6:.1f} MB")


def trained(terminal: Terminal, given: argparse.Namespace) -> None:
    found = terminal.studio.training.adapters.of_voice(terminal.actor, given.voice.removeprefix("voice:"))
    rows = [
        (
            a.id,
            a.name,
            a.engine_id,
            a.method.value,
            str(a.step),
            f"{a.size_bytes / 1e6:.1f} MB",
            a.created_at[:16],
        )
        for a in found
    ]
    terminal.table("adapter", "name", "engine", "method", "step", "size", "made", rows=rows)
