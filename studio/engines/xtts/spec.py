"""What XTTS v2 is, as the studio shows it; no torch here."""

from pydantic import Field

from studio.engines.base import EngineOptions, EngineSpec, Licence

MODEL_ID = "xtts-v2"

# The longest text the model speaks well in one go, by language: the table of coqui-tts 0.28.0.
CHARACTER_LIMITS = {
    "en": 250, "es": 239, "fr": 273, "de": 253, "it": 213, "pt": 203, "pl": 224, "tr": 226, "ru": 182,
    "nl": 251, "cs": 186, "ar": 166, "zh": 82, "hu": 224, "ko": 95, "ja": 71, "hi": 150,
}  # fmt: skip


class XttsOptions(EngineOptions):
    """How the next sound is drawn. Defaults are those published with XTTS v2."""

    temperature: float = Field(
        default=0.75,
        ge=0.05,
        le=1.5,
        description="Higher is livelier, lower is flatter and steadier.",
    )
    top_p: float = Field(
        default=0.85,
        gt=0.0,
        le=1.0,
        description="Draw from the likeliest sounds that add up to this share.",
    )
    top_k: int = Field(default=50, ge=1, le=1024, description="Draw from this many of the likeliest sounds.")
    repetition_penalty: float = Field(
        default=5.0,
        ge=1.0,
        le=20.0,
        description="Higher avoids stretched sounds and silences; 1 is off.",
    )
    stream_chunk_size: int = Field(
        default=20,
        ge=0,
        le=200,
        description="Sounds in a streamed chunk (21.5 a second); 0 waits for the end.",
    )


SPEC = EngineSpec(
    id="xtts",
    name="XTTS v2",
    licence=Licence(
        id="LicenseRef-CPML",
        name="Coqui Public Model License 1.0.0",
        commercial=False,
        url="https://coqui.ai/cpml",
    ),
    languages=tuple(CHARACTER_LIMITS),
    sample_rate_hz=24_000,
    options=XttsOptions,
    factory="studio.engines.xtts.engine:XttsEngine",
    models=(MODEL_ID,),
    clones=True,
    summary={
        "en": (
            "Clones a voice from seconds of speech in 17 languages; non-commercial only, the model and what "
            "it generates; made for a GPU, about twelve times slower than speech on two CPU cores."
        ),
        "it": (
            "Clona una voce da pochi secondi di parlato in 17 lingue; solo usi non commerciali, il modello "
            "e ciò che genera; pensato per una GPU, circa dodici volte più lento del parlato su due core."
        ),
    },
    character_limits=CHARACTER_LIMITS,
    recommended_on=frozenset({"cuda"}),
    trains=frozenset({"lora", "bottleneck", "full"}),
    learner="studio.engines.xtts.learner:XttsLearner",
    training_rate_hz=22_050,
    merger="studio.engines.xtts.merging:write_merged",
    merges=frozenset({"lora", "full"}),
)
