"""Clone real speakers with the embedded engine and let judges outside its loss say how near it came.

Run: python -m benchmarks.embedded_cloning ../shared/voices --models storage/models --output OUT [--document FILE]

For every speaker: enrol from about 20 s, speak three sentences the fit never saw, compare with held-out
recordings. What is done is kept under OUT, so an interrupted run goes on where it stopped.
"""

import argparse
import csv
import json
import os
import platform
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.embedded_judges import Judges, Samples
from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, Utterance, VoiceState
from studio.engines.kokoro.engine import KokoroEngine
from studio.engines.kokoro.spec import KokoroOptions

SPEAKERS = ("it-m1", "en-f1", "en-f2", "fr-f1", "nl-m1", "cs-m1", "ru-f1")
SPOKEN = {"it-m1": "it", "fr-f1": "fr", "nl-m1": "it"}  # the others are heard in English
SENTENCES = {
    "it": (
        "La biblioteca comunale resta chiusa per tutto il mese di agosto.",
        "Vorrei sapere se il pacco che ho spedito ieri è già arrivato.",
        "Dopo la pioggia il sentiero nel bosco era pieno di foglie bagnate.",
    ),
    "en": (
        "The public library will stay closed for the whole month of August.",
        "I would like to know whether the parcel I sent yesterday has arrived.",
        "After the rain the path through the forest was covered with wet leaves.",
    ),
    "fr": (
        "La bibliothèque municipale reste fermée pendant tout le mois de juillet.",
        "Je voudrais savoir si le colis que j'ai envoyé hier est déjà arrivé.",
        "Après la pluie, le chemin de la forêt était couvert de feuilles mouillées.",
    ),
}
BASELINES = {"it": ("if_sara", "im_nicola"), "en": ("af_heart", "am_michael"), "fr": ("ff_siwis",)}
REFERENCE_S, HELD_OUT = 20.0, 10
RATE_HZ = 24_000


@dataclass(frozen=True)
class Row:
    """One speaker's figures; cosines are WeSpeaker's, means over the three sentences."""

    speaker: str
    language: str
    reference_s: float
    target: float
    best_preset: float
    best_preset_name: str
    nearest_other: float
    nearest_other_name: str
    real_to_real: float
    wer: float
    preset_wer: float
    mos: float
    preset_mos: float
    rtf: float
    cpu_s_per_s: float
    enrol_s: float
    enrol_cpu_s: float
    loss_similarity: str
    strength: str
    load: float


@dataclass(frozen=True)
class Bench:
    """What every measurement needs."""

    engine: KokoroEngine
    judges: Judges
    output: Path
    effort: str

    def kept(self, name: str, make: Callable[[], dict[str, object]]) -> dict[str, object]:
        """A result from an earlier run, or a new one, kept."""
        path = self.output / f"{name}.json"
        if not path.is_file():
            path.write_text(json.dumps(make()))
        loaded: dict[str, object] = json.loads(path.read_text())
        return loaded

    def say(self, voice: VoiceState, text: str, language: str) -> Samples:
        chunks = self.engine.synthesize([Utterance(text, language)], voice, KokoroOptions())
        return np.concatenate([chunk.clip.samples for chunk in chunks])


def recordings(voices: Path, speaker: str) -> tuple[list[AudioClip], list[AudioClip]]:
    """About 20 s to enrol from and up to ten held-out clips, drawn at random with a fixed seed."""
    with (voices / "manifest.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["speaker"] == speaker]
    random.Random(0).shuffle(rows)
    reference: list[AudioClip] = []
    held: list[AudioClip] = []
    for row in rows:
        samples, rate = soundfile.read(voices / row["path"], dtype="float32")
        enough = sum(clip.duration_s for clip in reference) >= REFERENCE_S
        (held if enough else reference).append(AudioClip(samples, rate))
    return reference, held[:HELD_OUT]


def centroid(judges: Judges, clips: list[AudioClip]) -> Samples:
    mean = np.mean([judges.speaker(clip.samples, clip.sample_rate_hz) for clip in clips], axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def preset_table(bench: Bench, language: str) -> dict[str, object]:
    """Every preset's judge embedding on the first sentence, and WER and MOS of the language's own presets."""
    vectors = {}
    for preset in bench.engine.presets():
        sound = bench.say(bench.engine.preset_voice(preset.id), SENTENCES[language][0], language)
        vectors[preset.id] = bench.judges.speaker(sound, RATE_HZ).tolist()
    wrong, words, mos = 0, 0, []
    for preset_id in BASELINES[language]:
        for text in SENTENCES[language]:
            sound = bench.say(bench.engine.preset_voice(preset_id), text, language)
            errors, count = bench.judges.words_wrong(sound, RATE_HZ, text, language)
            wrong, words = wrong + errors, words + count
            mos.append(bench.judges.mos(sound, RATE_HZ))
    return {"vectors": vectors, "wer": wrong / words, "mos": float(np.mean(mos))}


def enrolled(
    bench: Bench, speaker: str, language: str, reference: list[AudioClip]
) -> tuple[VoiceState, float, float]:
    """The fitted voice, with wall and processor seconds; from the folder when it is there."""
    path = bench.output / f"{speaker}.safetensors"
    timing = bench.output / f"{speaker}.time.json"
    if not path.is_file():
        wall, cpu = time.monotonic(), time.process_time()
        state = bench.engine.encode_voice(reference, language=language, effort=bench.effort)  # type: ignore[arg-type]
        timing.write_text(json.dumps([time.monotonic() - wall, time.process_time() - cpu]))
        path.write_bytes(state.to_bytes())
    wall_s, cpu_s = json.loads(timing.read_text())
    return VoiceState.from_bytes(path.read_bytes()), wall_s, cpu_s


def measure(bench: Bench, voices: Path, speaker: str, centroids: dict[str, Samples]) -> Row:
    language = SPOKEN.get(speaker, "en")
    reference, _ = recordings(voices, speaker)
    voice, enrol_s, enrol_cpu_s = enrolled(bench, speaker, language, reference)
    table = bench.kept(f"presets-{language}", lambda: preset_table(bench, language))
    bench.say(voice, "Uno due tre.", "it")  # the model is loaded before anything is timed
    load = os.getloadavg()[0]
    wall, cpu = time.monotonic(), time.process_time()
    sounds = [bench.say(voice, text, language) for text in SENTENCES[language]]
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    seconds = sum(len(sound) for sound in sounds) / RATE_HZ
    for index, sound in enumerate(sounds):
        soundfile.write(bench.output / f"{speaker}-{index}.wav", sound, RATE_HZ)
    vectors = np.stack([bench.judges.speaker(sound, RATE_HZ) for sound in sounds])
    target = centroids[speaker]
    others = {name: float((vectors @ other).mean()) for name, other in centroids.items() if name != speaker}
    other = max(others, key=lambda name: others[name])
    presets = {name: float(np.array(vector) @ target) for name, vector in table["vectors"].items()}  # type: ignore[attr-defined]
    preset = max(presets, key=lambda name: presets[name])
    counts = [
        bench.judges.words_wrong(sound, RATE_HZ, text, language)
        for sound, text in zip(sounds, SENTENCES[language], strict=True)
    ]
    return Row(
        speaker=speaker,
        language=language,
        reference_s=sum(clip.duration_s for clip in reference),
        target=float((vectors @ target).mean()),
        best_preset=presets[preset],
        best_preset_name=preset,
        nearest_other=others[other],
        nearest_other_name=other,
        real_to_real=float(
            np.mean([bench.judges.speaker(c.samples, c.sample_rate_hz) @ target for c in reference])
        ),
        wer=sum(errors for errors, _ in counts) / sum(words for _, words in counts),
        preset_wer=float(table["wer"]),  # type: ignore[arg-type]
        mos=float(np.mean([bench.judges.mos(sound, RATE_HZ) for sound in sounds])),
        preset_mos=float(table["mos"]),  # type: ignore[arg-type]
        rtf=wall / seconds,
        cpu_s_per_s=cpu / seconds,
        enrol_s=enrol_s,
        enrol_cpu_s=enrol_cpu_s,
        loss_similarity=voice.facts.get("similarity", ""),
        strength=voice.facts.get("strength", ""),
        load=load,
    )


def passes(row: Row) -> bool:
    """The bars: nearer than the best preset and than any other speaker, understood, faster than real time."""
    near = row.target > row.best_preset and row.target > row.nearest_other
    return near and row.wer <= row.preset_wer + 0.10 and row.rtf < 1


def table_of(rows: list[Row]) -> str:
    head = (
        "| speaker (spoken) | reference | **clone → target** | best preset → target | clone → nearest other "
        "| real → real | WER (presets) | MOS (presets) | RTF | CPU s per s | load | enrolment, s (CPU s) | bars |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(
        f"| {r.speaker} ({r.language}) | {r.reference_s:.0f} s | **{r.target:.2f}** "
        f"| {r.best_preset:.2f} ({r.best_preset_name}) | {r.nearest_other:.2f} ({r.nearest_other_name}) "
        f"| {r.real_to_real:.2f} | {r.wer:.2f} ({r.preset_wer:.2f}) | {r.mos:.2f} ({r.preset_mos:.2f}) "
        f"| {r.rtf:.2f} | {r.cpu_s_per_s:.2f} | {r.load:.1f} | {r.enrol_s:.0f} ({r.enrol_cpu_s:.0f}) "
        f"| {'met' if passes(r) else 'MISSED'} |"
        for r in rows
    )


def write(rows: list[Row], output: Path, document: Path | None) -> None:
    when = f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores"
    (output / "table.json").write_text(
        json.dumps({"when": when, "rows": [asdict(row) for row in rows]}, indent=1)
    )
    text = f"Measured {when}.\n\n{table_of(rows)}\n"
    (output / "table.md").write_text(text)
    print(text)
    if document is not None:
        before, _, rest = document.read_text().partition("<!-- table -->")
        document.write_text(
            f"{before}<!-- table -->\n{text}<!-- /table -->{rest.partition('<!-- /table -->')[2]}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voices", type=Path)
    parser.add_argument("--models", type=Path, default=Path("storage/models"))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--document", type=Path)
    parser.add_argument("--speakers", nargs="+", default=list(SPEAKERS))
    parser.add_argument("--effort", default="standard")
    parser.add_argument("--threads", type=int, default=2)
    wish = parser.parse_args()
    wish.output.mkdir(parents=True, exist_ok=True)
    context = EngineContext(lambda model_id: wish.models / model_id, wish.output, threads=wish.threads)
    bench = Bench(KokoroEngine(context), Judges(wish.models, wish.threads), wish.output, wish.effort)
    centroids = {name: centroid(bench.judges, recordings(wish.voices, name)[1]) for name in SPEAKERS}
    rows: list[Row] = []
    for speaker in wish.speakers:
        rows.append(measure(bench, wish.voices, speaker, centroids))
        write(rows, wish.output, wish.document)


if __name__ == "__main__":
    main()
