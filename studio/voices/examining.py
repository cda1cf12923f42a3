"""Recordings before they are stored: examined, mended, and refused together."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from studio.audio.clip import AudioClip
from studio.audio.decode import decode
from studio.audio.fix import fix
from studio.audio.report import report_card
from studio.audio.speakers import Embed
from studio.consent.evidence import OTHER_VOICE
from studio.consent.matching import refuse_long
from studio.errors import AudioRefused, InputRefused
from studio.voices.forms import MOST_CLIPS, CheckedClip, Upload, VoiceForm


def examined(upload: Upload, limit_bytes: int, embed: Embed) -> CheckedClip:
    """Decode a recording and draw up its report card; AudioRefused when it is too big or cannot be decoded."""
    if len(upload.data) > limit_bytes:
        raise AudioRefused("audio.too_big", size_mb=len(upload.data) // 2**20, limit_mb=limit_bytes // 2**20)
    clip = decode(upload.data, upload.name)
    return CheckedClip(upload.name, clip, report_card(clip, embed), upload.source)


def mended(checked: CheckedClip, embed: Embed) -> CheckedClip:
    """Trim, level and convert what can be mended; the new report card says what is left."""
    clip, done = fix(checked.clip, checked.card)
    return replace(checked, clip=clip, card=report_card(clip, embed), fixes=checked.fixes + tuple(done))


def refuse(form: VoiceForm, language: str, embed: Embed) -> None:
    """Raises InputRefused or AudioRefused for a form that cannot become a voice; consent is asked elsewhere."""
    if not 1 <= len(form.name.strip()) <= 60:
        raise InputRefused("voices.no_name")
    if not form.clips:
        raise InputRefused("voices.no_clips")
    if len(form.clips) > MOST_CLIPS:
        raise InputRefused("voices.too_many_clips", most=MOST_CLIPS)
    refuse_long([checked.clip for checked in form.clips])  # before any of them is measured
    for number, checked in enumerate(form.clips, 1):
        if refusal := checked.card.refusal(language):
            raise AudioRefused("voices.clip_refused", number=number, reason=refusal)
    refuse_two_speakers([checked.clip for checked in form.clips], embed)


def refuse_two_speakers(clips: Sequence[AudioClip], embed: Embed) -> None:
    """AudioRefused naming the first two recordings that are plainly not of one person."""
    embeddings = [embed(clip) for clip in clips]
    for (i, first), (j, second) in combinations(enumerate(embeddings, 1), 2):
        if (score := float(first @ second)) < OTHER_VOICE:
            raise AudioRefused("voices.different_speakers", first=i, second=j, score=f"{score:.2f}")
