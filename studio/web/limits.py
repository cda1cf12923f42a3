"""How often somebody may ask: token buckets per account, or per address before one is known."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

KEPT = 20_000  # buckets of each budget


class Budget(StrEnum):
    """What is being counted."""

    ANY = "any"
    SIGN_IN = "sign_in"
    EVENT = "event"
    UPLOAD = "upload"
    LISTEN = "listen"  # instead of ANY: listeners have no account, and a class of them one address
    JOIN = "join"
    CONSENT = "consent"  # speakers, by their link
    JUDGE = "judge"  # recordings that speakers have listened to
    VERIFY = "verify"  # files that anybody has checked
    PASSWORD = "password"  # tries for one account's name
    SPEAK = "speak"  # calls of one API key that make sound


@dataclass(frozen=True)
class Rate:
    """`burst` at once, then `per_s` a second."""

    burst: float
    per_s: float


# Generous: a page of Gradio is about 150 requests, a busy producer a few events a second.
RATES: Mapping[Budget, Rate] = {
    Budget.ANY: Rate(burst=1500, per_s=100),
    Budget.SIGN_IN: Rate(burst=10, per_s=1 / 6),
    Budget.EVENT: Rate(burst=200, per_s=20),
    Budget.UPLOAD: Rate(burst=120, per_s=2),
    # Two hundred listeners behind one address, each with a sound or two and a rating every few seconds.
    Budget.LISTEN: Rate(burst=4000, per_s=400),
    Budget.JOIN: Rate(burst=300, per_s=2),
    Budget.CONSENT: Rate(burst=150, per_s=2),
    Budget.JUDGE: Rate(burst=40, per_s=1 / 5),
    Budget.VERIFY: Rate(burst=12, per_s=1 / 10),
    Budget.PASSWORD: Rate(burst=10, per_s=1 / 60),
    Budget.SPEAK: Rate(burst=60, per_s=4),
}


@dataclass
class Limits:
    """The buckets. Used from the event loop alone.

    Each budget remembers the KEPT that asked last, oldest first: a flood of addresses pushes out others' empty
    buckets of the same budget at worst, and none of a sign-in.
    """

    rates: Mapping[Budget, Rate] = field(default_factory=lambda: RATES)
    clock: Callable[[], float] = time.monotonic
    kept: int = KEPT
    _levels: dict[Budget, dict[str, tuple[float, float]]] = field(default_factory=dict)

    def take(self, budget: Budget, who: str) -> int:
        """Take one; 0 when granted, otherwise the whole seconds to wait."""
        rate, at = self.rates[budget], self.clock()
        levels = self._levels.setdefault(budget, {})
        level, before = levels.get(who, (rate.burst, at))
        level = min(rate.burst, level + (at - before) * rate.per_s)
        wait_s = 0 if level >= 1 else math.ceil((1 - level) / rate.per_s)
        levels.pop(who, None)  # and in again, as the newest: a refused one too, or it would soon be forgotten
        levels[who] = (level if wait_s else level - 1, at)
        if len(levels) > self.kept:
            del levels[next(iter(levels))]
        return wait_s
