"""Uploads that nobody has taken: they lie in plain below the studio's temp folder, and not for long."""

import time
from pathlib import Path

UPLOADS = "gradio-*"  # a process's own folder each
OLDEST_S = 1200.0  # an upload that no action has taken by then is forgotten
AT_WORK_S = 15.0  # what was touched since then may be on its way in


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


def sweep_uploads(scratch: Path) -> int:
    """Delete every process's uploads but those on their way in: for an erasure, which cannot tell whose they are."""
    return sum(sweep(folder, AT_WORK_S) for folder in scratch.glob(UPLOADS))
