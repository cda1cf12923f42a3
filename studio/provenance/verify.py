"""Was this file generated here? The answer to anybody who asks, with its grounds."""

from dataclasses import dataclass
from enum import StrEnum

from studio.audio.decode import DecodeLimits, decode_file
from studio.audio.sniff import container_of
from studio.errors import AudioRefused
from studio.provenance.manifest import Manifest, ManifestState, read_manifest
from studio.provenance.marking import Marker
from studio.provenance.watermark import Reading

MOST_BYTES, MOST_S = 20_000_000, 300.0
LIMITS = DecodeLimits(max_bytes=MOST_BYTES, max_duration_s=MOST_S, max_values=30_000_000)


class Verdict(StrEnum):
    """The three answers."""

    OURS = "ours"
    NOT_FOUND = "not_found"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """What was found in a file. It names no speaker and no account: nothing of the kind is in a file."""

    manifest: Manifest
    reading: Reading
    duration_s: float

    @property
    def verdict(self) -> Verdict:
        """Ours: signed here, or marked. Doubt, where a manifest is damaged or the mark is faint."""
        if self.manifest.state is ManifestState.OURS or self.reading.found:
            return Verdict.OURS
        damaged = self.manifest.state in (ManifestState.BROKEN, ManifestState.UNREAD)
        return Verdict.INCONCLUSIVE if damaged or self.reading.doubtful else Verdict.NOT_FOUND


def examine(marker: Marker, data: bytes, name: str, limits: DecodeLimits = LIMITS) -> Finding:
    """Read manifest and watermark of a file that anybody may have sent; both parsers are limited children.

    AudioRefused for what is no usable sound, unless a manifest in it tells more; EngineTrouble when the
    watermarker is missing.
    """
    marker.check()
    anchors = marker.signer.credentials.anchors
    try:
        decoded = decode_file(data, name, limits)
    except AudioRefused:
        if len(data) > limits.max_bytes:
            raise
        manifest = read_manifest(data, container_of(data) or "", anchors)
        if manifest.state in (ManifestState.ABSENT, ManifestState.UNREAD):
            raise
        return Finding(manifest, Reading(0.0, 0.0), 0.0)
    manifest = read_manifest(data, decoded.container, anchors)
    return Finding(manifest, marker.read(decoded.clip), decoded.clip.duration_s)
