"""`app.py voices`: list, statement, enrol, encode, withdraw."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.consent.purposes import Purpose
    from studio.consent.views import ConsentView
    from studio.terminal.common import Terminal
    from studio.voices.forms import CheckedClip


def declare(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="enrolled voices, and presets with --presets")
    listing.add_argument("--presets", action="store_true")
    listing.set_defaults(run=show)
    statement = actions.add_parser("statement", help="the notice, and the statement the speaker reads aloud")
    _consent_arguments(statement)
    statement.set_defaults(run=read_out)
    enrol = actions.add_parser("enrol", help="store a consented voice")
    enrol.add_argument("name")
    enrol.add_argument("clips", nargs="+", type=Path, help="recordings of the speaker, 10-30 s in all")
    enrol.add_argument("--consent", required=True, type=Path, help="recording of the statement")
    enrol.add_argument("--category", choices=("self", "employee", "customer"), required=True)
    enrol.add_argument(
        "--i-confirm",
        action="store_true",
        help="the speaker is an adult, no public figure, and read the notice",
    )
    enrol.add_argument("--challenge", required=True, help="what `voices statement` printed, minutes ago")
    enrol.add_argument("--document", type=Path, help="signed document (PDF, PNG, JPEG); employees need one")
    enrol.add_argument(
        "--engines", nargs="+", default=[], help="the only engines it covers; default: any allowed"
    )
    enrol.add_argument("--fix", action="store_true", help="trim and level the clips first")
    enrol.add_argument("--speaker-name", default="", help="real name, sealed with the speaker's own key")
    _consent_arguments(enrol)
    enrol.set_defaults(run=store)
    encode = actions.add_parser("encode", help="prepare a voice for an engine")
    encode.add_argument("voice_id")
    encode.add_argument("--engine", help="default: the best that clones here and speaks the voice's language")
    encode.set_defaults(run=prepare)
    withdraw = actions.add_parser("withdraw", help="erase a voice's speaker and everything made from them")
    withdraw.add_argument("voice_id")
    withdraw.add_argument("--yes", action="store_true", help="do not ask")
    withdraw.set_defaults(run=erase)
    review = actions.add_parser("review", help="decide on a consent that waits for a person")
    review.add_argument("consent_id", nargs="?")
    review.add_argument("--approve", action="store_true")
    review.add_argument("--note", default="")
    review.set_defaults(run=decide)


def _consent_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--language", default="it", choices=("it", "en"))
    parser.add_argument(
        "--purposes", nargs="+", default=["zero_shot", "internal_use"], help="what the speaker agrees to"
    )


def _purposes(given: argparse.Namespace) -> frozenset[Purpose]:
    from studio.consent.purposes import Purpose

    return frozenset(Purpose(name) for name in given.purposes)


def show(terminal: Terminal, given: argparse.Namespace) -> None:
    if given.presets:
        options = [v for v in terminal.studio.choices.voices(terminal.actor) if v.engine_id]
        terminal.table("key", "name", "language", rows=[(v.key, v.name, v.language) for v in options])
        return
    rows = [
        (
            f"voice:{v.id}",
            v.name,
            v.language,
            f"{v.duration_s:.1f} s",
            _standing(v.consent),
        )
        for v in terminal.studio.voices.browse(terminal.actor)
    ]
    terminal.table("key", "name", "language", "recordings", "consent", rows=rows)
    _remind(terminal)


def _standing(consent: ConsentView | None) -> str:
    if consent is None:
        return "none"
    until = f" until {consent.expires_at[:10]}" if consent.status == "granted" else ""
    renewal = f", renewal: {consent.renewal}" if consent.renewal else ""
    return f"{consent.status}{until}{renewal}"


def _remind(terminal: Terminal) -> None:
    """Consents that end soon; nothing else tells of them outside the pages, for the studio sends no e-mail."""
    for consent in terminal.studio.consent.expiring(terminal.actor):
        names = ", ".join(consent.voice_names) or consent.speaker_id
        left = f"ends in {consent.days_left} days" if consent.days_left >= 0 else "has ended"
        terminal.say(f"renew: the consent for {names} {left} ({consent.expires_at[:10]})")


def read_out(terminal: Terminal, given: argparse.Namespace) -> None:
    consent = terminal.studio.consent
    notice = consent.notice(given.language)
    terminal.say(notice.text + "\n")
    asked = consent.challenge(terminal.actor.account_id, given.language, _purposes(given), notice.hash)
    terminal.say(asked.statement)
    terminal.say(f"challenge: {asked.token}  (for `voices enrol --challenge`, until {asked.expires_at})")


def _check(terminal: Terminal, file: Path, fix: bool) -> CheckedClip:
    from studio.voices.forms import Upload

    voices = terminal.studio.voices
    checked = voices.check(terminal.actor, Upload(file.name, file.read_bytes()))
    return voices.fix(terminal.actor, checked) if fix else checked


def store(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.consent.documents import SignedDocument
    from studio.consent.forms import ATTESTATIONS, ConsentForm
    from studio.consent.purposes import Category
    from studio.voices.forms import VoiceForm

    clips = tuple(_check(terminal, file, given.fix) for file in given.clips)
    recording = _check(terminal, given.consent, fix=False).clip
    purposes = _purposes(given)
    confirmed = frozenset(ATTESTATIONS) if given.i_confirm else frozenset()
    document = SignedDocument.read(given.document.read_bytes()) if given.document else None
    engines = frozenset(terminal.studio.engines.spec(name).id for name in given.engines)
    form = ConsentForm(
        Category(given.category), purposes, confirmed, given.challenge, recording, "upload", document, engines
    )
    voice = terminal.studio.voices.enrol(
        terminal.actor, VoiceForm(given.name, given.language, clips, form, given.speaker_name)
    )
    assert voice.consent is not None
    terminal.say(f"voice:{voice.id}  {voice.name}  consent: {voice.consent.status} ({voice.consent.id})")


def prepare(terminal: Terminal, given: argparse.Namespace) -> None:
    from studio.terminal.common import cloner_of

    language = terminal.studio.voices.view(terminal.actor, given.voice_id).language
    engine_id = given.engine or cloner_of(terminal, language)
    live = terminal.studio.enrolment.start(terminal.actor, given.voice_id, engine_id)
    with terminal.bar("encoding") as bar:
        try:
            for event in live.events():
                likeness = "" if event.similarity is None else f" likeness {event.similarity:.2f}"
                bar.move(event.fraction, event.stage + likeness)
        except KeyboardInterrupt:
            live.cancel()
            live.wait()
    for view in terminal.studio.enrolment.encoded(terminal.actor, given.voice_id):
        terminal.say(f"{view.engine_id}: " + ", ".join(f"{k} {v}" for k, v in view.facts.items()))


def erase(terminal: Terminal, given: argparse.Namespace) -> None:
    voice = terminal.studio.voices.view(terminal.actor, given.voice_id)
    if not given.yes and input(f"Erase the speaker of {voice.name} for good? Type the name: ") != voice.name:
        raise ValueError("not erased: the name did not match")
    receipt = terminal.studio.voices.withdraw(terminal.actor, given.voice_id)
    listed = ", ".join(f"{count} {kind}" for kind, count in receipt.erased.items())
    terminal.say(f"erased at {receipt.erased_at}: {listed}")


def decide(terminal: Terminal, given: argparse.Namespace) -> None:
    if given.consent_id:
        terminal.studio.consent.review(terminal.actor, given.consent_id, given.approve, given.note)
    rows = [
        (c.id, ", ".join(c.voice_names), f"{c.statement_wer:.2f}", f"{c.speaker_score:.2f}", c.transcript)
        for c in terminal.studio.consent.waiting(terminal.actor)
    ]
    terminal.table("consent", "voices", "WER", "likeness", "heard", rows=rows)
