"""The record of processing activities (GDPR Art. 30), from the words of a language and what the studio holds now."""

import csv
import io
from dataclasses import dataclass
from typing import Protocol

from studio.errors import LANGUAGES
from studio.privacy.access import Actor, Permission
from studio.privacy.dossier import DossierDesk
from studio.privacy.retention import ENDED, TAKE, RetentionDesk
from studio.privacy.uncovered import outside
from studio.settings import Settings
from studio.synthesis.batch import neutral
from studio.ui.markup import esc
from studio.ui.words import Words

ACTIVITIES = ("consent", "cloning", "training", "evaluation", "listening", "accounts")
COLUMNS = ("activity", "purpose", "basis", "subjects", "data", "recipients", "transfers", "limit", "security")


class Kept(Protocol):
    """What the record is drawn up from: the studio, as far as it goes."""

    @property
    def settings(self) -> Settings: ...
    @property
    def retention(self) -> RetentionDesk: ...
    @property
    def dossiers(self) -> DossierDesk: ...


@dataclass(frozen=True)
class ProcessingRecord:
    """Rows in the order of COLUMNS, under the controller's name."""

    controller: str
    rows: tuple[tuple[str, ...], ...]


def processing_record(studio: Kept, actor: Actor, words: Words) -> ProcessingRecord:
    """The record as it stands today; NotPermitted without the review permission."""
    actor.require(Permission.REVIEW)
    organisation = studio.settings.organisation or words("privacy.controller_unnamed")
    limits = {kind: studio.retention.days(kind) for kind in (TAKE, ENDED)}
    speakers = [one for one in studio.dossiers.speakers(actor) if one.withdrawn_at is None]
    facts = {
        "speakers": len(speakers), "organisation": organisation, "ended": _days(words, limits[ENDED]),
        "takes": _days(words, limits[TAKE]), "imports": len(outside(studio.settings.import_folder)),
    }  # fmt: skip
    return ProcessingRecord(
        organisation,
        tuple(
            tuple(words(f"record.{activity}.{column}", **facts) for column in COLUMNS)
            for activity in ACTIVITIES
        ),
    )


def _days(words: Words, days: int | None) -> str:
    return words("privacy.no_limit") if days is None else words("privacy.n_days", n=days)


def record_csv(studio: Kept, actor: Actor, language: str) -> bytes:
    """The record as CSV in UTF-8, with a mark that spreadsheets know it by; no cell is taken for a formula."""
    words = Words(language if language in LANGUAGES else actor.language)
    record = processing_record(studio, actor, words)
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow([words("record.controller"), neutral(record.controller)])
    writer.writerow([words(f"record.column.{column}") for column in COLUMNS])
    writer.writerows([neutral(cell) for cell in row] for row in record.rows)
    return ("\ufeff" + sheet.getvalue()).encode()


def record_table(words: Words, record: ProcessingRecord) -> str:
    """The record as cards: nine columns fit no page."""
    cards = "".join(_activity(words, row) for row in record.rows)
    head = f"<b>{esc(words('record.controller'))}</b>: {esc(record.controller)}"
    link = f"/privacy/record.csv?language={words.language}"
    return (
        f'<div class="tb-row"><p>{head}</p>'
        f'<a class="tb-btn" href="{link}" download>{esc(words("record.csv"))}</a></div>'
        f'<div class="tb-cards">{cards}</div>'
    )


def _activity(words: Words, row: tuple[str, ...]) -> str:
    facts = "".join(
        f"<div><dt>{esc(words(f'record.column.{column}'))}</dt><dd>{esc(cell)}</dd></div>"
        for column, cell in zip(COLUMNS[1:], row[1:], strict=True)
    )
    return f'<article class="tb-card"><h4>{esc(row[0])}</h4><dl class="tb-processing">{facts}</dl></article>'
