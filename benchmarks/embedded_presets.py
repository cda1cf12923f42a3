"""Measure what the encoders hear in every Kokoro preset and write studio/engines/kokoro/presets.npz.

Run: python -m benchmarks.embedded_presets STORAGE_MODELS [OUTPUT]
"""

import sys
from pathlib import Path

import numpy as np
import torch

from studio.engines.kokoro.encoders import RATE_HZ, load_encoders
from studio.engines.kokoro.phonemes import Phonemizer, ids_of
from studio.engines.kokoro.presets import PRESET_IDS, PresetProfiles, load_style
from studio.engines.kokoro.reference import resample, voiced_f0
from studio.engines.kokoro.runtime import open_speaking
from studio.engines.kokoro.voice import KokoroVoice

SENTENCES = (
    ("it", "Domani mattina il treno parte alle nove."),
    ("en", "The old garden is full of singing birds."),
)


def main() -> None:
    torch.set_num_threads(2)
    models, output = Path(sys.argv[1]), Path(sys.argv[2])
    encoders = load_encoders(models / "ecapa-voxceleb", models / "campplus")
    speaking = open_speaking(models / "kokoro-82m" / "model.onnx", 2)
    phonemizer = Phonemizer()
    ids = [ids_of(phonemizer(text, language)) for language, text in SENTENCES]
    embeddings, pitches = [], []
    for name in PRESET_IDS:
        voice = KokoroVoice(load_style(models / "kokoro-voices", name))
        sounds = [speaking.speak(one, voice, voice.style_for(len(one)), 1.0, 1.0) for one in ids]
        sounds16 = [resample(torch.from_numpy(sound), 24_000, RATE_HZ) for sound in sounds]
        with torch.no_grad():
            pairs = [encoders.embed(sound / sound.square().mean().sqrt() * 0.06) for sound in sounds16]
        mean = [
            torch.nn.functional.normalize(torch.stack(vectors).mean(0), dim=0)
            for vectors in zip(*pairs, strict=True)
        ]
        embeddings.append(torch.stack(mean).numpy())
        pitches.append(float(np.median(np.log(np.concatenate([voiced_f0(s.numpy()) for s in sounds16])))))
        print(name, f"{np.exp(pitches[-1]):.0f} Hz", flush=True)
    PresetProfiles(np.stack(embeddings), np.array(pitches, np.float32)).save(output)


if __name__ == "__main__":
    main()
