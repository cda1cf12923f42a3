"""The formats that can be imported, and which one a bundle is in."""

from studio.datasets.bundles import Bundle
from studio.datasets.forms import RECORDINGS
from studio.datasets.importers.base import SOUNDS, Importer, tables
from studio.datasets.importers.common_voice import CommonVoice
from studio.datasets.importers.ljspeech import LJSpeech
from studio.datasets.importers.m_ailabs import MAILabs
from studio.datasets.importers.table import Table
from studio.datasets.importers.voxpopuli import VoxPopuli
from studio.errors import InputRefused

IMPORTERS: tuple[Importer, ...] = (CommonVoice(), VoxPopuli(), MAILabs(), LJSpeech(), Table())
FORMATS = tuple(one.corpus.format for one in IMPORTERS)


def importer_for(bundle: Bundle, wanted: str) -> Importer | None:
    """The importer of the format `wanted` ("" recognises it); None for sounds without a table.

    Raises InputRefused for an unknown format, and for a bundle without any sound.
    """
    if wanted not in ("", RECORDINGS, *FORMATS):
        raise InputRefused("datasets.format", format=wanted[:40], known=", ".join(FORMATS))
    if not any(name.lower().endswith(SOUNDS) for name in bundle.names):
        raise InputRefused("datasets.no_sounds", file=bundle.name, known=", ".join(SOUNDS))
    if wanted == RECORDINGS:
        return None
    if wanted:
        return next(one for one in IMPORTERS if one.corpus.format == wanted)
    recognised = next((one for one in IMPORTERS if one.recognise(bundle)), None)
    # A table that nobody recognises is told of by the plainest importer: its columns are wrong.
    return recognised or (IMPORTERS[-1] if _has_table(bundle) else None)


def _has_table(bundle: Bundle) -> bool:
    return any(name.lower().endswith((".csv", ".tsv")) for name in tables(bundle))
