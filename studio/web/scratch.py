"""The folder where uploads lie for a moment: its own, 0700, emptied at start and swept on a timer."""

import asyncio
import logging
import os
import shutil
import time
from pathlib import Path

from anyio import to_thread

EVERY_S = 300.0
OLDEST_S = 3600.0  # an upload that no action has taken for an hour is forgotten
log = logging.getLogger(__name__)


def upload_folder(scratch: Path) -> Path:
    """Where this process keeps uploads, below the studio's temp folder (which is emptied at start by
    whoever finds itself alone): a second server on the same storage must not empty the first one's.
    """
    return (scratch / f"gradio-{os.getpid()}").resolve()


def fresh_folder(folder: Path) -> Path:
    """The folder, empty and readable by nobody else, whatever a killed process left in it."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    folder.chmod(0o700)
    return folder


def sweep(folder: Path, oldest_s: float = OLDEST_S) -> int:
    """Delete files not touched for `oldest_s`, and folders left empty; returns how many files."""
    before, count = time.time() - oldest_s, 0
    for path in sorted(folder.rglob("*"), reverse=True):
        try:
            if path.is_dir() and not path.is_symlink():
                if path.stat().st_mtime < before and not any(path.iterdir()):
                    path.rmdir()
            elif path.lstat().st_mtime < before:
                path.unlink()
                count += 1
        except FileNotFoundError:
            continue  # an action has taken it meanwhile
    return count


async def sweep_forever(folder: Path) -> None:
    """`sweep` every few minutes, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await to_thread.run_sync(sweep, folder)
        except OSError:
            log.exception("the upload folder could not be swept")
