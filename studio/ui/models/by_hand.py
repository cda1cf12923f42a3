"""Models put there by hand, as HTML: what each is, which files it wants, what is here of it."""

from collections.abc import Iterable
from itertools import groupby

from studio.models.by_hand import HandState
from studio.ui.markup import badge, button, esc, facts
from studio.ui.words import Words

TONES = {"present": "good", "partial": "warn", "absent": ""}
Group = tuple[str, tuple[str, ...]]


def hand_section(words: Words, states: list[HandState], root: str, *, may: bool, opened: bool = False) -> str:
    """The whole section; `root` is the folder to put files into. Empty text where no engine wants any."""
    if not states:
        return ""
    here = sum(state.kind == "present" for state in states)
    ready = sorted(states, key=_group)
    groups = "".join(_one_group(words, key, list(found)) for key, found in groupby(ready, _group))
    look = button("look", words("hand.look"), kind="go") if may else ""
    return (
        f'<details class="tb-card"{" open" if opened else ""}><summary><b>{esc(words("hand.title"))}</b> · '
        f"{esc(words('hand.count', here=here, n=len(states)))}</summary>"
        f'<p class="tb-note">{esc(words("hand.why"))}</p>'
        f"<p>{esc(words('hand.how'))} <code>{esc(root)}/…/</code></p>"
        f'<div class="tb-row">{look}</div><div class="tb-list">{groups}</div></details>'
    )


def _group(state: HandState) -> Group:
    """Voices by engine; what makes voices clone stands together, last."""
    role = {"voice": "1-voices", "vocoder": "2-vocoders"}.get(state.model.role, "3-conversions")
    return role, state.engines


def _one_group(words: Words, key: Group, states: list[HandState]) -> str:
    role, engines = key
    here = sum(state.kind == "present" for state in states)
    title = f"{', '.join(engines)}: {words(f'hand.group.{role[2:]}')}"
    count = words("hand.count", here=here, n=len(states))
    cards = "".join(_card(words, state) for state in states)
    return (
        f"<details{' open' if _unfinished(states) else ''}><summary>{esc(title)} · {esc(count)}</summary>"
        f'<div class="tb-cards">{cards}</div></details>'
    )


def _unfinished(states: Iterable[HandState]) -> bool:
    return any(state.kind == "partial" for state in states)


def _card(words: Words, state: HandState) -> str:
    model = state.model
    permits = "commercial" if model.licence.commercial else "noncommercial"
    link = f'<a href="{esc(model.licence.url)}" target="_blank" rel="noreferrer noopener">{esc(model.licence.name)}</a>'
    languages = ", ".join(map(words.language_name, model.languages)) or words("models.any_language")
    rows = {
        words("models.kind"): esc(_purpose(words, state)),
        words("models.languages"): esc(languages),
        words("models.licence"): link
        if model.licence.url.startswith("https://")
        else esc(model.licence.name),
        words("hand.folder"): f"<code>{esc(model.id)}/</code>",
        words("hand.files"): _files(model.files),
        words("hand.origin"): f"<code>{esc(model.origin)}</code>",
    }
    lacking = ""
    if state.kind == "partial":
        lacking = f'<p class="tb-note warn">{esc(words("hand.lacking"))} {_files(state.missing)}</p>'
    return (
        f'<article class="tb-card" aria-label="{esc(model.name)}" data-model="{esc(model.id)}">'
        f"<h4>{esc(model.name)}</h4>"
        f'<div class="tb-row">{badge(words(f"hand.state.{state.kind}"), TONES[state.kind])}'
        f"{badge(words(f'licence.{permits}'), 'good' if model.licence.commercial else 'warn')}</div>"
        f"{facts(rows)}{lacking}</article>"
    )


def _purpose(words: Words, state: HandState) -> str:
    told = words(f"hand.role.{state.model.role}")
    return f"{told}: {', '.join(state.model.serves)}" if state.model.serves else told


def _files(patterns: tuple[str, ...]) -> str:
    return " + ".join(f"<code>{esc(' / '.join(pattern.split('|')))}</code>" for pattern in patterns)
