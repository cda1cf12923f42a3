"""What people can bring for the Coqui engines: voices, their vocoders, and the parts of the conversions."""

from studio.engines.base import HandModel, Licence
from studio.engines.coqui.models import (
    CONVERSIONS,
    FAIRSEQ,
    LJ_VOCODER,
    THORSTEN_VOCODER,
    WAVLM,
    ConversionModel,
    CoquiModel,
)

_CHECKPOINT = "*.pth|*.pt|*.tar"
_CONFIGURED = ("config.json", _CHECKPOINT)
_APACHE = Licence("Apache-2.0", "Apache 2.0", True, "https://www.apache.org/licenses/LICENSE-2.0")
_MIT = Licence("MIT", "MIT", True, "https://opensource.org/license/mit")
# Its repository says MIT, its model card CC BY-SA 3.0; both permit commercial use.
_WAVLM = Licence(
    "MIT OR CC-BY-SA-3.0",
    "MIT (repository), CC BY-SA 3.0 (model card)",
    True,
    "https://github.com/microsoft/unilm/blob/master/LICENSE",
)
_MULTI = "voice_conversion_models/multilingual"
# id -> name, where coqui's own table lists it, role, files
_PARTS = {
    "openvoice-v2": ("OpenVoice v2", f"{_MULTI}/multi-dataset/openvoice_v2", "conversion", _CONFIGURED),
    "freevc24": ("FreeVC 24 kHz", f"{_MULTI}/vctk/freevc24", "conversion", (_CHECKPOINT,)),
    "coqui-vocoder-wavlm-hifigan": (
        "HiFi-GAN (WavLM)",
        "vocoder_models/en/librispeech100/wavlm-hifigan_prematched",
        "part",
        _CONFIGURED,
    ),
    "freevc-speaker-encoder": ("FreeVC: speaker_encoder.pt", "speaker_encoder.pt", "part", (_CHECKPOINT,)),
    WAVLM: ("WavLM Large", "WavLM-Large.pt", "part", (_CHECKPOINT,)),
}
VOCODERS = (
    HandModel(
        LJ_VOCODER, "HiFi-GAN (LJSpeech)", "vocoder", (), _APACHE, _CONFIGURED,
        "vocoder_models/en/ljspeech/hifigan_v2", ("Tacotron 2", "FastPitch"),
    ),
    HandModel(
        THORSTEN_VOCODER, "HiFi-GAN (Thorsten)", "vocoder", (), _APACHE, _CONFIGURED,
        "vocoder_models/de/thorsten/hifigan_v1", ("Tacotron 2",),
    ),
)  # fmt: skip


def voice(model: CoquiModel) -> HandModel:
    """A text-to-speech model; those in fairseq's layout bring their letters in ``vocab.txt``."""
    files = ("config.json", "vocab.txt", _CHECKPOINT) if model.family == FAIRSEQ else _CONFIGURED
    origin = f"tts_models/{model.hub}"
    return HandModel(model.id, model.name, "voice", (model.language,), model.licence, files, origin)


def conversions() -> tuple[HandModel, ...]:
    """Every model a conversion needs, each once, in the order in which conversions are preferred."""
    ids = dict.fromkeys(model for conversion in CONVERSIONS for model in conversion.models)
    return tuple(_part(model_id, [c for c in CONVERSIONS if model_id in c.models]) for model_id in ids)


def _part(model_id: str, users: list[ConversionModel]) -> HandModel:
    name, origin, role, files = _PARTS[model_id]
    licence = _WAVLM if model_id == WAVLM else _MIT
    return HandModel(model_id, name, role, (), licence, files, origin, tuple(c.label for c in users))
