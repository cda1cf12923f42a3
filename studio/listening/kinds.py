"""The types of listening test: their scales, what is heard beside what, what can be checked in them."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """MOS and SMOS rate one sound (ITU-T P.800 ACR, P.808), AB, CMOS and ABX compare two, MUSHRA many (BS.1534)."""

    MOS = "mos"
    AB = "ab"
    CMOS = "cmos"
    SMOS = "smos"
    ABX = "abx"
    MUSHRA = "mushra"

    @property
    def facts(self) -> "KindFacts":
        return _FACTS[self]


@dataclass(frozen=True)
class KindFacts:
    """`low`..`high`: the scale of stored scores. `needs_reference`: a recording is heard beside the sounds.

    `traps`: a clip may say which button to press; `gold`: a clip with a known score may be mixed in.
    """

    low: float
    high: float
    pairs: bool = False
    needs_reference: bool = False
    traps: bool = False
    gold: bool = False
    systems: int = 1  # fewest that make sense


_FACTS = {
    Kind.MOS: KindFacts(1, 5, traps=True, gold=True),
    Kind.SMOS: KindFacts(1, 5, needs_reference=True, traps=True, gold=True),
    Kind.AB: KindFacts(0, 1, pairs=True, traps=True, systems=2),
    Kind.CMOS: KindFacts(-3, 3, pairs=True, traps=True, systems=2),
    Kind.ABX: KindFacts(0, 1, pairs=True, systems=2),
    Kind.MUSHRA: KindFacts(0, 100, needs_reference=True),
}


class Role(StrEnum):
    """What a system is in a test."""

    SYSTEM = "system"
    REFERENCE = "reference"
    ANCHOR_3500 = "anchor_3500"
    ANCHOR_7000 = "anchor_7000"


class Use(StrEnum):
    """What a trial is for; only `rated` ones count."""

    RATED = "rated"
    TRAINING = "training"
    TRAP = "trap"
    GOLD = "gold"


_RANKED = {"drop": "drop", "split": "split", "trinomial": "davidson"}


def ranked_ties(kind: Kind, tie_rule: str) -> str:
    """What becomes of ties in a ranking: the rule fixed beforehand; half a win each where no rule was asked for."""
    return _RANKED.get(tie_rule, "split") if kind is Kind.AB else "split"
