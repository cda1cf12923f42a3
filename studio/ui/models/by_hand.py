"""Models put there by hand, as HTML: what each is, which files it wants, what is here of it."""

from collections.abc import Iterable
from itertools import groupby

from studio.models.by_hand import HandState
from studio.ui.markup import badge, button, esc, facts
from studio.ui.words import Words

TONES = {"present": "good", "partial": "warn", "absent": ""}
Group = tuple[str, tuple[str, ...]]


def hand_section(
    words: Words, states: list[HandState], root: str, free_bytes: int, *, may: bool, opened: bool = False
) -> str:
    """The whole section; `root` is the folder to put files into. Empty text where nothing can be brought."""
    if not states:
        return ""
    here = sum(state.kind == "present" for state in states)
    ready = sorted(states, key=_group)
    groups = "".join(_one_group(words, key, list(found), free_bytes) for key, found in groupby(ready, _group))
    look = button("look", words("hand.look"), kind="go") if may else ""
    return (
        f'<details class="tb-card"{" open" if opened else ""}><summary><b>{esc(words("hand.title"))}</b> · '
        f"{esc(words('hand.count', here=here, n=len(states)))}</summary>"
        f'<p class="tb-note">{esc(words("hand.why"))}</p>'
        f"<p>{esc(words('hand.how'))} <code>{esc(root)}/…/</code></p>"
        f'<div class="tb-row">{look}</div><div class="tb-list">{groups}</div></details>'
    )


def _group(state: HandState) -> Group:
    """Voices by engine; then what makes voices clone; recognisers last."""
    named = {"voice": "1-voices", "vocoder": "2-vocoders", "recogniser": "4-recognisers"}
    return named.get(state.model.role, "3-conversions"), state.engines


def _one_group(words: Words, key: Group, states: list[HandState], free_bytes: int) -> str:
    role, engines = key
    here = sum(state.kind == "present" for state in states)
    title = f"{', '.join(engines)}: " if engines else ""
    title += words(f"hand.group.{role[2:]}")
    count = words("hand.count", here=here, n=len(states))
    cards = "".join(_card(words, state, free_bytes) for state in states)
    return (
        f"<details{' open' if _unfinished(states) else ''}><summary>{esc(title)} · {esc(count)}</summary>"
        f'<div class="tb-cards">{cards}</div></details>'
    )


def _unfinished(states: Iterable[HandState]) -> bool:
    return any(state.kind == "partial" for state in states)


def _card(words: Words, state: HandState, free_bytes: int) -> str:
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
    if model.size_mb:
        rows[words("models.size")] = esc(_room(words, model.size_mb, free_bytes))
    if model.role == "recogniser":
        rows[words("hand.switch")] = _switch(words, model.id)
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


def _room(words: Words, size_mb: int, free_bytes: int) -> str:
    """What it takes beside what there is: the studio cannot refuse a copy that people make themselves."""
    size = words.megabytes(size_mb << 20)
    key = "hand.room" if size_mb << 20 < free_bytes else "hand.no_room"
    return words(key, size=size, free=words.megabytes(free_bytes))


def _switch(words: Words, model_id: str) -> str:
    kind = "wav2vec2" if model_id.startswith("wav2vec2") else "whisper"
    lines = (f"TIMBRO_RECOGNISER={kind}", f"TIMBRO_RECOGNISER_MODEL=…/{model_id}")
    return "<br>".join(f"<code>{esc(line)}</code>" for line in lines)


def _purpose(words: Words, state: HandState) -> str:
    told = words(f"hand.role.{state.model.role}")
    return f"{told}: {', '.join(state.model.serves)}" if state.model.serves else told


def _files(patterns: tuple[str, ...]) -> str:
    return " + ".join(f"<code>{esc(' / '.join(pattern.split('|')))}</code>" for pattern in patterns)
