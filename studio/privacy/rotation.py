"""A new master key: every speaker's key wrapped anew, in steps that a crash may interrupt anywhere."""

from collections.abc import Callable
from dataclasses import dataclass

from studio.errors import StorageTrouble
from studio.privacy.key_places import write_private
from studio.privacy.keyring import Keyring, associated_name, new_key, opened, unwrapped

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Rotation:
    """How many speakers' keys were wrapped anew; `resumed` when an interrupted one was finished."""

    keys: int
    resumed: bool


def is_unfinished(keyring: Keyring) -> bool:
    """Whether a rotation was cut short; until it is finished both keys open."""
    return keyring.place.read("next") is not None


def rotate(keyring: Keyring, report: Report = lambda done, total: None) -> Rotation:
    """Exchange the master key, or finish an exchange that was cut short.

    1. The next key is written. 2. Each speaker's key is wrapped with it; readers try both. 3. The next key
    becomes the master key, which is a rename. The old one is gone then: nothing is left that needs it.
    StorageTrouble, with everything still readable, when a speaker's key opens with neither.
    """
    with keyring.locked(shared=False):
        resumed = is_unfinished(keyring)
        if not resumed:
            keyring.place.write("next", new_key())
        files = keyring.speaker_files()
        for done, file in enumerate(files, 1):
            _rewrap(keyring, file.stem)
            report(done, len(files))
        keyring.place.promote()
    return Rotation(len(files), resumed)


def _rewrap(keyring: Keyring, keyset_id: str) -> None:
    old, following = (keyring.place.read("master"), keyring.place.read("next"))
    if old is None or following is None:
        raise StorageTrouble("privacy.key_unreadable")
    file = keyring.speaker_file(keyset_id)
    sealed = file.read_bytes()
    if unwrapped([opened(following)], sealed, keyset_id) is not None:
        return  # done before the interruption
    text = unwrapped([opened(old)], sealed, keyset_id)
    if text is None:
        raise StorageTrouble("privacy.wrong_key")
    write_private(file, opened(following).encrypt(text.encode(), associated_name(keyset_id)))
