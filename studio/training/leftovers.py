"""What a run leaves on the disk when it ends: whoever works there is ended first, and what cannot go is told."""

import logging
import shutil
import time
from pathlib import Path

from studio.training.run_folder import RunFolder

_TRIES, _PAUSE_S = 5, 0.1
log = logging.getLogger(__name__)


def remove_run(folder: Path) -> None:
    """End whoever still works in a run folder, wait until it is gone, and remove the folder."""
    end_worker(folder)
    remove_folder(folder)


def end_worker(folder: Path) -> None:
    if (folder / "worker.pid").exists():
        identity = RunFolder(folder, b"").worker()
        if identity is not None:
            identity.end()


def remove_folder(folder: Path) -> None:
    """Remove it, tried again while somebody still writes into it; what is left then is told in the log."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_S)
    log.error("the run folder %s could not be removed", folder.name)


def tidy(folder: Path) -> None:
    """A run that will not go on needs no recordings any more, and no optimiser's state."""
    if (folder / "data").exists():
        remove_folder(folder / "data")
    for path in (folder / "ready", folder / "manifest", *folder.glob("checkpoints/*/trainer")):
        path.unlink(missing_ok=True)
