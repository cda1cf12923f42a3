"""C2PA manifests: written into WAV, FLAC and MP3, and read again in a limited child process."""

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from studio.audio.formats import AudioFormat
from studio.errors import StorageTrouble
from studio.provenance.certificate import Credentials

SIGNED = {
    AudioFormat.WAV,
    AudioFormat.MULAW,
    AudioFormat.FLAC,
    AudioFormat.MP3,
}  # C2PA has no Ogg, nor has AAC
VERSION = "0.1.0"
LABEL = "timbro.generated"  # our own assertion; its name stands in every manifest of ours
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_CHILD = (sys.executable, "-I", str(Path(__file__).with_name("manifest_child.py")))
_TIMEOUT_S = 20.0
_CONTAINERS = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "mp4": "audio/mp4"}


class ManifestState(StrEnum):
    """What a file's manifest says."""

    OURS = "ours"  # signed by this studio, and not a bit was changed since
    FOREIGN = "foreign"  # whole, and signed by somebody else
    BROKEN = "broken"  # there, and not what was signed
    ABSENT = "absent"
    UNREAD = "unread"  # the reader gave up: nothing is known


@dataclass(frozen=True)
class Manifest:
    """The state, and what a whole manifest says: who signed, when it was made, and whether a machine made it."""

    state: ManifestState
    signer: str = ""
    made_at: str = ""
    generated: bool = False


class Signer:
    """Signs files with the studio's certificate."""

    def __init__(self, credentials: Credentials, organisation: str, version: str) -> None:
        self.credentials = credentials
        self._organisation = organisation
        self._version = version

    def sign(self, data: bytes, format: AudioFormat, made_at: str) -> bytes:
        """The file with its manifest, its samples untouched; `made_at` is UTC, ISO 8601.

        Names the studio, never a speaker. StorageTrouble when it can't be signed: then it must not leave.
        """
        import c2pa

        signed = io.BytesIO()
        try:
            who = self.credentials
            info = c2pa.C2paSignerInfo(who.algorithm.encode(), who.chain, who.key, None)
            with c2pa.Signer.from_info(info) as signer, c2pa.Builder(self._definition(made_at)) as builder:
                builder.sign(signer, format.media_type, io.BytesIO(data), signed)
        except c2pa.C2paError as error:
            raise StorageTrouble("provenance.unsigned", reason=str(error)[:200].rstrip(".")) from error
        return signed.getvalue()

    def _definition(self, made_at: str) -> str:
        created = {"action": "c2pa.created", "when": f"{made_at[:19]}Z", "digitalSourceType": SOURCE_TYPE}
        facts = {"studio": "Timbro", "organisation": self._organisation, "watermark": "Perth"}
        return json.dumps(
            {
                "claim_generator_info": [{"name": "Timbro", "version": self._version}],
                "title": "Synthetic voice",
                "assertions": [
                    {"label": "c2pa.actions", "data": {"actions": [created]}},
                    {"label": LABEL, "data": facts},
                ],
            }
        )


def is_signed(data: bytes) -> bool:
    """Whether a file of the studio's own vault was signed when it was stored: then it is marked, too."""
    return LABEL.encode() in data


def read_manifest(data: bytes, container: str, anchors: str) -> Manifest:
    """What the file says of itself. Read by a child with limits: the file is anybody's, the parser native.

    Nothing is fetched from anywhere: a manifest that lies elsewhere counts as absent.
    """
    media_type = _CONTAINERS.get(container)
    if media_type is None:
        return Manifest(ManifestState.ABSENT)
    head = json.dumps({"media_type": media_type, "anchors": anchors}).encode()
    try:
        done = subprocess.run(
            _CHILD, input=head + b"\n" + data, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
        told = json.loads(done.stdout)
        return Manifest(
            ManifestState(told["state"]), told["signer"], told["made_at"], told["generated"] is True
        )
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return Manifest(ManifestState.UNREAD)
