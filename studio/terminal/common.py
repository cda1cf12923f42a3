"""What every command shares: the studio, the actor, and the screen."""

import locale
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from studio.bootstrap import Studio, build_studio
from studio.errors import InputRefused, StudioError
from studio.privacy.access import Actor
from studio.settings import Settings, load_settings


class Terminal:
    """The studio as whoever sits at the machine sees it: an administrator."""

    def __init__(self, storage: Path | None) -> None:
        self._storage = storage
        self._opened: Studio | None = None
        self.screen = Console(soft_wrap=True)
        if not self.screen.is_terminal:
            self.screen.width = 160  # tables into files and pipes keep their columns
        self.complaints = Console(stderr=True, soft_wrap=True)

    @cached_property
    def settings(self) -> Settings:
        return load_settings(**({"storage": self._storage} if self._storage else {}))

    @property
    def studio(self) -> Studio:
        if self._opened is None:
            self._opened = build_studio(self.settings)
        return self._opened

    @cached_property
    def actor(self) -> Actor:
        account = self.studio.accounts.ensure_administrator()
        return self.studio.accounts.actor_of(account.id)

    @cached_property
    def language(self) -> str:
        return "it" if (locale.getlocale()[0] or "").startswith("it") else "en"

    def say(self, text: str) -> None:
        self.screen.print(text, markup=False, highlight=False)

    def explain(self, error: Exception) -> None:
        text = error.text(self.language) if isinstance(error, StudioError) else str(error)
        self.complaints.print(text, style="red", markup=False, highlight=False)

    def table(self, *columns: str, rows: Iterable[tuple[str, ...]]) -> None:
        table = Table(*columns, box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        self.screen.print(table)

    @contextmanager
    def bar(self, label: str) -> Iterator["Bar"]:
        """A progress bar from 0 to 1."""
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        with Progress(*columns, TimeElapsedColumn(), console=self.complaints) as progress:
            yield Bar(progress, label)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


class Bar:
    """One line with a bar; `move` sets how far it has come and what it says."""

    def __init__(self, progress: Progress, label: str) -> None:
        self._progress = progress
        self._task = progress.add_task(label, total=1.0)

    def move(self, fraction: float, label: str | None = None) -> None:
        self._progress.update(self._task, completed=fraction, description=label)


def options_of(pairs: list[str] | None) -> Mapping[str, object]:
    """Read ``name=value`` arguments; numbers and true/false are recognised. ValueError for anything else."""
    import json

    options: dict[str, object] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"{pair!r} is not of the form name=value")
        try:
            options[name] = json.loads(value)
        except json.JSONDecodeError:
            options[name] = value
    return options


def cloner_of(terminal: Terminal, language: str, *, commercial: bool = False) -> str:
    """The id of the engine to clone with unless one is named; InputRefused when none is ready."""
    engine = terminal.studio.choices.cloner(language, commercial=commercial)
    if engine is None:
        raise InputRefused("synthesis.no_engine")
    return engine.id
