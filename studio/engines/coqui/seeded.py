"""Random numbers from a seed, for libraries that only know the global generators."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch and numpy inside, and put both back as they were.

    Another thread that draws at the same time is disturbed and disturbs: takes repeat exactly when one
    engine works at a time.
    """
    before = np.random.get_state()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)
