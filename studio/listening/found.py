"""A figure, or the reason why there is none yet."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from studio.errors import StudioError

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """A figure, or why there is none yet."""

    value: T | None
    why: StudioError | None = None


def attempt(compute: Callable[[], T]) -> Found[T]:
    """The figure; a StudioError becomes its reason."""
    try:
        return Found(compute())
    except StudioError as error:
        return Found(None, error)
