"""MUSHRA's anchors: the reference through a low-pass of 3.5 or 7 kHz (ITU-R BS.1534-3, section 5)."""

import numpy as np

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused

LOW_ANCHOR_HZ = 3500
MID_ANCHOR_HZ = 7000
_STEEP = 1.14  # where the filter has closed: 4 kHz for the 3.5 kHz anchor
_EMPTY_DB = -70.0  # under this, beside the whole sound, a band holds nothing that anybody could miss


def low_passed(clip: AudioClip, cut_hz: int) -> AudioClip:
    """The clip without what lies above `cut_hz`: within 0.1 dB below, 60 dB down from 1.14 times on.

    BS.1534 asks for at most +-0.1 dB in the band, 25 dB down at 4 kHz and 50 dB at 4.5 kHz (for 3.5 kHz).
    Linear phase by running an elliptic filter both ways. AudioRefused where `refuse_narrow` refuses.
    """
    from scipy import signal

    refuse_narrow(clip, cut_hz)
    edge = cut_hz * _STEEP
    sections = signal.iirdesign(
        cut_hz, edge, 0.04, 30, ftype="ellip", output="sos", fs=clip.sample_rate_hz
    )  # both ways: twice the ripple and twice the rejection
    padding = min(len(clip.samples) - 1, clip.sample_rate_hz // 10)
    filtered = signal.sosfiltfilt(sections, clip.samples.astype(np.float64), padlen=padding)
    return AudioClip(filtered.astype(np.float32), clip.sample_rate_hz)


def refuse_narrow(clip: AudioClip, cut_hz: int = MID_ANCHOR_HZ) -> None:
    """AudioRefused for a reference with nothing above `cut_hz`: its anchor would be the hidden reference again.

    Its rate may be too low for the band (16 kHz is), or it was brought to a higher rate after the band was lost.
    """
    edge_hz = cut_hz * _STEEP
    if edge_hz >= clip.sample_rate_hz / 2 or _above_db(clip, edge_hz) < _EMPTY_DB:
        rate = f"{clip.sample_rate_hz / 1000:g}"
        raise AudioRefused("listening.narrow_reference", cut_khz=f"{cut_hz / 1000:g}", rate_khz=rate)


def _above_db(clip: AudioClip, edge_hz: float) -> float:
    """Energy above `edge_hz` beside that of the whole clip, in dB; -inf for silence."""
    windowed = clip.samples.astype(np.float64) * np.hanning(len(clip.samples))
    power = np.abs(np.fft.rfft(windowed)) ** 2
    bins = np.fft.rfftfreq(len(clip.samples), 1 / clip.sample_rate_hz)
    whole, above = float(power.sum()), float(power[bins > edge_hz].sum())
    return 10 * float(np.log10(above / whole)) if above > 0 else float("-inf")
