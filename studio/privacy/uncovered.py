"""What no erasure reaches, because nobody can tell whose it is: it is said wherever a speaker's file is shown."""

from pathlib import Path


def outside(import_folder: Path) -> list[str]:
    """Names of what lies in the import folder, in plain, as whoever runs the machine put it there."""
    if not import_folder.is_dir():
        return []
    return sorted(path.name for path in import_folder.iterdir())
