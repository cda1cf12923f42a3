"""Which Coqui models are installed, and the ones loaded last."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from studio.engines.base import EngineContext
from studio.engines.coqui.folder import speaker_names
from studio.engines.coqui.models import CONVERSIONS, FAIRSEQ, WAVLM, CoquiModel
from studio.errors import ModelBroken, ModelMissing, NotFound

if TYPE_CHECKING:  # torch and coqui-tts take seconds to import: only speaking needs them
    import torch

    from studio.engines.coqui.conversion import Conversion
    from studio.engines.coqui.speaker import CoquiSpeaker

_SPEAKERS_KEPT = 2


class CoquiLibrary:
    """Loads models from their folders on first use. One thread at a time."""

    def __init__(self, context: EngineContext, catalogue: tuple[CoquiModel, ...]) -> None:
        self._context = context
        self.installed: Mapping[str, CoquiModel] = {
            model.id: model for model in catalogue if self._folder(model.id) is not None
        }
        self._names: dict[str, tuple[str, ...]] = {}
        self._loaded: dict[str, CoquiSpeaker] = {}
        self._conversions: dict[str, Conversion] = {}
        self._wavlm: torch.nn.Module | None = None

    def speaker(self, model_id: str) -> "CoquiSpeaker":
        """The loaded model; the one used longest ago makes room for it."""
        loaded = self._loaded.pop(model_id, None) or self._load(self.installed[model_id])
        self._loaded[model_id] = loaded
        while len(self._loaded) > _SPEAKERS_KEPT:
            self._loaded.pop(next(iter(self._loaded)))
        return loaded

    def speakers(self, model_id: str) -> tuple[str, ...]:
        """The names of a model's speakers when it has more than one."""
        if model_id not in self._names:
            folder = self._context.model_files(model_id)
            one_voice = self.installed[model_id].family == FAIRSEQ
            self._names[model_id] = () if one_voice else speaker_names(folder)
        names = self._names[model_id]
        return names if len(names) > 1 else ()

    def conversions(self) -> tuple[str, ...]:
        """The names of the conversions whose models are all installed, the preferred one first."""
        return tuple(c.name for c in CONVERSIONS if all(self._folder(model) for model in c.models))

    def conversion(self, name: str) -> "Conversion":
        """A loaded conversion. ModelMissing where one of its models is not installed."""
        from studio.engines.coqui.conversion import load_conversion

        if name not in self._conversions:
            (known,) = (conversion for conversion in CONVERSIONS if conversion.name == name)
            folders = [self._context.model_files(model) for model in known.models]
            self._conversions[name] = load_conversion(name, folders, self._read_wavlm, self._context.device)
        return self._conversions[name]

    def conversion_models(self) -> str:
        """For messages: what to install to clone with each conversion."""
        return "; ".join(f"{c.label}: {' + '.join(c.models)}" for c in CONVERSIONS)

    def unload(self) -> None:
        """Forget what is loaded."""
        self._loaded.clear()
        self._conversions.clear()
        self._wavlm = None
        if self._context.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()

    def _load(self, model: CoquiModel) -> "CoquiSpeaker":
        from studio.engines.coqui.loading import load_fairseq, load_speaker

        folder = self._context.model_files(model.id)
        if model.family == FAIRSEQ:
            return load_fairseq(folder, self._context.device)
        vocoder = self._folder(model.vocoder) if model.vocoder else None
        return load_speaker(folder, vocoder, self._context.device)

    def _read_wavlm(self) -> "torch.nn.Module":
        """WavLM, shared by the two conversions that listen with it."""
        from studio.engines.coqui.conversion import read_wavlm

        if self._wavlm is None:
            self._wavlm = read_wavlm(self._context.model_files(WAVLM)).to(self._context.device)
        return self._wavlm

    def _folder(self, model_id: str) -> Path | None:
        """Where a model is; None for one that is absent, broken or unknown to the store's catalogue."""
        try:
            return self._context.model_files(model_id)
        except (ModelMissing, ModelBroken, NotFound):
            return None
