"""Building coqui's models without the downloads their constructors start."""

from types import FunctionType
from typing import Any


def build_with(kind: Any, constructor: Any, config: Any, **replaced: Any) -> Any:
    """An object of class `kind`, made by `constructor` seeing other values for some of its module's names.

    The constructors of FreeVC and kNN-VC call a module-level `get_wavlm()` that fetches 1.2 GB. A copy of
    the constructor with its own globals does without it and leaves the library as it is. A name the
    module does not have becomes an attribute of the object instead, set before the constructor runs.
    """
    seen = constructor.__globals__
    known = {name: value for name, value in replaced.items() if name in seen}
    copy = FunctionType(
        constructor.__code__,
        {**seen, **known},
        constructor.__name__,
        constructor.__defaults__,
        constructor.__closure__,
    )
    made = kind.__new__(kind)
    for name in replaced.keys() - known.keys():
        object.__setattr__(made, name, replaced[name])
    copy(made, config)
    return made
