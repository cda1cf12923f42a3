"""A refusal at the edge: an HTTP status with a message of three parts."""

from studio.errors import (
    EngineTrouble,
    InputRefused,
    NotFound,
    NotPermitted,
    SignInRequired,
    StorageTrouble,
    StudioError,
    TooMany,
)

STATUS: tuple[tuple[type[StudioError], int], ...] = (
    (SignInRequired, 401),
    (NotPermitted, 403),
    (NotFound, 404),
    (InputRefused, 400),
    (TooMany, 429),
    (StorageTrouble, 500),
    (EngineTrouble, 500),
    (StudioError, 409),
)


class Refusal(Exception):
    """Raised where a request is turned away; `error` says what, why and what to do next."""

    def __init__(self, status: int, error: StudioError, retry_after_s: int = 0) -> None:
        super().__init__(error.key)
        self.status = status
        self.error = error
        self.retry_after_s = retry_after_s


def refusal_of(error: StudioError) -> Refusal:
    """The refusal that a service's error becomes at the edge."""
    wait_s = int(str(error.facts.get("seconds", 0))) if isinstance(error, TooMany) else 0
    return Refusal(next(status for kind, status in STATUS if isinstance(error, kind)), error, wait_s)
