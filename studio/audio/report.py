"""Examines recordings and draws up their report card; the figures behind the limits are in docs/audio.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from studio.audio.background import Background, background
from studio.audio.card import Finding, ReportCard, Severity
from studio.audio.clip import AudioClip
from studio.audio.loudness import loudness_lufs, true_peak_dbtp
from studio.audio.measures import bandwidth_hz, clipping_share, dc_offset, snr_db
from studio.audio.speakers import Embed, SpeakerCount, count_speakers
from studio.audio.speech import Span, speech_mask, speech_s, speech_spans

__all__ = ["CardLimits", "Finding", "ReportCard", "Severity", "report_card"]

_FLOOR_DB = -100.0  # stands for silence: infinity has no place in a database


@dataclass(frozen=True)
class CardLimits:
    """From where on a recording gets a warning, or is refused."""

    refuse_speech_s: float = 3.0
    warn_speech_s: float = 6.0
    warn_speech_share: float = 0.4
    silence_lufs: float = -60.0
    refuse_snr_db: float = 5.0
    warn_snr_db: float = 20.0
    refuse_clipping: float = 0.02
    warn_clipping: float = 0.0025
    quiet_lufs: float = -33.0
    loud_lufs: float = -13.0
    warn_peak_dbtp: float = 1.5  # files normalised to full scale reach 1 dB between the samples
    warn_dc: float = 0.005
    warn_bandwidth_hz: float = 5000.0
    warn_edge_silence_s: float = 0.75
    background_db: float = -30.0
    background_partials: float = 6.0


@dataclass(frozen=True)
class Measures:
    """One clip, measured."""

    duration_s: float
    spans: tuple[Span, ...]
    snr_db: float
    clipping: float
    loudness_lufs: float
    peak_dbtp: float
    dc: float
    bandwidth_hz: float
    behind: Background

    @property
    def leading_s(self) -> float:
        return self.spans[0].start_s if self.spans else self.duration_s

    @property
    def trailing_s(self) -> float:
        return self.duration_s - self.spans[-1].end_s if self.spans else self.duration_s


def report_card(
    clips: AudioClip | Sequence[AudioClip],
    embed: Embed | None = None,
    limits: CardLimits | None = None,
) -> ReportCard:
    """Examine one clip, or several of one voice together (the worst of each measure counts).

    `embed` gives a speaker's unit vector (256,) for a clip; without it speakers are not counted.
    Nothing raises: what cannot be used has a finding that refuses it.
    """
    every = [clips] if isinstance(clips, AudioClip) else list(clips)
    measured = [measure(clip) for clip in every if len(clip.samples)]
    present = [clip for clip in every if len(clip.samples)]
    count = SpeakerCount(0, 1.0)
    if embed and measured:
        count = count_speakers(present, [m.spans for m in measured], embed)
    return _card(measured, count, limits or CardLimits())


def measure(clip: AudioClip) -> Measures:
    """Measure one clip that has at least one sample."""
    spans = tuple(speech_spans(clip))
    mask = speech_mask(clip, spans)
    return Measures(
        duration_s=clip.duration_s,
        spans=spans,
        snr_db=max(_FLOOR_DB, snr_db(clip, mask)),
        clipping=clipping_share(clip),
        loudness_lufs=max(_FLOOR_DB, loudness_lufs(clip)),
        peak_dbtp=max(_FLOOR_DB, true_peak_dbtp(clip)),
        dc=dc_offset(clip),
        bandwidth_hz=bandwidth_hz(clip, mask),
        behind=background(clip, spans),
    )


def _card(measured: Sequence[Measures], count: SpeakerCount, limits: CardLimits) -> ReportCard:
    duration_s = sum(m.duration_s for m in measured)
    spoken_s = sum(speech_s(m.spans) for m in measured)
    voiced = [m for m in measured if m.spans] or list(measured)
    behind = max((m.behind for m in voiced), key=lambda b: b.partials, default=Background(_FLOOR_DB, 0.0))
    card = ReportCard(
        duration_s=duration_s,
        speech_s=spoken_s,
        speech_share=spoken_s / duration_s if duration_s else 0.0,
        snr_db=_worst(min, [m.snr_db for m in voiced], _FLOOR_DB),
        clipping_share=_worst(max, [m.clipping for m in measured]),
        loudness_lufs=float(np.mean([m.loudness_lufs for m in voiced])) if voiced else _FLOOR_DB,
        true_peak_dbtp=_worst(max, [m.peak_dbtp for m in measured], _FLOOR_DB),
        dc_offset=max((m.dc for m in measured), key=abs, default=0.0),
        bandwidth_hz=_worst(min, [m.bandwidth_hz for m in voiced]),
        leading_silence_s=_worst(max, [m.leading_s for m in measured]),
        trailing_silence_s=_worst(max, [m.trailing_s for m in measured]),
        background_db=behind.level_db,
        background_partials=behind.partials,
        speakers=count.speakers,
        speaker_likeness=count.likeness,
        findings=(),
    )
    return _judged(card, limits)


def _worst(pick: Callable[..., float], values: Sequence[float], none: float = 0.0) -> float:
    return float(pick(values)) if values else none


def _judged(card: ReportCard, limits: CardLimits) -> ReportCard:
    findings = _nobody(card, limits) or [*_speech(card, limits), *_sound(card, limits)]
    return replace(card, findings=tuple(findings))


def _nobody(card: ReportCard, limits: CardLimits) -> list[Finding]:
    """Where nobody speaks, the rest of the card has no meaning."""
    if card.loudness_lufs <= limits.silence_lufs:
        return [Finding("audio.card_silence", Severity.REFUSE, card.loudness_lufs, limits.silence_lufs)]
    if not card.speech_s:
        return [Finding("audio.card_no_voice", Severity.REFUSE, card.duration_s, 0.0)]
    return []


def _speech(card: ReportCard, limits: CardLimits) -> list[Finding]:
    seconds = _low(card.speech_s, limits.warn_speech_s, limits.refuse_speech_s)
    held = limits.refuse_speech_s if seconds is Severity.REFUSE else limits.warn_speech_s
    sparse = card.speech_share < limits.warn_speech_share
    edges_s = max(card.leading_silence_s, card.trailing_silence_s)
    found = [
        Finding("audio.card_speech", seconds, card.speech_s, held),
        _finding("card_share", 100 * card.speech_share, 100 * limits.warn_speech_share, sparse),
        _finding(
            "card_edges", edges_s, limits.warn_edge_silence_s, edges_s > limits.warn_edge_silence_s, True
        ),
    ]
    if card.speakers:
        severity = Severity.REFUSE if card.speakers > 1 else Severity.OK
        found.append(Finding("audio.card_speakers", severity, card.speakers, 1))
    return found


def _sound(card: ReportCard, limits: CardLimits) -> list[Finding]:
    clipping = _low(-card.clipping_share, -limits.warn_clipping, -limits.refuse_clipping)
    tuned = (
        card.background_partials > limits.background_partials and card.background_db > limits.background_db
    )
    level_off = not limits.quiet_lufs <= card.loudness_lufs <= limits.loud_lufs
    narrow = card.bandwidth_hz < limits.warn_bandwidth_hz
    near = limits.quiet_lufs if card.loudness_lufs < limits.quiet_lufs else limits.loud_lufs
    noise = _low(card.snr_db, limits.warn_snr_db, limits.refuse_snr_db)
    peak_off, offset = card.true_peak_dbtp > limits.warn_peak_dbtp, abs(card.dc_offset)
    return [
        Finding("audio.card_noise", noise, card.snr_db, limits.warn_snr_db),
        _finding("card_music", card.background_db, limits.background_db, tuned),
        Finding("audio.card_clipping", clipping, 100 * card.clipping_share, 100 * limits.warn_clipping),
        _finding("card_loudness", card.loudness_lufs, near, level_off, True),
        _finding("card_peak", card.true_peak_dbtp, limits.warn_peak_dbtp, peak_off, True),
        _finding("card_offset", 100 * offset, 100 * limits.warn_dc, offset > limits.warn_dc, True),
        _finding("card_bandwidth", card.bandwidth_hz / 1000, limits.warn_bandwidth_hz / 1000, narrow),
    ]


def _finding(name: str, value: float, limit: float, warn: bool, fixable: bool = False) -> Finding:
    return Finding(f"audio.{name}", Severity.WARN if warn else Severity.OK, value, limit, fixable)


def _low(value: float, warn_below: float, refuse_below: float) -> Severity:
    if value < refuse_below:
        return Severity.REFUSE
    return Severity.WARN if value < warn_below else Severity.OK
