"""Which processes have the storage folder open: cleaning up is for whoever is alone."""

import fcntl
from pathlib import Path
from typing import IO


class Presence:
    """A shared lock on ``storage/.lock`` for as long as the process lives; the kernel drops it at any death."""

    def __init__(self, storage: Path) -> None:
        storage.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = (storage / ".lock").open("ab")
        self.alone = self._try_exclusive()

    def _try_exclusive(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._file, fcntl.LOCK_SH)  # waits for one who is cleaning up
            return False
        return True

    def settle(self) -> None:
        """Cleaning up is done: let others in."""
        fcntl.flock(self._file, fcntl.LOCK_SH)
        self.alone = False

    def close(self) -> None:
        self._file.close()
