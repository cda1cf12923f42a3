"""A take as HTML: player, measurements in words, transcript, downloads; and a take on its way."""

import difflib
from collections.abc import Iterator

from studio.audio.formats import AudioFormat
from studio.consent.evidence import OTHER_VOICE, SAME_VOICE
from studio.errors import TextRefused
from studio.synthesis.requests import PreviewEvent, Take
from studio.synthesis.text import normalise
from studio.ui.markup import badge, bar, button, esc, facts, player
from studio.ui.words import Words

DOWNLOADS = (
    ("wav", AudioFormat.WAV, "WAV"), ("mp3", AudioFormat.MP3, "MP3"), ("flac", AudioFormat.FLAC, "FLAC"),
    ("ogg", AudioFormat.OGG_OPUS, "OGG Opus"), ("ulaw.wav", AudioFormat.MULAW, "µ-law 8 kHz"),
)  # fmt: skip


def stage_card(words: Words, event: PreviewEvent | None) -> str:
    """Where a take on its way is."""
    stage = event.stage if event else "queued"
    told = words.maybe(f"stage.{stage}", stage)
    if event and stage == "queued" and event.ahead:
        told = words("clone.ahead", n=event.ahead)
    if event and event.seconds:
        told += f" · {words.seconds(event.seconds)}"
    moving = stage in ("queued", "loading") or event is None
    inside = bar(event.fraction if event else 0, told, waiting=moving)
    return f'<div role="status" aria-live="polite"><p class="tb-dim">{esc(told)}</p>{inside}</div>'


def live_player(words: Words, token: str) -> str:
    """The sound while it is made."""
    return (
        f'<timbro-live src="/media/live/{esc(token)}.mp3" label="{esc(words("clone.live"))}"></timbro-live>'
    )


def take_card(words: Words, take: Take, *, preferred: str = "", trained: str = "") -> str:
    """A finished take: how it was made, player and downloads. The measurements stand beside it, so that their
    arrival does not interrupt who listens. `trained` names the adapter or checkpoint it speaks with.
    """
    star = button(
        "star", "★" if take.favourite else "☆", kind="icon lit" if take.favourite else "icon",
        hint=words("history.unstar" if take.favourite else "history.star"), id=take.id, on=int(take.favourite),
    )  # fmt: skip
    cached = badge(words("clone.cached"), "good") if take.cached else ""
    heading = f"{take.voice_name} · {words.seconds(take.duration_s)}"
    made_by = " · ".join(part for part in (take.engine_id, take.language, trained) if part)
    return (
        f'<article class="tb-card" id="take" aria-label="{esc(heading)}" data-take="{esc(take.id)}">'
        f'<div class="tb-row"><h3>{esc(heading)}</h3>{cached}{star}</div>'
        f'<p class="tb-dim">{esc(made_by)}</p>'
        f"{player(f'/media/take/{take.id}.wav', heading, spectrogram=True, duration_s=take.duration_s)}"
        f"{downloads(words, take, preferred)}</article>"
    )


def scores_card(words: Words, take: Take, *, scored: bool) -> str:
    """What was measured of a take. `scored` False: it is still being measured."""
    return (
        f'<section class="tb-card" id="scores" aria-label="{esc(words("measure.title"))}">'
        f"{measurements(words, take, scored)}{transcript(words, take)}</section>"
    )


def measurements(words: Words, take: Take, scored: bool) -> str:
    pending = words("measure.pending" if not scored else "measure.none")
    rows = {
        words(
            "measure.rtf"
        ): f"{esc(words.number(take.rtf))}<small>{esc(words('measure.rtf_means'))}</small>",
        words("measure.first"): f"{esc(words.number(take.first_sound_s))} s<small>{esc(take.device)}</small>",
    }
    if take.voice_key.startswith("voice:"):
        rows[words("measure.likeness")] = _likeness(words, take.similarity, pending)
    rows[words("measure.mos")] = _or(words, take.predicted_mos, words("measure.mos_means"), pending)
    if take.wer is None:
        rows[words("measure.wer")] = f"<small>{esc(pending)}</small>"
    else:
        told = f"{words('measure.wer_means')}; {_floor(words, take)}"
        rows[words("measure.wer")] = f"{words.percent(take.wer)}<small>{esc(told)}</small>"
    return facts(rows)


def _floor(words: Words, take: Take) -> str:
    """The recogniser's own errors on the speaker's recordings: no take can be asked for less."""
    if not take.voice_key.startswith("voice:"):
        return words("measure.floor_preset")
    if take.asr_floor is None:
        return words("measure.floor_none")
    return words("measure.floor", value=words.percent(take.asr_floor), n=take.asr_floor_n or 0)


def _or(words: Words, value: float | None, means: str, pending: str) -> str:
    if value is None:
        return f"<small>{esc(pending)}</small>"
    return f"{esc(words.number(value))}<small>{esc(means)}</small>"


def _likeness(words: Words, value: float | None, pending: str) -> str:
    limits = {"same": words.number(SAME_VOICE), "other": words.number(OTHER_VOICE)}
    if value is None:
        return _or(words, None, "", pending)
    name = "same" if value >= SAME_VOICE else "unsure" if value >= OTHER_VOICE else "other"
    return _or(words, value, words(f"measure.likeness_{name}", **limits), pending)


def transcript(words: Words, take: Take) -> str:
    """What the recogniser heard, word by word beside what should have been said."""
    if take.transcript is None:
        return ""
    heard = "".join(marked(take.normalised_text, in_words(take.transcript, take.language)))
    note = words("measure.heard_same" if take.wer == 0 else "measure.heard_note")
    return (
        f"<details><summary>{esc(words('measure.heard'))}</summary>"
        f'<p class="tb-diff">{heard}</p><p class="tb-dim">{esc(note)}</p></details>'
    )


def in_words(heard: str, language: str) -> str:
    """Recognisers write numbers in digits: spelled out, they compare with what was to be said."""
    try:
        return normalise(heard, language)
    except TextRefused:
        return heard


def marked(expected: str, heard: str) -> Iterator[str]:
    """The heard words; `del` marks words that are missing, `ins` words that were not in the text."""
    wanted, got = expected.split(), heard.split()
    matcher = difflib.SequenceMatcher(a=[*map(_plain, wanted)], b=[*map(_plain, got)], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield esc(" ".join(got[c:d])) + " "
            continue
        if a < b:
            yield f"<del>{esc(' '.join(wanted[a:b]))}</del> "
        if c < d:
            yield f"<ins>{esc(' '.join(got[c:d]))}</ins> "


def _plain(word: str) -> str:
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def downloads(words: Words, take: Take, preferred: str = "") -> str:
    """One link a format; the preferred one stands out."""
    links = "".join(
        f'<a class="tb-btn{" go" if format_.value == preferred else ""}" '
        f'href="/media/take/{esc(take.id)}.{ending}?download=1" download>{esc(label)}</a>'
        for ending, format_, label in DOWNLOADS
    )
    return f'<div class="tb-row"><span class="tb-dim">{esc(words("clone.download"))}</span>{links}</div>'
