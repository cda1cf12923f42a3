"""Train and held-out: fixed by a seed, and no sentence is in both."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

TRAIN = "train"
HELD_OUT = "held_out"


def split(sentences: Sequence[str], seed: int, share: float) -> list[str]:
    """The side of each sentence (given in its normalised form), in order.

    All utterances of one sentence go to one side. Sentences are taken in the order of a seeded hash of
    their words until about `share` of the utterances are held out: at least one sentence, never all of them. So
    leaving out or adding a sentence moves few others. One sentence alone is all for training.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, sentence in enumerate(sentences):
        groups[sentence].append(index)
    wanted = max(1, round(share * len(sentences)))
    held = _held(sorted(groups.values(), key=lambda g: _rank(sentences[g[0]], seed)), wanted)
    return [HELD_OUT if index in held else TRAIN for index in range(len(sentences))]


def _held(groups: list[list[int]], wanted: int) -> set[int]:
    """Groups in their order, as long as they do not go far beyond what is wanted."""
    held: set[int] = set()
    taken = 0
    for group in groups:
        if len(held) >= wanted or taken == len(groups) - 1:
            break
        if len(held) + len(group) <= max(1.5 * wanted, 1):
            held.update(group)
            taken += 1
    if not held and len(groups) > 1:  # every sentence is said many times: the rarest one
        held.update(sorted(groups, key=len)[0])
    return held


def _rank(sentence: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}|{sentence}".encode()).hexdigest()
