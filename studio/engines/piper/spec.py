"""The Piper engine as the rest of the studio knows it."""

from pydantic import Field

from studio.engines.base import EngineOptions, EngineSpec, Licence

VOICES = (
    "piper-en-joe",
    "piper-it-paola",
)


class PiperOptions(EngineOptions):
    """Piper's own options; None means the value the voice was published with."""

    noise_scale: float | None = Field(
        default=None, ge=0.0, le=1.5, description="How much the sound varies; 0 is flat, the usual is 0.667."
    )
    noise_w: float | None = Field(
        default=None, ge=0.0, le=1.5, description="How much the rhythm varies; 0 is even, the usual is 0.8."
    )
    sentence_pause_s: float = Field(
        default=0.2, ge=0.0, le=3.0, description="Silence between two sentences of one text, in seconds."
    )


SPEC = EngineSpec(
    id="piper",
    name="Piper",
    licence=Licence("CC0-1.0", "CC0 (the voices listed here)", commercial=True),
    languages=("en", "it"),
    sample_rate_hz=22050,
    options=PiperOptions,
    factory="studio.engines.piper.engine:PiperEngine",
    models=(),
    clones=False,
    summary={
        "it": "Voci pronte, piccole e velocissime anche senza scheda grafica; non clona. "
        "Gira in un processo a parte.",
        "en": "Ready-made voices, small and very fast even without a graphics card; it does not clone. "
        "It runs in a process of its own.",
    },
    character_limits={"*": 600},
    any_of=VOICES,
)
