"""What a speaker may narrow a consent to: the engines that clone, and the languages those speak."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from studio.engines.base import EngineSpec
from studio.errors import InputRefused


@dataclass(frozen=True)
class Offer:
    """The engines by id with their names, and language codes (ISO 639-1)."""

    engines: Mapping[str, str]
    languages: tuple[str, ...]

    @classmethod
    def of(cls, specs: Iterable[EngineSpec]) -> "Offer":
        cloning = [spec for spec in specs if spec.clones]
        languages = sorted({code for spec in cloning for code in spec.languages})
        return cls({spec.id: spec.name for spec in cloning}, tuple(languages))

    def check(self, engines: Collection[str] | None, languages: Collection[str] | None) -> None:
        """InputRefused for a name that is not offered; none at all is no limit."""
        if set(engines or ()) - set(self.engines) or set(languages or ()) - set(self.languages):
            raise InputRefused("consent.answer_shape")
