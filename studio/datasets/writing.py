"""Clips on their way into a dataset: prepared without the database, stored a few at a time."""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.datasets.rows import Texts, chars_per_s, seal_texts
from studio.datasets.segmentation import Segment
from studio.datasets.transcription import Impression, character_errors
from studio.db.tables import DatasetUtterance, new_id
from studio.privacy.keyring import Keyset
from studio.privacy.vault import Vault

CLIP_KIND = "dataset_clip"


@dataclass(frozen=True)
class Place:
    """Where a clip lies in a recording; `recording` None for a clip that came by itself."""

    recording: int | None
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Prepared:
    """A clip with all that was measured of it; `sound` is FLAC."""

    sound: bytes
    content_id: str
    duration_s: float
    sample_rate_hz: int
    place: Place
    texts: Texts
    language: str
    speaker: str
    impression: Impression
    cer: float | None
    edited: bool = False


def prepared(
    clip: AudioClip, place: Place, text: str, language: str, speaker: str, impression: Impression
) -> Prepared:
    """A clip that came with its text. The character error rate is known where somebody listened."""
    listened = impression.confidence is not None
    return Prepared(
        encode(clip, AudioFormat.FLAC),
        clip.content_id,
        clip.duration_s,
        clip.sample_rate_hz,
        place,
        Texts(text, impression.heard),
        language,
        speaker,
        impression,
        character_errors(text, impression.heard, language) if listened else None,
    )


def from_segment(
    segment: Segment, recording: int, language: str, speaker: str, likeness: float | None, spoken: str
) -> Prepared:
    """A clip that was cut: its text is what was heard."""
    place = Place(recording, segment.start_s, segment.end_s)
    impression = Impression(
        segment.text, segment.confidence, likeness, segment.speech_s, segment.tail_db, spoken
    )
    made = prepared(segment.clip, place, segment.text, language, speaker, impression)
    return replace(made, cer=None)


def store(
    session: Session,
    vault: Vault,
    keyset: Keyset,
    speaker_id: str,
    dataset_id: str,
    position: int,
    one: Prepared,
) -> DatasetUtterance:
    """Seal a clip and its texts in the caller's transaction, which has asked the gate. `settle` decides later."""
    asset_id = vault.write(session, speaker_id, CLIP_KIND, one.sound)
    utterance_id = new_id("utt")
    row = DatasetUtterance(
        id=utterance_id, dataset_id=dataset_id, position=position, asset_id=asset_id, content_id=one.content_id,
        sealed=seal_texts(keyset, utterance_id, one.texts), speaker=one.speaker, language=one.language,
        recording=one.place.recording, start_s=one.place.start_s, end_s=one.place.end_s,
        duration_s=one.duration_s, sample_rate_hz=one.sample_rate_hz, speech_s=one.impression.speech_s,
        confidence=one.impression.confidence, cer=one.cer, likeness=one.impression.likeness,
        chars_per_s=chars_per_s(one.texts.text, one.impression.speech_s), tail_db=one.impression.tail_db,
        suspicion=0.0, doubts=[], kept=True, reason="", edited=one.edited,
        spoken_language=one.impression.spoken_language,
    )  # fmt: skip
    session.add(row)
    return row
