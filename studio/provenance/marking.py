"""The marker: the one way by which generated sound leaves an engine, and by which it becomes a file."""

import contextlib
import threading

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, Tags, encode
from studio.errors import StudioError
from studio.provenance.manifest import SIGNED, SOURCE_TYPE, Signer
from studio.provenance.watermark import Reading, StreamMarker, Watermarker, marked, read_mark


class Marker:
    """Marks what engines say and signs the files of it. Without its watermarker nothing can be generated.

    The order: loudness and format, watermark, encoding with tags, manifest; then it is stored or sent.
    """

    def __init__(self, watermarker: Watermarker, signer: Signer, organisation: str) -> None:
        self.watermarker = watermarker
        self.signer = signer
        self._organisation = organisation

    def check(self) -> None:
        """EngineTrouble when nothing may be generated, because nothing could be marked. Quick."""
        self.watermarker.check()

    def load(self) -> None:
        """The same, tried out for real; takes seconds the first time."""
        self.watermarker.load()

    def warm_up(self) -> None:
        """Load in the background, so that the first take does not wait; trouble is told when it is asked for."""
        threading.Thread(target=self._load_quietly, name="watermark", daemon=True).start()

    def _load_quietly(self) -> None:
        with contextlib.suppress(StudioError):  # logged where it happens; every take is refused with it
            self.load()

    def stream(self, sample_rate_hz: int) -> StreamMarker:
        """A fresh marker for one stream of sound."""
        return StreamMarker(self.watermarker, sample_rate_hz)

    def clip(self, clip: AudioClip) -> AudioClip:
        """A whole generated clip, marked."""
        return marked(self.watermarker, clip)

    def tags(self, made_at: str) -> Tags:
        """The metadata of every generated file, whatever its format."""
        comment = f"AI-generated voice (synthetic speech). digitalSourceType={SOURCE_TYPE}"
        return Tags("Synthetic voice", self._organisation or "Timbro", comment, made_at[:10])

    def file(self, clip: AudioClip, format: AudioFormat, made_at: str) -> bytes:
        """A *marked* clip as a tagged file, signed where C2PA knows the format (not in Ogg Opus)."""
        data = encode(clip, format, self.tags(made_at))
        return self.signer.sign(data, format, made_at) if format in SIGNED else data

    def read(self, clip: AudioClip) -> Reading:
        """Whether a clip carries the mark."""
        return read_mark(self.watermarker, clip)

    def is_generated(self, clip: AudioClip) -> bool:
        """Whether a recording that somebody brings was generated."""
        return self.read(clip).found
