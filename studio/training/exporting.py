"""What was trained, taken out of the studio: an adapter with its card inside, or a checkpoint that needs none."""

import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from sqlalchemy.orm import Session

from studio.consent.gate import permits
from studio.consent.purposes import Purpose
from studio.db.tables import Adapter, Voice
from studio.engines.base import EngineSpec
from studio.engines.registry import Registry, resolve
from studio.errors import InputRefused
from studio.privacy import audit
from studio.privacy.access import Actor, Permission
from studio.training.cards import with_card
from studio.training.launching import Ground
from studio.training.shelf import AdapterShelf
from studio.work.pouring import poured

PURPOSES = frozenset({Purpose.FINE_TUNE, Purpose.INTERNAL_USE})  # whoever has the file speaks with the voice
MEDIA_TYPE = "application/octet-stream"
Opened = Callable[[str], AbstractContextManager[IO[bytes]]]


class AdapterExports:
    """Each export asks the gate and is written down in the audit log before the first byte leaves."""

    def __init__(self, ground: Ground, shelf: AdapterShelf, engines: Registry) -> None:
        self._ground, self._shelf, self._engines = ground, shelf, engines

    def mergeable(self, engine_id: str, method: str) -> bool:
        """Whether what was trained so can become part of a whole checkpoint."""
        spec = self._engines.spec(engine_id)
        return bool(spec.merger) and method in spec.merges

    def adapter(self, actor: Actor, adapter_id: str) -> tuple[bytes, str, str]:
        """The safetensors as (bytes, media type, file name), its card in the header.

        Raises NotFound, ConsentMissing, StorageTrouble once the speaker is erased.
        """
        actor.require(Permission.VOICES)
        with self._ground.database.write() as session:
            row, _ = self._permitted(session, actor, adapter_id)
            data = with_card(self._ground.vault.read(session, row.asset_id), row.card)
            self._note(session, actor, row, "adapter")
            return data, MEDIA_TYPE, f"{row.name}.safetensors"

    def merged_zip(self, actor: Actor, adapter_id: str) -> tuple[Iterator[bytes], str]:
        """The model with the weights merged, as a zip made while it is read, and its name. Nothing lies in plain."""
        fill, name = self._merging(actor, adapter_id)

        def write(sink: IO[bytes]) -> None:
            with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
                fill(lambda member: archive.open(member, "w", force_zip64=True))

        pieces = poured(write)
        first = next(pieces)  # what is in the way is told before the answer begins
        return _with_rest(first, pieces), f"{name}.zip"

    def merged_folder(self, actor: Actor, adapter_id: str, target: Path) -> Path:
        """The same as a new folder; InputRefused where there is one already."""
        if target.exists():
            raise InputRefused("training.there", name=target.name)
        fill, _ = self._merging(actor, adapter_id)
        target.mkdir(parents=True, mode=0o700)
        fill(lambda member: (target / member).open("wb"))
        return target

    def _merging(self, actor: Actor, adapter_id: str) -> tuple[Callable[[Opened], None], str]:
        """What writes the checkpoint's files into whatever it is given to open."""
        actor.require(Permission.VOICES)
        with self._ground.database.write() as session:
            row, spec = self._permitted(session, actor, adapter_id)
            if not self.mergeable(row.engine_id, row.method):
                raise InputRefused("training.no_merge", engine=spec.name, method=row.method)
            source = self._ground.model_files(spec.models[0])
            data = self._ground.vault.read(session, row.asset_id)
            self._note(session, actor, row, "merged")
            name, card = row.name, dict(row.card)
        write_merged: Any = resolve(spec.merger)
        return lambda opened: write_merged(source, data, card, opened), name

    def _permitted(self, session: Session, actor: Actor, adapter_id: str) -> tuple[Adapter, EngineSpec]:
        row = self._shelf.find(session, actor, adapter_id)
        spec = self._engines.spec(row.engine_id)
        permits(session, session.get_one(Voice, row.voice_id), PURPOSES, spec)
        return row, spec

    @staticmethod
    def _note(session: Session, actor: Actor, row: Adapter, form: str) -> None:
        audit.append(
            session, actor.account_id, "adapter.exported", row.id, form=form,
            consent=str(row.card.get("consent_record", "")),
        )  # fmt: skip


def _with_rest(first: bytes, rest: Generator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from rest
    finally:
        rest.close()
