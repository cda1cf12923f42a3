"""What a speaker answers: ticks, limits, and the statement read aloud; and the answer once it was judged."""

from dataclasses import dataclass

from studio.audio.clip import AudioClip
from studio.consent.challenge import Challenge
from studio.consent.documents import SignedDocument
from studio.consent.evidence import Evidence
from studio.consent.purposes import Category, Purpose

ATTESTATIONS = ("adult", "not_public_figure", "notice_read")


@dataclass(frozen=True)
class ConsentForm:
    """What the speaker ticked, and the recording of the statement that `challenge` (a token) asked for."""

    category: Category
    purposes: frozenset[Purpose]
    attestations: frozenset[str]
    challenge: str
    recording: AudioClip | None
    source: str = "microphone"  # or "upload": then a person always listens
    document: SignedDocument | None = None
    # What the speaker narrows it to; empty: no limit; None: what held before, and no limit where nothing did.
    engines: frozenset[str] | None = None  # ids
    languages: frozenset[str] | None = None  # codes of what the voice is made to speak


@dataclass(frozen=True)
class CheckedConsent:
    """A form that may be stored: its challenge, what was heard, and whose answer it was."""

    form: ConsentForm
    challenge: Challenge
    evidence: Evidence
    subject: str
