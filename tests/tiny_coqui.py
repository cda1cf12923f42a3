"""Writes tiny, randomly initialised Coqui models of the real classes, in the real layouts, to folders."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn
from TTS.tts.configs.fastspeech2_config import Fastspeech2Config
from TTS.tts.configs.glow_tts_config import GlowTTSConfig
from TTS.tts.configs.shared_configs import CharactersConfig
from TTS.tts.configs.tacotron2_config import Tacotron2Config
from TTS.tts.configs.vits_config import VitsConfig
from TTS.tts.models import setup_model
from TTS.tts.models.vits import FairseqVocab, Vits
from TTS.vc.configs.freevc_config import FreeVCConfig
from TTS.vc.configs.openvoice_config import OpenVoiceConfig
from TTS.vc.layers.freevc.wavlm.wavlm import WavLM, WavLMConfig
from TTS.vc.models import freevc
from TTS.vc.models.openvoice import OpenVoice
from TTS.vocoder.configs.hifigan_config import HifiganConfig
from TTS.vocoder.models import setup_generator

from studio.engines.coqui.phonemes import use_library_espeak

_LETTERS = CharactersConfig(
    pad="_",
    eos="~",
    bos="^",
    blank="<BLNK>",
    characters="abcdefghijklmnopqrstuvwxyzàèéìòù",
    punctuations="!'(),-.:;? ",
    phonemes="",
    is_unique=True,
    is_sorted=True,
    characters_class="TTS.tts.utils.text.characters.Graphemes",
)
_VITS = {
    "hidden_channels": 16,
    "hidden_channels_ffn_text_encoder": 32,
    "num_layers_text_encoder": 1,
    "num_layers_posterior_encoder": 1,
    "num_layers_flow": 1,
    "upsample_rates_decoder": [16, 16],
    "upsample_kernel_sizes_decoder": [32, 32],
    "upsample_initial_channel_decoder": 32,
    "resblock_kernel_sizes_decoder": [3],
    "resblock_dilation_sizes_decoder": [[1, 3, 5]],
    "init_discriminator": False,
}
_WAVLM_WIDTH = 32


def write_vits(folder: Path, *, speakers: tuple[str, ...] = (), phonemes: bool = False) -> Path:
    """VITS reading letters, or espeak phonemes; with several speakers their names are in a side file."""
    config = VitsConfig()
    _set(config.model_args, _VITS)
    if phonemes:
        config.use_phonemes, config.phonemizer, config.phoneme_language = True, "espeak", "it"
        config.text_cleaner = "basic_cleaners"
    else:
        config.characters = CharactersConfig(
            **{**_LETTERS, "characters_class": "TTS.tts.models.vits.VitsCharacters"}
        )
        config.text_cleaner = "basic_cleaners"
    if speakers:
        config.model_args.use_speaker_embedding = True
        config.model_args.speaker_embedding_channels = 8
        config.model_args.num_speakers = len(speakers)
        folder.mkdir(parents=True, exist_ok=True)
        ids = folder / "speaker_ids.json"
        ids.write_text(json.dumps({name: number for number, name in enumerate(speakers)}))
        config.model_args.speakers_file = str(ids)
    return _write_tts(config, folder, {"model_args": {"speakers_file": "/somewhere/else/speaker_ids.json"}})


def write_tacotron2(folder: Path) -> Path:
    """Tacotron 2 that stops after a few frames (it has learnt no end of its own)."""
    config = Tacotron2Config(characters=_LETTERS, text_cleaner="basic_cleaners", max_decoder_steps=12, r=2)
    return _write_tts(config, folder)


def write_fastspeech2(folder: Path) -> Path:
    """FastSpeech 2, coqui's ForwardTTS with pitch and energy."""
    config = Fastspeech2Config(characters=_LETTERS, text_cleaner="basic_cleaners")
    small = {"hidden_channels_ffn": 16, "num_heads": 1, "num_layers": 1, "dropout_p": 0.1}
    sizes = {"hidden_channels": 16, "encoder_params": small, "decoder_params": dict(small)}
    config.audio.do_trim_silence = False  # upstream takes a sound below zero for silence, and noise often is
    _set(config.model_args, sizes)
    return _write_tts(config, folder)


def write_glow(folder: Path) -> Path:
    """Glow-TTS, the other Italian family of the catalogue."""
    config = GlowTTSConfig(characters=_LETTERS, text_cleaner="basic_cleaners", num_flow_blocks_dec=2)
    config.hidden_channels_enc = config.hidden_channels_dec = config.hidden_channels_dp = 16
    config.encoder_params = {
        "kernel_size": 3,
        "dropout_p": 0.1,
        "num_layers": 1,
        "num_heads": 2,
        "hidden_channels_ffn": 16,
        "input_length": None,
    }
    return _write_tts(config, folder)


def write_mms(folder: Path) -> Path:
    """An MMS voice as Meta publishes it: fairseq's names for everything."""
    folder.mkdir(parents=True, exist_ok=True)
    letters = "-_abcdefghijklmnopqrstuvwxyz' "
    (folder / "vocab.txt").write_text("\n".join(letters) + "\n", encoding="utf-8")
    config = VitsConfig()
    _set(config.model_args, _VITS | {"num_layers_posterior_encoder": 16, "num_layers_flow": 4})
    model = Vits(config)
    vocabulary = FairseqVocab.init_from_vocab_file(folder / "vocab.txt")
    model.text_encoder.emb = nn.Embedding(vocabulary.num_chars, config.model_args.hidden_channels)
    weights = {_fairseq_name(name): tensor for name, tensor in model.state_dict().items()}
    torch.save({"model": weights}, folder / "G_100000.pth")
    theirs = {
        "data": {"sampling_rate": 16000, "training_files": "train.ltr", "add_blank": True},
        "model": {
            "hidden_channels": 16,
            "filter_channels": 32,
            "n_heads": 2,
            "n_layers": 1,
            "kernel_size": 3,
            "upsample_rates": [16, 16],
            "upsample_kernel_sizes": [32, 32],
            "upsample_initial_channel": 32,
            "resblock": "1",
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3, 5]],
        },
    }
    (folder / "config.json").write_text(json.dumps(theirs))
    return folder


def write_vocoder(folder: Path, *, wavlm: bool = False) -> Path:
    """A HiFi-GAN for mel spectrograms at 22 050 Hz, or for WavLM frames at 16 kHz (kNN-VC)."""
    config = HifiganConfig()
    factors = [20, 16] if wavlm else [16, 16]
    config.generator_model_params = {
        "in_channels": 16 if wavlm else 80,
        "upsample_factors": factors,
        "upsample_kernel_sizes": [2 * factor for factor in factors],
        "upsample_initial_channel": 16,
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3, 5]],
        "resblock_type": "1",
    }
    if wavlm:
        config.generator_model_params |= {"pre_linear": _WAVLM_WIDTH, "inference_padding": 0}
        config.audio.sample_rate = 16000
    folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    torch.manual_seed(3)
    weights = setup_generator(config).state_dict()
    if wavlm:  # the newer layout: both networks in one dictionary
        weights = {f"model_g.{name}": tensor for name, tensor in weights.items()} | {
            "model_d.x": torch.zeros(1)
        }
    torch.save({"model": weights}, folder / "model_file.pth")
    return folder


def write_openvoice(folder: Path) -> Path:
    """OpenVoice v2's converter: its own config.json and checkpoint.pth."""
    sizes = {
        "zero_g": True,
        "inter_channels": 8,
        "hidden_channels": 8,
        "resblock": "1",
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3, 5]],
        "upsample_rates": [16, 16],
        "upsample_initial_channel": 16,
        "upsample_kernel_sizes": [32, 32],
        "gin_channels": 16,
    }
    data = {
        "sampling_rate": 22050,
        "filter_length": 1024,
        "hop_length": 256,
        "win_length": 1024,
        "n_speakers": 0,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"_version_": "v2", "data": data, "model": sizes}))
    config = OpenVoiceConfig()
    _set(config.model_args, sizes)
    torch.manual_seed(4)
    torch.save({"model": _louder(OpenVoice(config)).state_dict()}, folder / "checkpoint.pth")
    return folder


def write_wavlm(folder: Path) -> Path:
    """WavLM in Microsoft's layout, with the six layers kNN-VC reads."""
    cfg = {
        "extractor_mode": "layer_norm",
        "encoder_layers": 6,
        "encoder_embed_dim": _WAVLM_WIDTH,
        "encoder_ffn_embed_dim": 32,
        "encoder_attention_heads": 2,
        "layer_norm_first": True,
        "conv_feature_layers": "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2",
        "conv_pos": 16,
        "conv_pos_groups": 4,
        "relative_position_embedding": True,
        "num_buckets": 32,
        "max_distance": 80,
        "gru_rel_pos": True,
    }
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    torch.save({"cfg": cfg, "model": WavLM(WavLMConfig(cfg)).state_dict()}, folder / "WavLM-Large.pt")
    return folder


def write_freevc(folder: Path, encoder: Path) -> Path:
    """FreeVC in `folder` (weights without WavLM and speaker encoder), its speaker encoder in `encoder`."""
    config = FreeVCConfig()
    sizes = {
        "ssl_dim": _WAVLM_WIDTH,
        "inter_channels": 8,
        "hidden_channels": 8,
        "upsample_rates": [24, 20],
        "upsample_kernel_sizes": [48, 40],
        "upsample_initial_channel": 16,
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3, 5]],
        "use_spk": True,
    }
    _set(config.model_args, sizes)
    folder.mkdir(parents=True, exist_ok=True)
    encoder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    torch.manual_seed(6)
    torch.save({"model_state": _SpeakerNetwork().state_dict()}, encoder / "speaker_encoder.pt")
    model = _BareFreeVC(config)
    torch.save({"model": _louder(model).state_dict()}, folder / "model.pth")
    return folder


class _SpeakerNetwork(nn.Module):
    """The shapes of FreeVC's speaker encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)


class _BareFreeVC(freevc.FreeVC):
    """FreeVC built without its two borrowed networks: what its own checkpoint holds."""

    def load_pretrained_speaker_encoder(self) -> None:
        return

    def __init__(self, config: Any) -> None:
        held, freevc.get_wavlm = freevc.get_wavlm, nn.Identity
        try:
            super().__init__(config)
        finally:
            freevc.get_wavlm = held


def _write_tts(config: Any, folder: Path, changes: dict[str, dict[str, Any]] | None = None) -> Path:
    """Build, save config.json (with `changes` made to its sections afterwards) and model_file.pth."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(2)
    use_library_espeak()
    model = setup_model(config)
    _slower(model)
    config.save_json(str(folder / "config.json"))
    saved = json.loads((folder / "config.json").read_text())
    for section, values in (changes or {}).items():
        saved[section] |= {name: value for name, value in values.items() if saved[section].get(name)}
    (folder / "config.json").write_text(json.dumps(saved))
    torch.save({"model": model.state_dict()}, folder / "model_file.pth")
    return folder


def _louder(model: nn.Module) -> nn.Module:
    """Fresh decoders whisper and fresh flows do nothing; this makes the differences between voices heard."""
    with torch.no_grad():
        model.dec.conv_post.weight.mul_(20)
        for flow in model.flow.flows[::2]:
            flow.post.weight.normal_(0, 0.3)
    return model


def _slower(model: nn.Module) -> None:
    """Fresh duration predictors say "no frames at all"; about eight a letter can be stretched and heard."""
    predictor = getattr(model, "duration_predictor", None) or getattr(
        getattr(model, "encoder", None), "duration_predictor", None
    )
    if isinstance(getattr(predictor, "proj", None), nn.Conv1d) and predictor.proj.out_channels == 1:
        with torch.no_grad():
            predictor.proj.bias.fill_(2.2)


def _set(arguments: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(arguments, name, value)


def _fairseq_name(name: str) -> str:
    """coqui's name of a VITS weight -> fairseq's."""
    for ours, theirs in (
        ("text_encoder.", "enc_p."),
        ("waveform_decoder.", "dec."),
        ("posterior_encoder.", "enc_q."),
    ):
        if name.startswith(ours):
            return theirs + name[len(ours) :]
    head, _, rest = name.partition(".flows.")
    number, _, tail = rest.partition(".")
    if head == "flow":
        return f"flow.flows.{2 * int(number)}.{tail}"
    if not name.startswith("duration_predictor."):
        return name
    short = name.replace("duration_predictor.", "dp.", 1)
    for flows in ("flows", "post_flows"):
        prefix = f"dp.{flows}."
        if short.startswith(prefix):
            number, _, tail = short[len(prefix) :].partition(".")
            if number == "0":
                return prefix + "0." + {"translation": "m", "log_scale": "logs"}[tail]
            return f"{prefix}{2 * int(number) - 1}.{tail}"
    return short
