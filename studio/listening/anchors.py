"""MUSHRA's anchors: the reference through a low-pass of 3.5 or 7 kHz (ITU-R BS.1534-3, section 5)."""

import numpy as np

from studio.audio.clip import AudioClip

LOW_ANCHOR_HZ = 3500
MID_ANCHOR_HZ = 7000


def low_passed(clip: AudioClip, cut_hz: int) -> AudioClip:
    """The clip without what lies above `cut_hz`: within 0.1 dB below, 60 dB down from 1.14 times on.

    BS.1534 asks for at most +-0.1 dB in the band, 25 dB down at 4 kHz and 50 dB at 4.5 kHz (for 3.5 kHz).
    Linear phase by running an elliptic filter both ways. A clip whose band ends below `cut_hz` is unchanged.
    """
    from scipy import signal

    edge = cut_hz * 1.14  # 4 kHz for the 3.5 kHz anchor
    if edge >= clip.sample_rate_hz / 2 or not len(clip.samples):
        return clip
    sections = signal.iirdesign(
        cut_hz, edge, 0.04, 30, ftype="ellip", output="sos", fs=clip.sample_rate_hz
    )  # both ways: twice the ripple and twice the rejection
    padding = min(len(clip.samples) - 1, clip.sample_rate_hz // 10)
    filtered = signal.sosfiltfilt(sections, clip.samples.astype(np.float64), padlen=padding)
    return AudioClip(filtered.astype(np.float32), clip.sample_rate_hz)
