"""Tiny models of the real classes, written in the layout of the hub."""

import json
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2Processor,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)


def write_wav2vec2(folder: Path) -> Path:
    """Random weights whose output varies over time, a letter vocabulary and "|" between words."""
    torch.manual_seed(7)
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefgh'àè"]
    vocabulary = folder / "letters.json"
    vocabulary.write_text(json.dumps({letter: index for index, letter in enumerate(letters)}))
    tokenizer = Wav2Vec2CTCTokenizer(
        str(vocabulary), unk_token="<unk>", pad_token="<pad>", word_delimiter_token="|"
    )
    config = Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        conv_dim=(16, 16, 16), conv_kernel=(10, 8, 4), conv_stride=(10, 8, 4), num_feat_extract_layers=3,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip
    model = Wav2Vec2ForCTC(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(60.0)  # else one letter wins every frame
    model.save_pretrained(folder)
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(return_attention_mask=True), tokenizer).save_pretrained(folder)
    return folder


def write_whisper(folder: Path, aligned: bool) -> Path:
    """Random weights, byte tokens, two languages; `aligned` names attention heads for word times."""
    torch.manual_seed(3)
    signs = sorted(ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|it|>", "<|translate|>", "<|transcribe|>",
               "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
    special += [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    (folder / "vocab.json").write_text(json.dumps({sign: index for index, sign in enumerate(signs)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = WhisperTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    token = {sign: tokenizer.convert_tokens_to_ids(sign) for sign in special[:9]}
    config = WhisperConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=40,
        decoder_start_token_id=token["<|startoftranscript|>"], eos_token_id=token["<|endoftext|>"],
        pad_token_id=token["<|endoftext|>"], bos_token_id=token["<|endoftext|>"],
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        model.model.decoder.embed_positions.weight.normal_(0, 1.0)  # else it repeats one token
        model.model.decoder.embed_tokens.weight.mul_(3.0)
    generation = model.generation_config
    generation._from_model_config = False  # else loading drops the fields below
    generation.begin_suppress_tokens = None
    generation.lang_to_id = {"<|en|>": token["<|en|>"], "<|it|>": token["<|it|>"]}
    generation.task_to_id = {"transcribe": token["<|transcribe|>"], "translate": token["<|translate|>"]}
    generation.no_timestamps_token_id = token["<|notimestamps|>"]
    generation.is_multilingual = True
    generation.max_length = 24
    generation.suppress_tokens = list(range(token["<|endoftext|>"] + 1, len(tokenizer)))
    if aligned:
        generation.alignment_heads = [[0, 0], [1, 1]]
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder
