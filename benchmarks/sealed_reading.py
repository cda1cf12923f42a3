"""What encryption costs a read: a 10 s clip out of the vault, against the same bytes read in plain, in turn.

    python -m benchmarks.sealed_reading [rounds]

Bar: an encrypted read of a 10 s clip (24 kHz, FLAC) under 5 ms. Judged by the processor's time, which other
people's work does not change; the clock on the wall is printed beside it.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.db.database import Database
from studio.privacy.keyring import Keyring
from studio.privacy.vault import Vault

BAR_MS = 5.0
SECONDS, RATE_HZ = 10, 24_000


def speechlike() -> bytes:
    """Ten seconds that FLAC cannot make small: noise under syllables."""
    t = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(1).standard_normal(len(t))
    return encode(
        AudioClip((0.1 * noise * (1.2 + np.sin(25 * t))).astype(np.float32), RATE_HZ), AudioFormat.FLAC
    )


def milliseconds(work: Callable[[], object]) -> tuple[float, float]:
    """Of the processor, and on the wall."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return (time.process_time() - busy) * 1000, (time.perf_counter() - wall) * 1000


def measure(folder: Path, rounds: int) -> bool:
    database = Database(folder / "studio.db")
    database.migrate()
    vault = Vault(folder / "assets", Keyring(folder / "keys" / "studio.key"))
    sound = speechlike()
    with database.write() as session:
        asset_id = vault.write(session, "spk_bench", "take", sound)
    (folder / "plain").write_bytes(sound)

    def sealed() -> None:
        with database.read() as session:
            assert vault.read(session, asset_id) == sound

    plain, through = [], []
    for _ in range(rounds):
        plain.append(milliseconds((folder / "plain").read_bytes))
        through.append(milliseconds(sealed))
    (bare, _), (median, wall) = ([statistics.median(column) for column in zip(*kind, strict=True)]
                                 for kind in (plain, through))  # fmt: skip
    told = f"{len(sound) / 1000:.0f} kB: plain {bare:.3f} ms, sealed {median:.3f} ms (wall {wall:.3f} ms)"
    print(f"{told}; bar {BAR_MS} ms: {'met' if median < BAR_MS else 'MISSED'}")
    database.close()
    return median < BAR_MS


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        met = measure(Path(made), int(sys.argv[1]) if sys.argv[1:] else 300)
    sys.exit(0 if met else 1)
