"""Judging a consent recording: were the words said, is it the voice of the samples, is it a living voice?"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from studio.audio.clip import AudioClip
from studio.consent.challenge import Challenge
from studio.consent.matching import MATCH_VERSION, Encoder, Match, match
from studio.consent.wording import MISSING_REFUSED, WER_PASSES, WER_REVIEW, Wording, compare
from studio.errors import AudioRefused, ConsentMissing

SAME_VOICE = (
    0.41  # likeness of generated sound and between recordings: equal error on 135 clips of 16 speakers
)
OTHER_VOICE = 0.25


class Listener(Encoder, Protocol):
    """What judging needs: a recogniser and a speaker encoder."""

    def statement_errors(self, statement: str, clip: AudioClip, language: str) -> tuple[str, float]: ...

    @property
    def identity(self) -> str: ...


class Detector(Protocol):
    """Tells sound that the studio itself generated."""

    def is_generated(self, clip: AudioClip) -> bool:
        """Whether the clip carries the studio's own mark."""
        ...


@dataclass(frozen=True)
class Evidence:
    """What was heard in a consent recording.

    `speaker_score` is the lowest cosine between the statement and any one sample or window of one;
    `matches` has one entry a sample. `status` is "granted", or "review" when a person has to listen;
    `reasons` are message keys.
    """

    transcript: str
    statement_wer: float
    speaker_score: float
    judged_by: str
    status: str
    reasons: tuple[str, ...]
    matches: tuple[Match, ...]


def judge(
    listener: Listener,
    recording: AudioClip,
    challenge: Challenge,
    clips: Sequence[AudioClip],
    detector: Detector | None = None,
) -> Evidence:
    """Compare the recording with the challenge's statement and with *every* clip and windows of it.

    Raises ConsentMissing when the words were not said or were turned round, AudioRefused when a clip is
    plainly another voice's or anything was generated. A match of voices is not a proof of identity, and
    the studio never says so.
    """
    refuse_generated(detector, [recording, *clips])
    heard, _ = listener.statement_errors(challenge.statement, recording, challenge.language)
    wording = compare(challenge.statement, heard, challenge.words, challenge.language)
    _refuse_words(wording, heard)
    matches = match(listener, recording, clips, secrets.randbits(63))
    refuse_others(matches)
    worst = min(matches, key=lambda one: one.score)
    doubts = {
        "words_unclear": wording.error > WER_PASSES,
        "words_missing": bool(wording.missing) or not wording.phrase,
        "voice_unclear": any(one.verdict == "unsure" for one in matches),
    }
    reasons = tuple(name for name, doubtful in doubts.items() if doubtful)
    identity = f"{listener.identity}, match {MATCH_VERSION}"
    status = "review" if reasons else "granted"
    return Evidence(heard, wording.error, worst.score, identity, status, reasons, matches)


def refuse_generated(detector: Detector | None, clips: Sequence[AudioClip]) -> None:
    """AudioRefused when the first clip (the statement) or a sample was made by a machine of ours."""
    if detector is None:
        return
    for number, clip in enumerate(clips):
        if detector.is_generated(clip):
            raise AudioRefused(
                "consent.generated" if number == 0 else "consent.generated_sample", number=number
            )


def refuse_others(matches: Sequence[Match]) -> None:
    """AudioRefused naming the first sample that is plainly another voice's."""
    for number, one in enumerate(matches, 1):
        if one.verdict == "other":
            raise AudioRefused("consent.other_voice", number=number, score=f"{one.score:.2f}")


def _refuse_words(wording: Wording, heard: str) -> None:
    told = heard[:200] or "–"
    if wording.negated:
        raise ConsentMissing("consent.negated", heard=told)
    if wording.error > WER_REVIEW or not wording.agreed:
        raise ConsentMissing("consent.not_read", heard=told, share=round(100 * wording.error))
    if len(wording.missing) >= MISSING_REFUSED:
        raise ConsentMissing("consent.words_missing", words=", ".join(wording.missing), heard=told)
