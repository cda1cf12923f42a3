"""The models of the Coqui catalogue that this engine speaks with: names, languages, licences."""

from dataclasses import dataclass

from studio.engines.base import Licence

_APACHE = Licence("Apache-2.0", "Apache 2.0", True, "https://www.apache.org/licenses/LICENSE-2.0")
_BSD = Licence("BSD-3-Clause", "BSD 3-Clause", True, "https://opensource.org/license/bsd-3-clause")
_CC_BY_NC = Licence("CC-BY-NC-4.0", "CC BY-NC 4.0", False, "https://creativecommons.org/licenses/by-nc/4.0/")
_MIT = Licence("MIT", "MIT", True, "https://opensource.org/license/mit")

FAIRSEQ = "mms"  # the family whose files are in fairseq's layout


@dataclass(frozen=True)
class CoquiModel:
    """A text-to-speech model: `id` in the studio's catalogue, `hub` in coqui's (``language/dataset/model``)."""

    id: str
    name: str
    hub: str
    language: str
    family: str
    licence: Licence
    vocoder: str = ""  # catalogue id; without it Griffin-Lim turns the spectrogram into sound


@dataclass(frozen=True)
class ConversionModel:
    """A voice conversion: `models` are the catalogue ids it needs, the first being its own."""

    name: str
    label: str
    models: tuple[str, ...]
    licence: Licence


LJ_VOCODER = "coqui-vocoder-ljspeech-hifigan"
THORSTEN_VOCODER = "coqui-vocoder-thorsten-hifigan"

COMMERCIAL = (
    CoquiModel("coqui-it-female-vits", "Italiana (VITS)", "it/mai_female/vits", "it", "vits", _APACHE),
    CoquiModel("coqui-it-male-vits", "Italiano (VITS)", "it/mai_male/vits", "it", "vits", _APACHE),
    CoquiModel(
        "coqui-it-female-glow", "Italiana (Glow-TTS)", "it/mai_female/glow-tts", "it", "glow_tts", _APACHE
    ),
    CoquiModel(
        "coqui-it-male-glow", "Italiano (Glow-TTS)", "it/mai_male/glow-tts", "it", "glow_tts", _APACHE
    ),
    CoquiModel("coqui-en-ljspeech-vits", "LJSpeech (VITS)", "en/ljspeech/vits", "en", "vits", _APACHE),
    CoquiModel("coqui-en-vctk-vits", "VCTK, 109 speakers (VITS)", "en/vctk/vits", "en", "vits", _APACHE),
    CoquiModel(
        "coqui-en-ljspeech-tacotron2",
        "LJSpeech (Tacotron 2)",
        "en/ljspeech/tacotron2-DDC",
        "en",
        "tacotron2",
        _APACHE,
        LJ_VOCODER,
    ),
    CoquiModel(
        "coqui-en-ljspeech-fastpitch",
        "LJSpeech (FastPitch)",
        "en/ljspeech/fast_pitch",
        "en",
        "forward_tts",
        _APACHE,
        LJ_VOCODER,
    ),
    CoquiModel("coqui-de-thorsten-vits", "Thorsten (VITS)", "de/thorsten/vits", "de", "vits", _APACHE),
    CoquiModel(
        "coqui-de-thorsten-tacotron2",
        "Thorsten (Tacotron 2)",
        "de/thorsten/tacotron2-DDC",
        "de",
        "tacotron2",
        _APACHE,
        THORSTEN_VOCODER,
    ),
    CoquiModel("coqui-es-css10-vits", "Español (VITS)", "es/css10/vits", "es", "vits", _BSD),
    CoquiModel("coqui-fr-css10-vits", "Français (VITS)", "fr/css10/vits", "fr", "vits", _BSD),
    CoquiModel("coqui-nl-css10-vits", "Nederlands (VITS)", "nl/css10/vits", "nl", "vits", _BSD),
    CoquiModel("coqui-pt-cv-vits", "Português (VITS)", "pt/cv/vits", "pt", "vits", _BSD),
    CoquiModel("coqui-pl-mai-vits", "Polski (VITS)", "pl/mai_female/vits", "pl", "vits", _BSD),
    CoquiModel("coqui-ro-cv-vits", "Română (VITS)", "ro/cv/vits", "ro", "vits", _BSD),
    CoquiModel("coqui-hu-css10-vits", "Magyar (VITS)", "hu/css10/vits", "hu", "vits", _BSD),
    CoquiModel("coqui-cs-cv-vits", "Čeština (VITS)", "cs/cv/vits", "cs", "vits", _BSD),
)

# MMS has no Italian text-to-speech model.
NON_COMMERCIAL = tuple(
    CoquiModel(f"coqui-mms-{code}", f"MMS {name}", f"{code}/fairseq/vits", language, FAIRSEQ, _CC_BY_NC)
    for code, name, language in (
        ("eng", "English", "en"),
        ("deu", "Deutsch", "de"),
        ("fra", "Français", "fr"),
        ("spa", "Español", "es"),
        ("por", "Português", "pt"),
    )
)

WAVLM = "wavlm-large"
CONVERSIONS = (
    ConversionModel("openvoice2", "OpenVoice v2", ("openvoice-v2",), _MIT),
    ConversionModel("knnvc", "kNN-VC", ("coqui-vocoder-wavlm-hifigan", WAVLM), _MIT),
    ConversionModel("freevc", "FreeVC", ("freevc24", "freevc-speaker-encoder", WAVLM), _MIT),
)
