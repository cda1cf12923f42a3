"""The folder where uploads lie for a moment: its own, 0700, emptied at start and swept on a timer."""

import asyncio
import logging
import os
import shutil
from pathlib import Path

from anyio import to_thread

from studio.work.scratch import sweep

EVERY_S = 60.0
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


async def sweep_forever(folder: Path) -> None:
    """`sweep` every few minutes, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await to_thread.run_sync(sweep, folder)
        except OSError:
            log.exception("the upload folder could not be swept")
