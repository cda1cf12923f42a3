"""Voices as HTML: the cards, the chosen voice in detail, and the receipt of a withdrawal."""

from collections.abc import Collection, Mapping, Sequence

from studio.consent.views import REMIND_DAYS, ConsentView
from studio.privacy.erasure import Receipt
from studio.synthesis.choices import EngineChoice
from studio.ui.markup import badge, bar, button, empty, esc, facts, player
from studio.ui.words import Words
from studio.voices.enrolment import EncodedView
from studio.voices.forms import VoiceView
from studio.voices.likeness import Likeness


def consent_badge(words: Words, view: VoiceView) -> str:
    """State and expiry of the consent in a word or two."""
    if view.consent is None:
        return badge(words("consent.state.none"), "bad")
    if view.usable:
        return _in_force(words, view.consent)
    if view.consent.status == "granted":
        return badge(words("consent.state.ended"), "bad")
    return badge(
        words(f"consent.state.{view.consent.status}"), "warn" if view.consent.status == "review" else "bad"
    )


def _in_force(words: Words, consent: ConsentView) -> str:
    """Until when, louder in its last days; and what became of a renewal."""
    day, left = words.day(consent.expires_at), consent.days_left
    soon = badge(words("consent.state.ends", n=left, day=day), "warn")
    until = soon if left < REMIND_DAYS else badge(words("consent.state.granted", day=day), "good")
    return until + (badge(words(f"consent.renewal.{consent.renewal}"), "warn") if consent.renewal else "")


def ending_note(words: Words, due: Sequence[ConsentView]) -> str:
    """Whose consent has to be renewed now; empty where nobody's has."""
    if not due:
        return ""
    names = ", ".join(name for view in due for name in view.voice_names or (view.speaker_id[:12],))
    told = words("consent.ending", days=REMIND_DAYS, names=names)
    return f'<p class="tb-note warn" id="consents-ending" role="status">{esc(told)}</p>'


def engines_of(words: Words, consent: ConsentView) -> str:
    """The engines a consent names, or that it names none."""
    return ", ".join(consent.engines) or words("consent.any_engine")


def languages_of(words: Words, consent: ConsentView) -> str:
    """The languages a consent names, or that it names none."""
    return ", ".join(map(words.language_name, consent.languages)) or words("consent.any_language")


def voice_cards(words: Words, views: list[VoiceView], chosen: str, names: dict[str, str]) -> str:
    """All voices; `chosen` is the id of the one in the selector, `names` maps engine ids to names."""
    if not views:
        start = button("new", words("voices.first"), kind="go")
        return empty(words("voices.empty_title"), words("voices.empty_text"), start)
    return (
        '<div class="tb-cards">' + "".join(_card(words, v, v.id == chosen, names) for v in views) + "</div>"
    )


def _card(words: Words, view: VoiceView, chosen: bool, names: dict[str, str]) -> str:
    ready = "".join(badge(names.get(engine, engine), "good") for engine in view.engines_ready)
    heading = f"{words('category.' + view.category)} · {words.language_name(view.language)}"
    return (
        f'<article class="tb-card{" chosen" if chosen else ""}" aria-label="{esc(view.name)}">'
        f'<div><h3>{esc(view.name)}</h3><p class="tb-dim">{esc(heading)}</p></div>'
        f'<div class="tb-row">{consent_badge(words, view)}{ready or badge(words("voices.not_ready"))}</div>'
        f'<p class="tb-dim">{esc(words("voices.clips", n=len(view.clips), time=words.seconds(view.duration_s)))}</p>'
        f'<div class="tb-row">{button("choose", words("voices.choose"), id=view.id)}'
        f"{button('speak', words('voices.speak'), kind='go', id=view.id) if view.usable else ''}</div></article>"
    )


def voice_detail(
    words: Words,
    view: VoiceView,
    encoded: list[EncodedView],
    engines: list[EngineChoice],
    running: Collection[str] = (),
) -> str:
    """Clips, consent, encodings and what can be done with the voice; `running` are engines being prepared."""
    return (
        f'<section class="tb-card" aria-label="{esc(view.name)}"><h3>{esc(view.name)}</h3>'
        f"{_consent(words, view)}<h4>{esc(words('voices.recordings'))}</h4>{_clips(words, view)}"
        f"<h4>{esc(words('voices.engines'))}</h4>{_engines(words, view, encoded, engines, running)}"
        f"{_ending(words, view)}</section>"
    )


def _consent(words: Words, view: VoiceView) -> str:
    if view.consent is None:
        return ""
    purposes = ", ".join(words(f"purpose.{purpose}") for purpose in view.consent.purposes)
    rows = {
        words("consent.word"): consent_badge(words, view),
        words("consent.purposes"): esc(purposes),
        words("consent.engines"): esc(engines_of(words, view.consent)),
        words("consent.languages"): esc(languages_of(words, view.consent)),
        words("consent.given"): esc(words.day(view.consent.granted_at)),
        words("consent.speaker"): esc(view.speaker_id[:12]),
    }
    lone = badge(words("consent.self_approved"), "warn") if view.consent.self_approved else ""
    more = lone + button("link", words("privacy.link"), hint=words("privacy.link_hint"), id=view.id)
    return f'{facts(rows)}<div class="tb-row">{more}</div>'


def _clips(words: Words, view: VoiceView) -> str:
    rows = []
    for number, clip in enumerate(view.clips, 1):
        label = words("voices.clip", number=number)
        told = f"{words('source.' + clip.source)} · {words.number(clip.sample_rate_hz / 1000, 1)} kHz"
        remove = button("remove_clip", words("do.remove"), kind="risk", confirm=words("do.sure"), id=clip.id)
        sound = player(f"/media/clip/{clip.id}.wav", label, compact=True, duration_s=clip.duration_s)
        last = remove if len(view.clips) > 1 else ""
        rows.append(
            f'<div><p class="tb-dim">{esc(label)} · {esc(told)}</p>{sound}<div class="tb-row">{last}</div></div>'
        )
    return f'<div class="tb-list">{"".join(rows)}</div>'


def _engines(
    words: Words,
    view: VoiceView,
    encoded: list[EncodedView],
    engines: list[EngineChoice],
    running: Collection[str],
) -> str:
    done = {one.engine_id: one for one in encoded}
    rows = [_engine(words, view, done.get(engine.id), engine, engine.id in running) for engine in engines]
    return f'<div class="tb-list">{"".join(rows)}</div>'


def _engine(
    words: Words, view: VoiceView, made: EncodedView | None, engine: EngineChoice, running: bool
) -> str:
    """One engine: what is made of the voice for it, and the one thing to do next."""
    row = f"<b>{esc(engine.name)}</b>"
    if made:
        row += _encoded(words, made)
    if running:
        told = words("voices.enrolling", voice=view.name, engine=engine.name)
        bar_ = bar(0, told, waiting=True)
        note = f'<span class="tb-dim" role="status">{esc(words("voices.preparing"))}</span>'
        return f'<div class="tb-list"><div class="tb-row">{row}{note}</div>{bar_}</div>'
    act, label = ("encode_again", "voices.refine") if made and made.current else ("encode", "voices.prepare")
    if not engine.ready:
        missing = ", ".join(engine.missing)
        row += button("models", words("voices.model_missing"), hint=words("voices.to_models", models=missing))
    elif view.usable:
        row += button(act, words(label), engine=engine.id, id=view.id)
    return f'<div class="tb-row">{row}</div>'


def _encoded(words: Words, made: EncodedView) -> str:
    if not made.current:
        return badge(words("voices.encoded_stale"), "warn")
    state = badge(words("voices.encoded" if made.complete else "voices.encoded_early"), "good")
    return state + "".join(badge(told) for told in known_facts(words, made.facts)) + close(words, made.facts)


def close(words: Words, facts_: Mapping[str, str]) -> str:
    """How close the clone came, beside the person and other people; a cosine alone says nothing."""
    judged = Likeness.read(facts_)
    if judged is None:
        return ""
    names = {"value": judged.value, "same": judged.same, "other": judged.other}
    told = {name: words.number(value) for name, value in names.items()}
    beside = words("voices.beside_own" if judged.own else "voices.beside_usual", **told)
    return (
        f'<p class="tb-dim tb-likeness"><b>{esc(words("voices.judged", **told))}</b> · {esc(beside)} '
        f"{esc(words('voices.judge'))}</p>"
    )


def known_facts(words: Words, facts_: Mapping[str, str]) -> list[str]:
    """What an engine says of its encoding, as far as the pages have words for it."""
    named = words.under("fact")
    return [f"{label} {facts_[name]}" for name, label in named.items() if name in facts_]


def _ending(words: Words, view: VoiceView) -> str:
    """Renaming and withdrawing, folded away."""
    sure = words("voices.withdraw_sure")
    gone = button("withdraw", words("voices.withdraw"), kind="risk", confirm=sure, id=view.id)
    return (
        f"<details><summary>{esc(words('voices.manage'))}</summary>"
        f'<div class="tb-list" data-form><label class="tb-dim">{esc(words("voices.rename"))}'
        f'<input name="name" maxlength="60" value="{esc(view.name)}"></label>'
        f'<div class="tb-row">{button("rename", words("do.save"), id=view.id)}</div></div>'
        f'<div class="tb-list" data-form><p class="tb-note bad">{esc(words("voices.withdraw_text"))}</p>'
        f'<div class="tb-row">{gone}</div></div></details>'
    )


def receipt_card(words: Words, receipt: Receipt) -> str:
    """What was erased: shown until the page is left."""
    rows = {words.maybe(f"asset.{kind}", kind): esc(count) for kind, count in sorted(receipt.erased.items())}
    rows[words("receipt.when")] = esc(words.moment(receipt.erased_at))
    rows[words("receipt.speaker")] = f"<code>{esc(receipt.speaker_id)}</code>"
    return (
        f'<section class="tb-card" role="status"><h3>{esc(words("receipt.title"))}</h3>'
        f"<p>{esc(words('receipt.text'))}</p>{facts(rows)}</section>"
    )
