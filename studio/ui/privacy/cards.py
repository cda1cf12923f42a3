"""Speakers and their files as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.consent.documents import DocumentView
from studio.consent.purposes import Category
from studio.consent.views import REMIND_DAYS, ConsentView
from studio.privacy.dossier import Dossier
from studio.privacy.retention import ENDED
from studio.privacy.telling import Held
from studio.ui.markup import badge, button, esc, facts
from studio.ui.voices.cards import engines_of, languages_of
from studio.ui.words import Words


@dataclass(frozen=True)
class Keeping:
    """How long a file is kept: until when as things stand, takes for how many days; what it does not cover."""

    until: str
    take_days: int | None
    import_folder: str
    imports: int


def standing(words: Words, consent: ConsentView | None) -> str:
    """The state of a speaker's consent in a word or two."""
    if consent is None:
        return badge(words("privacy.no_answer"), "warn")
    if consent.status == "granted" and consent.days_left < 0:
        return badge(words("consent.state.ended"), "bad")
    day = words.day(consent.expires_at)
    tone = {"granted": "warn" if consent.days_left < REMIND_DAYS else "good", "review": "warn"}
    state = badge(words(f"consent.state.{consent.status}", day=day), tone.get(consent.status, "bad"))
    unsigned = consent.category == Category.EMPLOYEE and not consent.documents
    return state + (badge(words("privacy.unsigned"), "bad") if unsigned else "")


def speaker_list(words: Words, rows: Sequence[tuple[Dossier, ConsentView | None]], chosen: str) -> str:
    """Everybody there is a file of; those who have withdrawn stand last, as a line."""
    if not rows:
        return f'<p class="tb-note">{esc(words("privacy.none"))}</p>'
    present = [row for row in rows if row[0].withdrawn_at is None]
    gone = [dossier for dossier, _ in rows if dossier.withdrawn_at is not None]
    cards = "".join(_speaker(words, dossier, consent, chosen) for dossier, consent in present)
    past = "".join(
        f"<tr><td><code>{esc(one.speaker_id[:12])}</code></td><td>{esc(words.moment(one.withdrawn_at or ''))}</td>"
        f"<td>{button('open', words('privacy.receipt'), id=one.speaker_id)}</td></tr>"
        for one in gone
    )
    table = (
        f"<details><summary>{esc(words('privacy.gone', n=len(gone)))}</summary>"
        f'<table class="tb-table"><tbody>{past}</tbody></table></details>'
    )
    return f'<div class="tb-cards">{cards}</div>{table if gone else ""}'


def _speaker(words: Words, dossier: Dossier, consent: ConsentView | None, chosen: str) -> str:
    name = ", ".join(dossier.voices) or words("privacy.invited")
    items = sum(held.count for held in dossier.held)
    told = f"{words('category.' + dossier.category)} · {words('privacy.items', n=items)}"
    mark = " chosen" if dossier.speaker_id == chosen else ""
    return (
        f'<article class="tb-card{mark}" aria-label="{esc(name)}"><div><h4>{esc(name)}</h4>'
        f'<p class="tb-dim">{esc(told)} · <code>{esc(dossier.speaker_id[:12])}</code></p></div>'
        f'<div class="tb-row">{standing(words, consent)}</div>'
        f'<div class="tb-row">{button("open", words("privacy.open"), id=dossier.speaker_id)}</div></article>'
    )


def reminders(words: Words, due: Sequence[ConsentView], ended_days: int | None) -> str:
    """Consents that end soon; empty where none does."""
    if not due:
        return ""
    rows = "".join(
        f"<tr><td>{esc(', '.join(view.voice_names) or view.speaker_id[:12])}</td><td>{_left(words, view)}</td>"
        f"<td>{button('open', words('privacy.open'), id=view.speaker_id)}</td></tr>"
        for view in due
    )
    then = words("privacy.erased_after", n=ended_days) if ended_days is not None else ""
    return (
        f'<section class="tb-note warn"><h4>{esc(words("privacy.ending", n=len(due), days=REMIND_DAYS))}</h4>'
        f"<p>{esc(words('privacy.ending_info'))} {esc(then)}</p>"
        f'<table class="tb-table"><tbody>{rows}</tbody></table></section>'
    )


def _left(words: Words, view: ConsentView) -> str:
    day = words.day(view.expires_at)
    if view.days_left < 0:
        return badge(words("privacy.ended_on", day=day), "bad")
    return badge(words("privacy.ends_in", n=view.days_left, day=day), "warn")


def speaker_file(
    words: Words,
    dossier: Dossier,
    consents: Sequence[ConsentView],
    papers: Sequence[DocumentView],
    keeping: Keeping,
) -> str:
    """One speaker's file: who, why, what, where, until when."""
    name = ", ".join(dossier.voices) or words("privacy.invited")
    who = {
        words("privacy.name"): esc(dossier.name or "–"),
        words("privacy.contact"): esc(dossier.contact or "–"),
        words("enrol.category"): esc(words(f"category.{dossier.category}")),
        words("consent.speaker"): f"<code>{esc(dossier.speaker_id)}</code>",
        words("privacy.since"): esc(words.day(dossier.created_at)),
        words("consent.word"): standing(words, consents[0] if consents else None),
    }
    return (
        f'<section class="tb-card" id="privacy-file" aria-label="{esc(name)}"><h3>{esc(name)}</h3>{facts(who)}'
        f"<h4>{esc(words('privacy.held'))}</h4>{_held(words, dossier, keeping)}"
        f"<h4>{esc(words('privacy.consents'))}</h4>{_consents(words, consents)}"
        f"<h4>{esc(words('privacy.papers'))}</h4>{_papers(words, dossier, papers)}"
        f"<h4>{esc(words('privacy.rights'))}</h4>{_rights(words, dossier)}</section>"
    )


def _held(words: Words, dossier: Dossier, keeping: Keeping) -> str:
    head = "".join(
        f"<th>{esc(words(f'privacy.col.{c}'))}</th>" for c in ("what", "count", "where", "why", "until")
    )
    rows = "".join(_held_row(words, keeping, held) for held in dossier.held)
    return (
        f'<div class="tb-scroll"><table class="tb-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_not_covered(words, keeping)}"
    )


def _not_covered(words: Words, keeping: Keeping) -> str:
    if not keeping.imports:
        return ""
    told = words("privacy.not_covered", folder=keeping.import_folder, n=keeping.imports)
    return f'<p class="tb-note warn">{esc(told)}</p>'


def _held_row(words: Words, keeping: Keeping, held: Held) -> str:
    what = words.maybe(f"privacy.kind.{held.kind}", words.maybe(f"asset.{held.kind}", held.kind))
    size = f"<small> {esc(_size(words, held.size_bytes))}</small>" if held.size_bytes else ""
    until = _until(words, keeping, held)
    why = words.maybe(f"privacy.why.{held.kind}", words("privacy.why.other"))
    return (
        f"<tr><td>{esc(what)}</td><td>{held.count}{size}</td><td>{esc(words(f'privacy.where.{held.where}'))}</td>"
        f"<td>{esc(why)}</td><td>{esc(until)}</td></tr>"
    )


def _until(words: Words, keeping: Keeping, held: Held) -> str:
    if held.kind in ("take", "text") and keeping.take_days is not None:
        return words("privacy.until_take", n=keeping.take_days)
    return words.day(keeping.until) if keeping.until else words("privacy.until_never")


def _size(words: Words, count: int) -> str:
    return words.megabytes(count) if count >= 10**6 else f"{max(1, round(count / 1000))} kB"


def _consents(words: Words, consents: Sequence[ConsentView]) -> str:
    if not consents:
        return f'<p class="tb-dim">{esc(words("privacy.no_answer"))}</p>'
    return f'<div class="tb-list">{"".join(_consent(words, view) for view in consents)}</div>'


def _consent(words: Words, view: ConsentView) -> str:
    purposes = ", ".join(words(f"purpose.{purpose}") for purpose in view.purposes)
    rows = {
        words("consent.purposes"): esc(purposes),
        words("consent.given"): esc(words.day(view.granted_at)),
        words("privacy.ends"): esc(words.day(view.expires_at)),
        words("consent.engines"): esc(engines_of(words, view)),
        words("consent.languages"): esc(languages_of(words, view)),
        words("privacy.bound"): esc(view.samples),
        words("review.wer"): "–" if view.statement_wer is None else esc(words.percent(view.statement_wer)),
        words("review.likeness"): "–"
        if view.speaker_score is None
        else esc(words.number(view.speaker_score)),
    }
    title = words("privacy.version", n=view.version)
    lone = badge(words("consent.self_approved"), "warn") if view.self_approved else ""
    return (
        f"<details><summary>{esc(title)} {standing(words, view)}{lone}</summary>{facts(rows)}"
        f'<p class="tb-dim">{esc(view.statement)}</p></details>'
    )


def _papers(words: Words, dossier: Dossier, papers: Sequence[DocumentView]) -> str:
    needed = "" if papers or dossier.category != Category.EMPLOYEE else words("privacy.paper_needed")
    note = f'<p class="tb-note warn">{esc(needed)}</p>' if needed else ""
    rows = "".join(
        f'<div class="tb-row"><a class="tb-btn" href="/privacy/document/{esc(paper.id)}" download>'
        f"{esc(words('privacy.download'))}</a><span>{esc(paper.media_type)} · "
        f"{esc(_size(words, paper.size_bytes))} · {esc(words.day(paper.created_at))}</span>"
        f'<code class="tb-dim">SHA-256 {esc(paper.sha256[:16])}…</code></div>'
        for paper in papers
    )
    none = f'<p class="tb-dim">{esc(words("privacy.no_papers"))}</p>'
    return note + (rows or ("" if note else none))


def _rights(words: Words, dossier: Dossier) -> str:
    sure = words("voices.withdraw_sure")
    gone = button("withdraw", words("voices.withdraw"), kind="risk", confirm=sure, id=dossier.speaker_id)
    link = button("link", words("privacy.link"), id=dossier.speaker_id) if dossier.voices else ""
    return (
        f'<p class="tb-dim">{esc(words("privacy.rights_info"))}</p><div class="tb-row">'
        f'<a class="tb-btn" id="privacy-export" href="/privacy/file/{esc(dossier.speaker_id)}" download>'
        f"{esc(words('privacy.export'))}</a>{link}{gone}</div>"
    )


def link_card(words: Words, link: str) -> str:
    """A speaker's link, shown this once."""
    return (
        f'<section class="tb-note good" role="status"><h4>{esc(words("privacy.link_made"))}</h4>'
        f"<p>{esc(words('privacy.link_info'))}</p>"
        f'<input id="speaker-link" class="tb-link" readonly aria-label="{esc(words("privacy.link"))}" '
        f'value="{esc(link)}"><div class="tb-row"><button type="button" class="tb-btn go" '
        f'data-copy="speaker-link" data-copied="{esc(words("listen.copied"))}">{esc(words("listen.copy"))}</button>'
        f'<a class="tb-btn" href="{esc(link)}" target="_blank" rel="noopener">{esc(words("privacy.link_open"))}</a>'
        "</div></section>"
    )


def rule_text(words: Words, kind: str, due: int) -> str:
    """What a retention rule removes, and how much is over its time now."""
    told = words(f"retention.{kind}_info")
    now = words("retention.due", n=due)
    warn = " warn" if due and kind == ENDED else ""
    return f'<p class="tb-dim">{esc(told)}</p><p><span class="tb-badge{warn}">{esc(now)}</span></p>'
