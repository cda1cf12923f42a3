"""What goes into the voices room and what comes out: forms and views."""

from dataclasses import dataclass

from studio.audio.clip import AudioClip
from studio.audio.report import ReportCard
from studio.consent.forms import ConsentForm
from studio.consent.views import ConsentView

MOST_CLIPS = 20


@dataclass(frozen=True)
class Upload:
    """A file as it came in; `source` is "upload" or "microphone"."""

    name: str
    data: bytes
    source: str = "upload"


@dataclass(frozen=True)
class CheckedClip:
    """A recording that was decoded and examined, and is not stored yet."""

    name: str
    clip: AudioClip
    card: ReportCard
    source: str
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VoiceForm:
    """A voice to store: its name, its speaker, the clips and the consent.

    `real_name` and `contact` are sealed with the speaker's own keyset; the rest of the studio sees a pseudonym.
    """

    name: str
    language: str
    clips: tuple[CheckedClip, ...]
    consent: ConsentForm
    real_name: str = ""
    contact: str = ""


@dataclass(frozen=True)
class ClipView:
    """A stored reference clip."""

    id: str
    duration_s: float
    sample_rate_hz: int
    source: str
    created_at: str


@dataclass(frozen=True)
class VoiceView:
    """A stored voice; `usable` says whether the gate would let it speak today."""

    id: str
    name: str
    language: str
    speaker_id: str
    category: str
    created_at: str
    clips: tuple[ClipView, ...]
    consent: ConsentView | None
    usable: bool
    engines_ready: tuple[str, ...]  # engines for which the voice is already encoded
    owner_id: str  # the account that enrolled it

    @property
    def duration_s(self) -> float:
        return sum(clip.duration_s for clip in self.clips)
