"""What can be chosen: engines with their state and options, and voices for them."""

from collections.abc import Callable
from dataclasses import dataclass

from studio.engines.base import EngineSpec
from studio.engines.registry import Registry
from studio.errors import StudioError
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.voices.service import VoiceService


@dataclass(frozen=True)
class OptionField:
    """An option of an engine, as a form shows it. `kind`: number, whole, choice, switch or text."""

    name: str
    kind: str
    default: object
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class EngineChoice:
    """An engine as people choose it. `missing` are the models to fetch before it can start."""

    id: str
    name: str
    summary: str
    languages: tuple[str, ...]
    licence: str
    licence_url: str
    commercial: bool
    clones: bool
    recommended: bool
    missing: tuple[str, ...]
    options: tuple[OptionField, ...]

    @property
    def ready(self) -> bool:
        return not self.missing


@dataclass(frozen=True)
class VoiceOption:
    """A line of the voice selector."""

    key: str
    name: str
    language: str
    engine_id: str  # "" for an enrolled voice: any cloning engine speaks it
    usable: bool


class Choices:
    """Answers what the selectors of the pages and the terminal list."""

    def __init__(
        self, voices: VoiceService, engines: Registry, present: Callable[[str], bool], device: str
    ) -> None:
        self._voices = voices
        self._engines = engines
        self._present = present
        self._device = device

    def engines(self, language: str = "it", *, cloning: bool | None = None) -> list[EngineChoice]:
        """Every engine, those that can speak now first; `cloning` True keeps those that clone."""
        chosen = [s for s in self._engines.specs() if cloning is None or s.clones == cloning]
        views = [self._engine(spec, language) for spec in chosen]
        return sorted(views, key=lambda e: (not e.ready, not e.recommended, e.name))

    def engine(self, engine_id: str, language: str = "it") -> EngineChoice:
        return self._engine(self._engines.spec(engine_id), language)

    def cloner(self, language: str = "", *, commercial: bool = False) -> EngineChoice | None:
        """The engine to clone with unless somebody chooses: the best that is ready, speaks `language` ("" is any)
        and permits commercial use where that is wanted; None when there is none.
        """
        fitting = (engine for engine in self.engines(cloning=True) if engine.ready)
        return next(
            (e for e in fitting if language in ("", *e.languages) and (e.commercial or not commercial)), None
        )

    def voices(self, actor: Actor, search: str = "") -> list[VoiceOption]:
        """The actor's enrolled voices first, then the presets of every engine that is ready."""
        own = [
            VoiceOption(VoiceChoice(voice_id=v.id).key, v.name, v.language, "", v.usable)
            for v in self._voices.browse(actor, search)
        ]
        wanted = search.strip().casefold()
        return own + [preset for preset in self._presets() if wanted in preset.name.casefold()]

    def _presets(self) -> list[VoiceOption]:
        found = []
        for spec in self._engines.specs():
            if self._missing(spec):
                continue
            try:
                presets = self._engines.engine(spec.id).presets()
            except StudioError:
                continue  # a broken engine says so in the Models tab; the selector stays usable
            for preset in presets:
                key = VoiceChoice(engine_id=spec.id, preset_id=preset.id).key
                found.append(VoiceOption(key, preset.name, preset.language, spec.id, True))
        return found

    def _languages(self, spec: EngineSpec) -> tuple[str, ...]:
        """What it can speak here: an engine whose voices come one by one, what those that are here speak."""
        if not spec.any_of or self._missing(spec):
            return spec.languages
        try:
            spoken = {preset.language for preset in self._engines.engine(spec.id).presets()}
        except StudioError:
            return spec.languages
        return tuple(language for language in spec.languages if language in spoken) or spec.languages

    def _missing(self, spec: EngineSpec) -> tuple[str, ...]:
        """Models to get before the engine can start; of those it needs any of, the first stands for all."""
        missing = tuple(model for model in spec.models if not self._present(model))
        if spec.any_of and not any(map(self._present, spec.any_of)):
            missing += spec.any_of[:1]
        return missing

    def _engine(self, spec: EngineSpec, language: str) -> EngineChoice:
        return EngineChoice(
            spec.id, spec.name, spec.summary.get(language, spec.summary["en"]), self._languages(spec),
            spec.licence.name, spec.licence.url, spec.licence.commercial, spec.clones,
            self._device in spec.recommended_on, self._missing(spec), _fields(spec),
        )  # fmt: skip


def _fields(spec: EngineSpec) -> tuple[OptionField, ...]:
    schema = spec.options.model_json_schema()
    return tuple(_field(name, entry) for name, entry in schema["properties"].items())


def _field(name: str, entry: dict[str, object]) -> OptionField:
    choices = entry.get("enum")
    kinds = {"number": "number", "integer": "whole", "boolean": "switch"}
    kind = "choice" if choices else kinds.get(str(entry.get("type")), "text")
    low = entry.get("minimum", entry.get("exclusiveMinimum"))
    high = entry.get("maximum", entry.get("exclusiveMaximum"))
    return OptionField(
        name, kind, entry.get("default"), _number(low), _number(high),
        tuple(map(str, choices)) if isinstance(choices, list) else (), str(entry.get("description", "")),
    )  # fmt: skip


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
