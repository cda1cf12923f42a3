"""What ends the making of a dataset: a full disk, sound that a machine made, too little of use."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.decode import shown_name
from studio.consent.evidence import Detector
from studio.datasets.bundles import Bundle, free_bytes
from studio.datasets.forms import FEWEST, Incoming
from studio.datasets.importers.base import SOUNDS
from studio.datasets.rows import counts, rows_of
from studio.db.tables import Dataset
from studio.errors import AudioRefused, InputRefused

ROOM_TO_SPARE = 500_000_000
# Reasons for which a whole dataset is refused in words of its own.
TOLD_REASONS = (
    "too_short", "short", "too_long", "no_text", "silence", "other_script", "other_voice", "other_words",
)  # fmt: skip


def refuse_full_disk(folder: Path, incoming: int) -> None:
    """InputRefused where the disk does not hold so many bytes more, and room to spare."""
    needed, free = incoming + ROOM_TO_SPARE, free_bytes(folder)
    if needed > free:
        raise InputRefused("datasets.disk", needed_mb=needed // 10**6, free_mb=free // 10**6)


def bytes_of_recordings(bundle: Bundle | None, files: Sequence[Incoming]) -> int:
    """What recordings take: of a bundle's, the largest once more, which is unpacked beside the sealed ones."""
    if bundle is None:
        return sum(file.path.stat().st_size for file in files)
    sizes = [size for name, size in bundle.sizes.items() if name.lower().endswith(SOUNDS)]
    return sum(sizes) + max(sizes, default=0)


def refuse_generated(detector: Detector | None, clip: AudioClip, name: str) -> None:
    """Sound that this studio generated is nobody's recording: a copy of a copy, or a way round a consent."""
    if detector is not None and detector.is_generated(clip):
        raise AudioRefused("datasets.generated", file=shown_name(name))


def refuse_too_few(session: Session, dataset: Dataset) -> None:
    """InputRefused where nothing, or not enough, is kept; told by the commonest reason."""
    count, clips = counts(session, dataset), len(rows_of(session, dataset.id))
    if not clips:
        raise InputRefused("datasets.nothing_heard")
    if not count.kept:
        reason = next(iter(count.dropped_by_reason))
        name = reason if reason in TOLD_REASONS else "mixed"
        raise InputRefused(f"datasets.none_{name}", clips=clips)
    if count.kept < FEWEST or not count.held_out:
        raise InputRefused("datasets.one_sentence", kept=count.kept, clips=clips)
