"""The recogniser's floor: the word errors it makes on a speaker's real recordings whose words are known."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.consent.gate import current_consent, permits
from studio.consent.purposes import Purpose
from studio.db.database import Database
from studio.db.tables import Voice
from studio.errors import AudioRefused, StudioError
from studio.evaluation.intervals import ratio_interval
from studio.evaluation.wer import WordErrors, wer
from studio.privacy.vault import Vault
from studio.voices.service import decode_own

STATEMENT, SENTENCES = "statement", "sentences"  # further kinds are told by the rooms that plug in
MOST = 12  # recordings: a minute or two
Hear = Callable[[AudioClip], str]


@dataclass(frozen=True)
class Reading:
    """A recording of the voice's own speaker, and its words; `open` decrypts it."""

    kind: str
    text: str
    content_id: str
    open: Callable[[], AudioClip]


Source = Callable[[Session, Voice, str], Iterable[Reading]]  # (session, voice, language)


@dataclass(frozen=True)
class Floor:
    """The corpus WER over `n` recordings by the recogniser `model`, with a 95 % interval (bootstrap, seed 0);
    `recordings` counts them by kind.
    """

    model: str
    errors: WordErrors
    low: float | None
    high: float | None
    n: int
    recordings: Mapping[str, int]

    @property
    def value(self) -> float:
        return self.errors.corpus


class FloorDesk:
    """Measures floors, each once: the same recordings, words and recogniser have the same floor.

    The consent statement is one such recording; rooms with others plug in by `reads`.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault
        self._sources: list[Source] = [self._statement]
        self._known: dict[tuple[object, ...], Floor | None] = {}
        self._lock = threading.Lock()

    def reads(self, source: Source) -> None:
        """Let a room tell of its recordings."""
        self._sources.append(source)

    def of(self, voice_id: str, language: str, model: str, hear: Hear) -> Floor | None:
        """The floor of the recogniser `model` on the voice's speaker in this language, heard now or remembered.

        None where no recording of that language has known words, or the consent does not cover measuring. Raises
        what `hear` raises, but for single recordings that cannot be heard (AudioRefused).
        """
        with self._database.read() as session:
            readings = self._readings(session, voice_id, language)
            if not readings:
                return None
            key = (model, language, *((one.content_id, one.text) for one in readings))
            with self._lock:
                if key in self._known:
                    return self._known[key]
            clips = [one.open() for one in readings]
        found = _floor(model, readings, [_heard(hear, clip) for clip in clips], language)
        with self._lock:
            self._known[key] = found
        return found

    def forget(self, speaker_id: str) -> None:
        """Forget every floor: whose it was is not remembered (studio.privacy.erasure)."""
        with self._lock:
            self._known.clear()

    def _readings(self, session: Session, voice_id: str, language: str) -> list[Reading]:
        voice = session.get(Voice, voice_id)
        try:
            if voice is None:
                return []
            permits(session, voice, {Purpose.EVALUATION})
        except StudioError:
            return []
        found = (one for source in self._sources for one in source(session, voice, language))
        return list(islice(found, MOST))

    def _statement(self, session: Session, voice: Voice, language: str) -> Iterable[Reading]:
        """The consent's own recording: its words were given, and it is of the speaker beyond doubt."""
        consent = current_consent(session, voice.speaker_id)
        if consent is None or consent.language != language:
            return
        asset_id = consent.recording_asset_id
        yield Reading(
            STATEMENT,
            consent.statement,
            consent.recording_hash,
            lambda: decode_own(self._vault.read(session, asset_id)),
        )


def _heard(hear: Hear, clip: AudioClip) -> str | None:
    try:
        return hear(clip)
    except AudioRefused:
        return None


def _floor(
    model: str, readings: Sequence[Reading], heard: Sequence[str | None], language: str
) -> Floor | None:
    """The floor over what could be heard (None: it could not)."""
    pairs = [(one, text) for one, text in zip(readings, heard, strict=True) if text is not None]
    if not pairs:
        return None
    found = wer([one.text for one, _ in pairs], [text for _, text in pairs], language)
    errors = [sum(word.kind != "equal" for word in words) for words in found.aligned]
    counted = [sum(bool(word.reference) for word in words) for words in found.aligned]
    spread = ratio_interval(errors, counted)
    kinds = Counter(one.kind for one, _ in pairs)
    return Floor(model, found, spread.low, spread.high, spread.n, dict(kinds))
