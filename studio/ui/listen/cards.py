"""Tests as HTML: the list, one test with its link, what somebody may take part in."""

from studio.listening.forms import ListeningView
from studio.listening.kinds import Kind, Role
from studio.ui.markup import badge, bar, button, empty, esc, facts
from studio.ui.words import Words

TONES = {"making": "warn", "ready": "", "open": "good", "closed": ""}


def progress_card(words: Words, done: int, total: int) -> str:
    """The batch on its way."""
    told = words("listen.making", done=done, total=total)
    inside = bar(done / total if total else 0, told, waiting=not done)
    return f'<div class="tb-card" role="status" id="listen-making"><p>{esc(told)}</p>{inside}</div>'


def checking_card(words: Words) -> str:
    """While recordings are compared with the sentences, before anything is stored."""
    told = words("listen.checking")
    return f'<div class="tb-card" role="status"><p>{esc(told)}</p>{bar(0, told, waiting=True)}</div>'


def test_list(words: Words, views: list[ListeningView], chosen: str) -> str:
    """The owner's tests, newest first."""
    if not views:
        return empty(words("listen.empty_title"), words("listen.empty_text"))
    rows = "".join(_row(words, view, view.id == chosen) for view in views)
    return f'<h3>{esc(words("listen.tests"))}</h3><div class="tb-list">{rows}</div>'


def _row(words: Words, view: ListeningView, chosen: bool) -> str:
    told = words("listen.counts", listeners=view.listeners, finished=view.finished, ratings=view.ratings)
    return (
        f'<article class="tb-card{" chosen" if chosen else ""}" data-test="{esc(view.id)}"><div class="tb-row">'
        f"<b>{esc(view.name)}</b>{badge(words(f'listen.kind.{view.kind}'))}{state_badge(words, view)}"
        f'<span class="tb-dim">{esc(told)} · {esc(words.moment(view.created_at))}</span>'
        f"{button('choose', words('listen.choose'), id=view.id)}</div></article>"
    )


def state_badge(words: Words, view: ListeningView) -> str:
    if view.status == "open" and view.revoked:
        return badge(words("listen.status.revoked"), "warn")
    return badge(words(f"listen.status.{view.status}"), TONES[view.status])


def detail(words: Words, view: ListeningView, address: str, making: bool) -> str:
    """What the test is, and what can be done with it now."""
    return (
        f'<section class="tb-card" id="listen-detail" aria-label="{esc(view.name)}">'
        f'<div class="tb-row"><h3>{esc(view.name)}</h3>{state_badge(words, view)}</div>'
        f"{_facts(words, view)}{_doubts(words, view)}{_step(words, view, address, making)}"
        f"{_ending(words, view, making)}</section>"
    )


def door(token: str, label: str, *, kind: str = "", elem_id: str = "") -> str:
    """A link to the listeners' page, in a window of its own."""
    named = f' id="{esc(elem_id)}"' if elem_id else ""
    return (
        f'<a class="tb-btn {kind}"{named} href="/listen/{esc(token)}" target="_blank" rel="noopener">'
        f"{esc(label)}</a>"
    )


def options(labels: dict[str, str], chosen: str) -> str:
    """The options of a select."""
    return "".join(
        f'<option value="{esc(value)}"{" selected" if value == chosen else ""}>{esc(label)}</option>'
        for value, label in labels.items()
    )


def _facts(words: Words, view: ListeningView) -> str:
    fixed = view.configuration
    level = (
        words("listen.unlevelled")
        if fixed.level_lufs is None
        else f"{words.number(fixed.level_lufs, 0)} LUFS"
    )
    rows = {
        words("listen.type"): esc(words(f"listen.kind.{view.kind}")),
        words("listen.systems"): esc(", ".join(_named(words, s.name, s.role) for s in view.systems)),
        words("listen.sentences"): esc(len(fixed.items)),
        words("listen.pages"): esc(view.pages),
        words("listen.level"): esc(level),
        words("listen.hash"): f"<code>{esc(view.config_hash[:12])}</code>",
    }
    if view.kind is Kind.AB:
        rows[words("listen.ties")] = esc(words(f"listen.tie.{fixed.tie_rule}"))
    return facts(rows)


def _doubts(words: Words, view: ListeningView) -> str:
    """What the owner should know before anybody listens."""
    told = [
        (view.unchecked, words("listen.unchecked", n=view.unchecked)),
        (view.held, words("listen.held", n=view.held)),
    ]
    return "".join(f'<p class="tb-note warn">{esc(text)}</p>' for count, text in told if count)


def _named(words: Words, name: str, role: Role) -> str:
    return f"{name} ({words('listen.reference_word')})" if role is Role.REFERENCE else name


def _step(words: Words, view: ListeningView, address: str, making: bool) -> str:
    """The next step: make, open, or share; nothing once it is closed."""
    if view.status == "making":
        again = "" if making else button("resume", words("listen.resume"), kind="go", id=view.id)
        told = words("listen.still_making" if making else "listen.stopped")
        return f'<p class="tb-note warn">{esc(told)}</p><div class="tb-row">{again}</div>'
    if view.status == "closed":
        told = words("listen.closed_revealed" if view.revealed else "listen.closed_hidden")
        return f'<p class="tb-note">{esc(told)}</p>'
    preview = door(view.preview, words("listen.preview"), elem_id="listen-preview")
    if view.status == "ready":
        return f'<div class="tb-row">{preview}</div>{_opening(words, view, "listen.open")}'
    return f"{_link(words, view, address)}<div class='tb-row'>{preview}</div>{_changes(words, view)}"


def _link(words: Words, view: ListeningView, address: str) -> str:
    link = f"{address}/listen/{view.link}"
    assert view.expires_at is not None
    told = words("listen.link_told", day=words.day(view.expires_at), quota=view.quota)
    return (
        f'<label class="tb-dim">{esc(words("listen.link"))}'
        f'<input id="listen-link" readonly value="{esc(link)}"></label>'
        f'<div class="tb-row"><button type="button" class="tb-btn go" data-copy="listen-link" '
        f'data-copied="{esc(words("listen.copied"))}">{esc(words("listen.copy"))}</button>'
        f"{door(view.link, words('listen.rate'), elem_id='listen-rate')}"
        f'<span class="tb-dim">{esc(told)}</span></div>'
    )


def _opening(words: Words, view: ListeningView, label: str) -> str:
    """Days, places and whom: the form of opening and of renewing."""
    open_to_all = view.for_accounts or view.status == "ready"
    offered = options(
        {"1": words("listen.offered_yes"), "0": words("listen.offered_no")}, str(int(open_to_all))
    )
    return (
        f'<div data-form class="tb-list"><div class="tb-facts"><label class="tb-dim">{esc(words("listen.days"))}'
        f'<input name="days" type="number" min="1" max="365" value="14"></label>'
        f'<label class="tb-dim">{esc(words("listen.quota"))}'
        f'<input name="quota" type="number" min="1" max="10000" value="{view.quota or 100}"></label>'
        f'<label class="tb-dim">{esc(words("listen.offered"))}<select name="offered">{offered}</select></label></div>'
        f'<div class="tb-row">{button("open", words(label), kind="go", id=view.id)}</div></div>'
    )


def _changes(words: Words, view: ListeningView) -> str:
    revoke = (
        ""
        if view.revoked
        else button("revoke", words("listen.revoke"), kind="risk", confirm=words("do.sure"), id=view.id)
    )
    reveal = options({"1": words("listen.reveal_yes"), "0": words("listen.reveal_no")}, "1")
    shut = button("close", words("listen.close"), kind="risk", confirm=words("do.sure"), id=view.id)
    return (
        f"<details><summary>{esc(words('listen.change_link'))}</summary>{_opening(words, view, 'listen.renew')}"
        f'<div class="tb-row">{revoke}</div></details>'
        f"<details><summary>{esc(words('listen.end'))}</summary><div data-form class='tb-list'>"
        f'<p class="tb-note warn">{esc(words("listen.end_text"))}</p>'
        f'<label class="tb-dim">{esc(words("listen.reveal"))}<select name="reveal">{reveal}</select></label>'
        f'<div class="tb-row">{shut}</div></div></details>'
    )


def exports(words: Words, view: ListeningView) -> str:
    """Links to the ratings; beside the results, for the test's card stays as it is while ratings come in."""
    if not view.ratings:
        return ""
    links = "".join(
        f'<a class="tb-btn" href="/listening/{esc(view.id)}.{ending}" download>{ending.upper()}</a>'
        for ending in ("csv", "json")
    )
    return f'<div class="tb-row"><span class="tb-dim">{esc(words("listen.export"))}</span>{links}</div>'


def _ending(words: Words, view: ListeningView, making: bool) -> str:
    if making:
        return ""
    act = button("delete", words("do.delete"), kind="risk", confirm=words("do.sure"), id=view.id)
    return (
        f"<details><summary>{esc(words('listen.remove'))}</summary>"
        f'<p class="tb-note bad">{esc(words("listen.remove_text"))}</p><div class="tb-row">{act}</div></details>'
    )


def offered_list(words: Words, offered: list[tuple[str, Kind, str]]) -> str:
    """Tests that whoever is signed in may take part in; no name of theirs is shown."""
    if not offered:
        return ""
    rows = "".join(
        _offer(words, title or words("listen.untitled"), kind, link) for title, kind, link in offered
    )
    return f'<h3>{esc(words("listen.take_part"))}</h3><div class="tb-list" id="listen-offered">{rows}</div>'


def _offer(words: Words, title: str, kind: Kind, link: str) -> str:
    """Opened, it holds the listeners' own page: the same blind page, and no other, as behind the link."""
    return (
        f'<details class="tb-card tb-offer"><summary><b>{esc(title)}</b>{badge(words(f"listen.kind.{kind}"))}'
        f'<span class="tb-btn go">{esc(words("listen.rate_here"))}</span></summary>'
        f'<iframe src="/listen/{esc(link)}" loading="lazy" title="{esc(title)}"></iframe>'
        f"{door(link, words('listen.rate_window'))}</details>"
    )
