"""`app.py jobs`: the queue, its history, and what can be done with a job."""

from __future__ import annotations

import argparse
from pathlib import Path
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
        ("cancel", "end a job for good", ask), ("delete", "remove an ended job, or an adapter", remove),
    ):  # fmt: skip
        one = actions.add_parser(name, help=about)
        one.add_argument("job_id")
        one.set_defaults(run=handler)
    use = actions.add_parser("use", help="make a checkpoint an adapter of its voice")
    use.add_argument("checkpoint_id")
    use.set_defaults(run=take)
    for name, about, handler in (
        ("export", "write an adapter to a file, its card inside", export),
        ("merge", "write the whole model with an adapter merged into a new folder", merge),
    ):
        one = actions.add_parser(name, help=about)
        one.add_argument("adapter_id")
        one.add_argument("out", type=Path)
        one.set_defaults(run=handler)
    naming = actions.add_parser("rename", help="give an adapter another name")
    naming.add_argument("adapter_id")
    naming.add_argument("name")
    naming.set_defaults(run=rename)
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
    }[given.action](terminal.actor, given.job_id)
    if given.action == "resume" and not training.supervised():
        follow(terminal, given.job_id)
        return
    terminal.say(f"{given.job_id}: {given.action} asked")


def remove(terminal: Terminal, given: argparse.Namespace) -> None:
    training, wanted = terminal.studio.training, given.job_id
    (training.adapters if wanted.startswith("adp_") else training).delete(terminal.actor, wanted)
    terminal.say(f"{wanted}: deleted")


def export(terminal: Terminal, given: argparse.Namespace) -> None:
    data, _type, _name = terminal.studio.training.exports.adapter(terminal.actor, given.adapter_id)
    given.out.write_bytes(data)
    terminal.say(f"{given.out}: {len(data)} bytes")


def merge(terminal: Terminal, given: argparse.Namespace) -> None:
    folder = terminal.studio.training.exports.merged_folder(terminal.actor, given.adapter_id, given.out)
    terminal.say(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


def rename(terminal: Terminal, given: argparse.Namespace) -> None:
    adapter = terminal.studio.training.adapters.rename(terminal.actor, given.adapter_id, given.name)
    terminal.say(f"{adapter.id}: {adapter.name}")


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
