"""Stimuli: levelled, sealed under their speaker's key, opened again."""

from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.audio.loudness import level, loudness_lufs
from studio.db.tables import Asset, Stimulus
from studio.errors import AudioRefused, StorageTrouble
from studio.privacy.vault import Vault
from studio.voices.service import decode_own

SHORTEST_S, LONGEST_S = 0.2, 60.0


class StimulusStore:
    """Rows and sealed files of stimuli, written in the caller's transaction."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def add(
        self,
        session: Session,
        row: Stimulus,
        clip: AudioClip,
        *,
        keyset_id: str | None,
        level_lufs: float | None,
    ) -> Stimulus:
        """Level `clip`, seal it and store it as `row`; `keyset_id` None takes the studio's own."""
        if level_lufs is not None:
            levelled = level(clip, level_lufs)
            clip, row.gain_db = levelled.clip, levelled.gain_db
            row.held_by_ceiling = levelled.held_by_ceiling
        row.asset_id = self._vault.write(session, keyset_id, "stimulus", encode(clip, AudioFormat.FLAC))
        session.add(row)
        session.flush()
        return row

    def clip(self, session: Session, row: Stimulus) -> AudioClip:
        """The sound; StorageTrouble once its speaker has withdrawn."""
        if row.asset_id is None:
            raise StorageTrouble("privacy.asset_gone")
        return decode_own(self._vault.read(session, row.asset_id))

    def keyset_of(self, session: Session, row: Stimulus) -> str | None:
        asset = session.get(Asset, row.asset_id) if row.asset_id else None
        return asset.keyset_id if asset else None

    def remove(self, session: Session, rows: list[Stimulus]) -> None:
        """Delete rows and sounds."""
        for row in rows:
            asset_id = row.asset_id
            session.delete(row)
            session.flush()
            if asset_id:
                self._vault.delete(session, asset_id)


def blank(
    test_id: str, system_id: str | None, item: int, clip: AudioClip, voice_id: str | None = None
) -> Stimulus:
    """A row for a sound that is not stored yet; `voice_id`: the enrolled voice that is heard."""
    return Stimulus(
        test_id=test_id, system_id=system_id, item=item, asset_id=None, synthesis_id=None,
        duration_s=clip.duration_s, sample_rate_hz=clip.sample_rate_hz, gain_db=0.0, voice_id=voice_id,
    )  # fmt: skip


def refuse_unusable(clip: AudioClip, name: str) -> None:
    """AudioRefused for a clip that nobody could rate."""
    if not SHORTEST_S <= clip.duration_s <= LONGEST_S or loudness_lufs(clip) == float("-inf"):
        seconds = f"{clip.duration_s:.1f}"
        raise AudioRefused(
            "listening.clip", name=name, seconds=seconds, least=f"{SHORTEST_S:g}", most=f"{LONGEST_S:g}"
        )
