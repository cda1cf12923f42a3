"""The Coqui catalogue as two engines: models that may be used commercially, and MMS, which may not."""

from typing import Literal

from pydantic import Field

from studio.engines.base import EngineOptions, EngineSpec, Licence
from studio.engines.coqui.by_hand import VOCODERS, conversions, voice
from studio.engines.coqui.models import COMMERCIAL, NON_COMMERCIAL, CoquiModel


class CoquiOptions(EngineOptions):
    """Options of the Coqui engines; both matter for cloned voices only."""

    model: str = Field(
        default="",
        max_length=100,
        description="The voice that speaks before conversion, as listed among the ready-made voices; "
        "empty means the first that speaks the language.",
    )
    conversion: Literal["auto", "openvoice2", "knnvc", "freevc"] = Field(
        default="auto",
        description="How the spoken sentence is turned into the cloned voice; auto takes the first installed.",
    )


def _languages(models: tuple[CoquiModel, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(model.language for model in models))


COQUI = EngineSpec(
    id="coqui",
    name="Coqui",
    licence=Licence(
        "Apache-2.0 AND BSD-3-Clause AND MIT", "Apache 2.0, BSD or MIT, by model", commercial=True
    ),
    languages=_languages(COMMERCIAL),
    sample_rate_hz=22050,
    options=CoquiOptions,
    factory="studio.engines.coqui.engine:CoquiEngine",
    models=(),
    clones=True,
    summary={
        "it": "Una voce pronta legge e una conversione la porta verso la voce clonata: licenze che permettono "
        "l'uso commerciale, ritmo e accento restano quelli della voce che legge.",
        "en": "A ready-made voice reads and a conversion turns it towards the cloned one: licences that permit "
        "commercial use; rhythm and accent stay those of the reader.",
    },
    character_limits={"*": 250},
    any_of=tuple(model.id for model in COMMERCIAL),
    by_hand=(*map(voice, COMMERCIAL), *VOCODERS, *conversions()),
)

MMS = EngineSpec(
    id="coqui-mms",
    name="MMS",
    licence=Licence(
        "CC-BY-NC-4.0",
        "CC BY-NC 4.0",
        commercial=False,
        url="https://creativecommons.org/licenses/by-nc/4.0/",
    ),
    languages=_languages(NON_COMMERCIAL),
    sample_rate_hz=22050,
    options=CoquiOptions,
    factory="studio.engines.coqui.engine:MmsEngine",
    models=(),
    clones=True,
    summary={
        "it": "Le voci MMS di Meta, per uso non commerciale e senza italiano; clona per conversione.",
        "en": "Meta's MMS voices, for non-commercial use and without Italian; clones by conversion.",
    },
    character_limits={"*": 250},
    any_of=tuple(model.id for model in NON_COMMERCIAL),
    by_hand=(*map(voice, NON_COMMERCIAL), *conversions()),
)

SPECS = (COQUI, MMS)
