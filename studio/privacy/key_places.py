"""Where the key-encryption key is kept: a file of mode 0400, or the system's keyring."""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Literal, Protocol

from studio.errors import StorageTrouble

Name = Literal["master", "next"]  # next: the new key while a rotation is under way
SERVICE = "timbro"


class KeyPlace(Protocol):
    """Keeps two texts. `promote` makes the next key the master key, at once and for good."""

    def read(self, name: Name) -> str | None: ...
    def write(self, name: Name, text: str) -> None: ...
    def promote(self) -> None: ...


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file nobody else can read, whole or not at all, flushed to the disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    try:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageTrouble("privacy.disk", reason=error.strerror or "?") from error


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that a rename or removal in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def wipe(path: Path) -> None:
    """Overwrite and remove a file; one that is gone is no error.

    On disks that write elsewhere (SSD, copy-on-write) the overwriting may miss: what was in it was sealed.
    """
    with contextlib.suppress(FileNotFoundError):
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)


class FilePlace:
    """The key in a file; the next one beside it."""

    def __init__(self, file: Path) -> None:
        self._files: dict[Name, Path] = {"master": file, "next": file.with_suffix(".next")}

    def read(self, name: Name) -> str | None:
        try:
            return self._files[name].read_text()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StorageTrouble("privacy.key_unreadable") from error

    def write(self, name: Name, text: str) -> None:
        write_private(self._files[name], text.encode(), 0o400)

    def promote(self) -> None:
        self._files["next"].rename(self._files["master"])
        sync_folder(self._files["master"].parent)


class SystemPlace:
    """The key in the system's keyring (GNOME, KDE, macOS, Windows), one entry a storage folder."""

    def __init__(self, storage: Path) -> None:
        import keyring
        from keyring.backends.fail import Keyring as NoKeyring

        self._keyring = keyring
        self._entry = hashlib.sha256(str(storage.resolve()).encode()).hexdigest()[:16]
        if isinstance(keyring.get_keyring(), NoKeyring):
            raise StorageTrouble("privacy.no_keyring")

    def _name(self, name: Name) -> str:
        return f"{self._entry}.{name}"

    def read(self, name: Name) -> str | None:
        from keyring.errors import KeyringError

        try:
            return self._keyring.get_password(SERVICE, self._name(name))
        except KeyringError as error:
            raise StorageTrouble("privacy.no_keyring") from error

    def write(self, name: Name, text: str) -> None:
        from keyring.errors import KeyringError

        try:
            self._keyring.set_password(SERVICE, self._name(name), text)
        except KeyringError as error:
            raise StorageTrouble("privacy.no_keyring") from error

    def promote(self) -> None:
        text = self.read("next")
        if text is not None:
            self.write("master", text)
            self._keyring.delete_password(SERVICE, self._name("next"))
