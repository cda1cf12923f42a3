"""Batches: many lines to takes, and takes to a zip."""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from studio.db.tables import new_id
from studio.errors import Cancelled, InputRefused, NotFound, StudioError
from studio.privacy.access import Actor, Permission
from studio.synthesis.requests import SynthesisRequest, Take
from studio.synthesis.service import SynthesisService
from studio.synthesis.takes import BatchView, audio_format
from studio.work.live import Live, LiveBoard

MOST_ROWS = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class BatchRow:
    """One line: the text and the file name it gets in the zip."""

    name: str
    text: str


@dataclass(frozen=True)
class BatchEvent:
    """How far a batch has come; `trouble` is why the last line failed, if it did. A take that is `cached` was
    not made again: the phrase was known.
    """

    batch_id: str
    done: int
    total: int
    take: Take | None = None
    trouble: str = ""


def rows_of(text: str) -> list[BatchRow]:
    """Read pasted lines, or a CSV with a column ``text`` (and perhaps ``name``).

    Raises InputRefused when there is nothing to say or more than MOST_ROWS lines.
    """
    head = text.lstrip("\ufeff \n").splitlines()[:1]
    columns = [c.strip().strip('"').lower() for c in head[0].replace(";", ",").split(",")] if head else []
    rows = _from_csv(text) if "text" in columns else _from_lines(text)
    if not rows:
        raise InputRefused("synthesis.no_rows")
    if len(rows) > MOST_ROWS:
        raise InputRefused("synthesis.too_many_rows", rows=len(rows), most=MOST_ROWS)
    return rows


def _from_lines(text: str) -> list[BatchRow]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [BatchRow(f"{number:04d}", line) for number, line in enumerate(lines, 1)]


def _from_csv(text: str) -> list[BatchRow]:
    text = text.lstrip("\ufeff \n")
    delimiter = ";" if ";" in text.splitlines()[0] else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    rows = [
        {(k or "").strip().lower(): v or "" for k, v in row.items() if isinstance(v, str)} for row in reader
    ]
    spoken = [(row.get("name", ""), row["text"].strip()) for row in rows if row.get("text", "").strip()]
    return [
        BatchRow(safe_name(name) or f"{number:04d}", said) for number, (name, said) in enumerate(spoken, 1)
    ]


def safe_name(name: str) -> str:
    """A file name made of letters, digits, dot, dash and underscore; never a path, never hidden."""
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in name.strip())
    return kept.lstrip(".")[:80]


class BatchService:
    """Runs batches through the same queue as previews, so that neither starves the other."""

    def __init__(self, synthesis: SynthesisService) -> None:
        self._synthesis = synthesis
        self._board: LiveBoard[BatchEvent] = LiveBoard()

    def start(self, actor: Actor, rows: list[BatchRow], template: SynthesisRequest) -> Live[BatchEvent]:
        """Check every line first (InputRefused names the line), then make the takes in order.

        Phrases that are known come from the phrase cache, unless the template asks for `fresh` ones.
        """
        actor.require(Permission.VOICES)
        for number, row in enumerate(rows, 1):
            try:
                self._synthesis.prepare(row.text, template.language, template.engine_id)
            except StudioError as error:
                reason = error.text(actor.language)
                raise InputRefused("synthesis.row", row=number, reason=reason) from error
        batch_id = new_id("bat")
        live = self._board.add(Live[BatchEvent](actor.account_id))
        return live.start(lambda work: self._work(work, actor, batch_id, rows, template), "batch")

    def find(self, actor: Actor, token: str) -> Live[BatchEvent]:
        return self._board.find(actor.account_id, token)

    def running(self, actor: Actor) -> list[Live[BatchEvent]]:
        """The actor's batches that have not ended, oldest first."""
        return self._board.running(actor.account_id)

    def _work(
        self,
        live: Live[BatchEvent],
        actor: Actor,
        batch_id: str,
        rows: list[BatchRow],
        template: SynthesisRequest,
    ) -> None:
        live.publish(BatchEvent(batch_id, 0, len(rows)))
        for done, row in enumerate(rows, 1):
            live.check()
            request = replace(template, text=row.text, batch_id=batch_id, batch_name=row.name)
            preview = self._synthesis.preview(actor, request)
            try:
                for event in preview.events():
                    if live.should_stop():
                        preview.cancel()
                    if event.stage == "stored":
                        cached = event.take is not None and event.take.cached
                take = replace(preview.take(), cached=cached)
                live.publish(BatchEvent(batch_id, done, len(rows), take))
            except Cancelled:
                raise
            except StudioError as error:
                live.publish(BatchEvent(batch_id, done, len(rows), trouble=error.text(actor.language)))

    def finished(self, actor: Actor) -> list[BatchView]:
        """The actor's batches that have ended and of which takes are still here, newest first."""
        begun = (live.latest for live in self.running(actor))
        running = {event.batch_id for event in begun if event is not None}
        return [view for view in self._synthesis.takes.batches(actor) if view.id not in running]

    def zip(self, actor: Actor, batch_id: str, format_name: str = "wav") -> Iterator[bytes]:
        """The batch as a zip, made as it is read: the clips and ``batch.csv``; NotFound when it is empty."""
        takes = self._synthesis.takes.of_batch(actor, batch_id)
        if not takes:
            raise NotFound("synthesis.unknown")
        suffix = audio_format(format_name).suffix
        return self._zipped(actor, takes, format_name, suffix)

    def _zipped(self, actor: Actor, takes: list[Take], format_name: str, suffix: str) -> Iterator[bytes]:
        sink = _Drain()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
            names = _unique_names(takes, suffix)
            for take, name in zip(takes, names, strict=True):
                archive.writestr(name, self._synthesis.audio(actor, take.id, format_name)[0])
                yield sink.drain()
            archive.writestr("batch.csv", _manifest(takes, names))
        yield sink.drain()


class _Drain(io.RawIOBase):
    """A file that can only be written; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._buffer += piece
        return len(piece)

    def drain(self) -> bytes:
        piece = bytes(self._buffer)
        self._buffer.clear()
        return piece


def _unique_names(takes: list[Take], suffix: str) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for number, take in enumerate(takes, 1):
        stem = take.batch_name or f"{number:04d}"
        seen[stem] = seen.get(stem, 0) + 1
        names.append(f"{stem}{suffix}" if seen[stem] == 1 else f"{stem}_{seen[stem]}{suffix}")
    return names


def _manifest(takes: list[Take], names: list[str]) -> str:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(
        ["file", "text", "voice", "engine", "duration_s", "rtf", "similarity", "predicted_mos", "wer"]
    )
    for take, name in zip(takes, names, strict=True):
        scores = ("" if s is None else round(s, 4) for s in (take.similarity, take.predicted_mos, take.wer))
        words = (neutral(name), neutral(take.text), neutral(take.voice_name), take.engine_id)
        writer.writerow([*words, round(take.duration_s, 3), round(take.rtf, 4), *scores])
    return sheet.getvalue()


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return "'" + cell if cell.startswith(_FORMULA) else cell
