"""Models fetched, checked and removed on behalf of people: in the background, watched, cancelled, permitted."""

import shutil
import threading
from collections.abc import Callable

from studio.models.by_hand import HandShelf, HandState
from studio.models.progress import PullProgress
from studio.models.shelf import ModelState
from studio.models.store import ModelStore
from studio.privacy.access import Actor, Permission
from studio.work.live import Live

Download = Live[PullProgress]


class ModelDesk:
    """What the Models tab asks for; only who has the models permission may change anything.

    `on_change` hears the engine of a model whose files come or go, so that a loaded engine lets go of them.
    """

    def __init__(self, store: ModelStore, on_change: Callable[[str], None], by_hand: HandShelf) -> None:
        self._store = store
        self._on_change = on_change
        self._by_hand = by_hand
        self._lock = threading.Lock()
        self._running: dict[str, Download] = {}

    def pull(self, actor: Actor, model_id: str) -> Download:
        """Begin to fetch, or join the download of this model that already runs."""
        return self._start(actor, model_id, lambda work: self._pull(work, model_id))

    def verify(self, actor: Actor, model_id: str) -> Download:
        """Begin to hash every file again."""
        return self._start(actor, model_id, lambda work: self._verify(work, model_id))

    def running(self) -> dict[str, Download]:
        """Work under way, by model."""
        with self._lock:
            return {model_id: live for model_id, live in self._running.items() if not live.finished}

    def last(self, model_id: str) -> Download | None:
        """The newest work on a model, ended or not."""
        with self._lock:
            return self._running.get(model_id)

    def cancel(self, actor: Actor, model_id: str) -> None:
        actor.require(Permission.MODELS)
        live = self.last(model_id)
        if live is not None:
            live.cancel()

    def remove(self, actor: Actor, model_id: str) -> None:
        """Delete a model's files; StorageTrouble while they are being fetched."""
        actor.require(Permission.MODELS)
        engine_id = self._store.catalogue.model(model_id).engine
        self._on_change(engine_id)
        self._store.remove(model_id)

    def states(self) -> list[ModelState]:
        return list(self._store.states().values())

    def by_hand(self) -> list[HandState]:
        """The models that the studio cannot fetch, and what people have brought of them."""
        return self._by_hand.states(self._store.catalogue)

    def look_again(self, actor: Actor) -> list[HandState]:
        """The same after engines have forgotten what they found, so that they find what has come since."""
        actor.require(Permission.MODELS)
        self._by_hand.let_go()
        return self.by_hand()

    def free_bytes(self) -> int:
        """Room left where models are kept."""
        folder = self._store.root
        return shutil.disk_usage(folder if folder.exists() else folder.parent).free

    def _start(self, actor: Actor, model_id: str, work: Callable[[Download], None]) -> Download:
        actor.require(Permission.MODELS)
        self._store.catalogue.model(model_id)
        with self._lock:
            live = self._running.get(model_id)
            if live is None or live.finished:
                live = self._running[model_id] = Live(actor.account_id)
                live.start(work, f"model-{model_id}")
            return live

    def _pull(self, work: Download, model_id: str) -> None:
        self._store.pull(model_id, work.publish, work.should_stop)
        self._on_change(self._store.catalogue.model(model_id).engine)

    def _verify(self, work: Download, model_id: str) -> None:
        self._store.verify(model_id, work.publish, work.should_stop)
