"""Train and held-out: fixed by a seed, and no sentence is in both."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

TRAIN = "train"
HELD_OUT = "held_out"


def split(utterances: Sequence[frozenset[str]], seed: int, share: float) -> list[str]:
    """The side of each utterance (given as its sentences, in their normalised form), in order.

    Utterances that share a sentence, or are tied by others that do, go to one side. Groups are taken in the order
    of a seeded hash of their words until about `share` of the utterances are held out: at least one group, never
    all of them. So leaving out or adding a sentence moves few others. One group alone is all for training.
    """
    groups = _tied(utterances)
    names = [min(min(utterances[index]) for index in group) for group in groups]
    ranked = sorted(zip(names, groups, strict=True), key=lambda one: _rank(one[0], seed))
    held = _held([group for _name, group in ranked], max(1, round(share * len(utterances))))
    return [HELD_OUT if index in held else TRAIN for index in range(len(utterances))]


def _tied(utterances: Sequence[frozenset[str]]) -> list[list[int]]:
    """Connected components: utterances that share a sentence, directly or through others."""
    leader = [*range(len(utterances))]

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = index = leader[leader[index]]
        return index

    seen: dict[str, int] = {}
    for index, sentences in enumerate(utterances):
        for sentence in sentences:
            leader[find(index)] = find(seen.setdefault(sentence, index))
    groups: dict[int, list[int]] = defaultdict(list)
    for index in range(len(utterances)):
        groups[find(index)].append(index)
    return [*groups.values()]


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
