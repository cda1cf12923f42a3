"""What the studio knows of the embedded engine before it is loaded."""

from typing import Literal

from pydantic import Field

from studio.engines.base import EngineOptions, EngineSpec, Licence

ENGINE_ID = "kokoro"
LANGUAGES = ("it", "en", "es", "fr", "pt", "hi")


class KokoroOptions(EngineOptions):
    """The embedded engine's own options."""

    blend: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="For a cloned voice: 1 is the voice as fitted, 0 the preset blend it started from.",
    )
    variation: float = Field(
        default=0.3,
        ge=0.0,
        le=1.0,
        description="How far takes with different seeds differ in melody and rhythm; seed 0 never varies.",
    )
    accent: Literal["us", "gb"] = Field(default="us", description="Which English is spoken.")


SPEC = EngineSpec(
    id=ENGINE_ID,
    name="Kokoro",
    licence=Licence("Apache-2.0", "Apache License 2.0", True, "https://www.apache.org/licenses/LICENSE-2.0"),
    languages=LANGUAGES,
    sample_rate_hz=24_000,
    options=KokoroOptions,
    factory="studio.engines.kokoro.engine:KokoroEngine",
    models=("kokoro-82m", "kokoro-voices", "ecapa-voxceleb", "campplus"),
    clones=True,
    summary={
        "it": "Il motore incorporato: voce neurale sul processore; clona adattando a una voce uno stile "
        "già esistente, quindi somiglia senza essere identica.",
        "en": "The embedded engine: neural speech on the processor; it clones by fitting an existing style "
        "to a voice, so the result resembles the speaker and is not identical.",
    },
    character_limits={"*": 400},
    recommended_on=frozenset({"cpu"}),
    trains=frozenset({"style"}),
    learner="studio.engines.kokoro.learner:KokoroLearner",
    training_rate_hz=16_000,
    trains_on=frozenset({"cpu"}),
)
