"""When sounds were fetched: nobody has heard in two seconds what lasts five."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

KEPT = 20_000
GRACE = 0.97  # clocks and players differ a little
SPARE_S = 0.1


class FetchLog:
    """The first fetch of each sound of each listener's page; in memory, for it need not outlive a restart: who
    comes back fetches again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pages: OrderedDict[tuple[str, int], dict[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, listener_id: str, page: int, slot: int) -> None:
        with self._lock:
            slots = self._pages.setdefault((listener_id, page), {})
            slots.setdefault(slot, self._clock())
            self._pages.move_to_end((listener_id, page))
            if len(self._pages) > KEPT:
                self._pages.popitem(last=False)

    def heard(self, listener_id: str, page: int, durations_s: Mapping[int, float]) -> bool:
        """Whether every slot was fetched, and long enough ago for all to have sounded one after the other."""
        with self._lock:
            slots = dict(self._pages.get((listener_id, page), {}))
        if not set(durations_s) <= set(slots):
            return False
        gone = self._clock() - min(slots.values())
        each = all(self._clock() - slots[n] >= GRACE * d - SPARE_S for n, d in durations_s.items())
        return each and gone >= GRACE * sum(durations_s.values()) - SPARE_S

    def forget(self, listener_id: str, page: int) -> None:
        with self._lock:
            self._pages.pop((listener_id, page), None)
