"""Recognisers of transformers that the word errors can be measured with, once people have brought them.

The studio has never seen their files: without a SHA-256 it fetches nothing, so they are brought by hand.
"""

from studio.engines.base import HandModel, Licence

_APACHE = Licence("Apache-2.0", "Apache 2.0", True, "https://www.apache.org/licenses/LICENSE-2.0")
_WEIGHTS = "model.safetensors|pytorch_model.bin"

RECOGNISERS = (
    HandModel(
        "wav2vec2-italian", "wav2vec2 XLSR-53, Italian", "recogniser", ("it",), _APACHE,
        ("config.json", "preprocessor_config.json", "vocab.json", _WEIGHTS),
        "jonatasgrosman/wav2vec2-large-xlsr-53-italian", size_mb=1300,
    ),
    HandModel(
        "whisper-small", "Whisper small (transformers)", "recogniser", (), _APACHE,
        (
            "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json|vocab.json", _WEIGHTS,
        ),
        "openai/whisper-small", size_mb=1000,
    ),
)  # fmt: skip
