"""The Piper engine as the rest of the studio knows it."""

from pydantic import Field

from studio.engines.base import EngineOptions, EngineSpec, HandModel, Licence

CC0 = Licence(
    "CC0-1.0",
    "CC0 (recordings, by the voices' cards; the voices are fine-tuned from lessac, whose data have other terms)",
    commercial=True,
    url="https://creativecommons.org/publicdomain/zero/1.0/",
)
# Its recordings are CC0, as joe's are (Nabu Casa voice datasets); the SHA-256 of its files is not known here.
PAOLA = HandModel(
    "piper-it-paola", "Piper: Paola (it_IT, medium)", "voice", ("it",), CC0, ("*.onnx", "*.onnx.json"),
    "rhasspy/piper-voices: it/it_IT/paola/medium", size_mb=64,
)  # fmt: skip
VOICES = ("piper-en-joe", PAOLA.id)


class PiperOptions(EngineOptions):
    """Piper's own options; 1 is what the voice was published with."""

    variation: float = Field(
        default=1.0, ge=0.0, le=2.0, description="How much the sound varies; 0 is flat, 1 is the voice's own."
    )
    rhythm: float = Field(
        default=1.0,
        ge=0.0,
        le=2.0,
        description="How much the rhythm varies; 0 is even, 1 is the voice's own.",
    )
    sentence_pause_s: float = Field(
        default=0.2, ge=0.0, le=3.0, description="Silence between two sentences of one text, in seconds."
    )


SPEC = EngineSpec(
    id="piper",
    name="Piper",
    licence=CC0,
    languages=("en", "it"),  # of the voices there are; a studio speaks those of the ones it has
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
    by_hand=(PAOLA,),
)
