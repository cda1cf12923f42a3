"""The formats a clip can be saved in."""

from dataclasses import dataclass
from enum import StrEnum


class AudioFormat(StrEnum):
    WAV = "wav"
    FLAC = "flac"
    MP3 = "mp3"
    OGG_OPUS = "ogg-opus"
    MULAW = "mulaw"

    @property
    def facts(self) -> "FormatFacts":
        return _FACTS[self]

    @property
    def media_type(self) -> str:
        return self.facts.media_type

    @property
    def suffix(self) -> str:
        return self.facts.suffix

    @property
    def label(self) -> str:
        return self.facts.label


@dataclass(frozen=True)
class FormatFacts:
    """`rates_hz`: the sample rates the format takes, ascending; empty for any."""

    label: str
    suffix: str
    media_type: str
    rates_hz: tuple[int, ...] = ()
    bit_rate: int = 0

    def rate_for(self, sample_rate_hz: int) -> int:
        """The format's lowest rate that loses nothing of `sample_rate_hz`, or its highest."""
        if not self.rates_hz:
            return sample_rate_hz
        return next((rate for rate in self.rates_hz if rate >= sample_rate_hz), self.rates_hz[-1])


_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_FACTS = {
    AudioFormat.WAV: FormatFacts("WAV (PCM, 16 bit)", ".wav", "audio/wav"),
    AudioFormat.FLAC: FormatFacts("FLAC (lossless)", ".flac", "audio/flac"),
    AudioFormat.MP3: FormatFacts("MP3", ".mp3", "audio/mpeg", _MP3_RATES, 96_000),
    AudioFormat.OGG_OPUS: FormatFacts("Ogg Opus", ".ogg", "audio/ogg", _OPUS_RATES, 64_000),
    AudioFormat.MULAW: FormatFacts("WAV (mu-law, 8 kHz, telephone)", ".wav", "audio/wav", (8000,)),
}
MEDIA_TYPES = {format_: facts.media_type for format_, facts in _FACTS.items()}
