"""The report card of a recording: what was measured, and what to make of it, in words."""

from dataclasses import dataclass
from enum import StrEnum

from studio.errors import AudioRefused


class Severity(StrEnum):
    OK = "ok"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Finding:
    """One line of the card: `value` beside the `limit` it was held against; `fixable`: `fix` can mend it."""

    key: str  # of an entry in studio/messages/audio.toml
    severity: Severity
    value: float
    limit: float
    fixable: bool = False

    def label(self, language: str = "en") -> str:
        """What was measured."""
        return self._part("label", language)

    def text(self, language: str = "en") -> str:
        """What was found, with its value."""
        return self._part(self.severity, language)

    def next(self, language: str = "en") -> str:
        """What to do about it; empty when all is well."""
        return "" if self.severity is Severity.OK else self._part("next", language)

    def _part(self, name: str, language: str) -> str:
        return AudioRefused(self.key, value=self.value, limit=self.limit).part(name, language)


@dataclass(frozen=True)
class ReportCard:
    """What a recording is like. Levels of -100 dB stand for silence; `speakers` 0 means not counted."""

    duration_s: float
    speech_s: float
    speech_share: float
    snr_db: float
    clipping_share: float
    loudness_lufs: float
    true_peak_dbtp: float
    dc_offset: float
    bandwidth_hz: float
    leading_silence_s: float
    trailing_silence_s: float
    background_db: float
    background_partials: float
    speakers: int
    speaker_likeness: float
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity:
        found = {finding.severity for finding in self.findings}
        return max(found, key=list(Severity).index, default=Severity.OK)

    @property
    def fixable(self) -> bool:
        """Whether `fix` can mend something that is not well."""
        return any(f.fixable and f.severity is not Severity.OK for f in self.findings)

    def refusal(self, language: str = "en") -> str:
        """Why the recording can't be used and what to do, as one paragraph; empty when it can."""
        bad = [f for f in self.findings if f.severity is Severity.REFUSE]
        return " ".join(f"{f.text(language)} {f.next(language)}" for f in bad)
