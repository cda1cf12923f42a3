"""Zero-shot clones of real people, measured as the Results tab measures: WER beside the recogniser's floor on the
same people's recordings of the same words, likeness beside baselines of all speakers at hand.

Run: python -m benchmarks.clone_scores RECORDINGS [--models storage/models] [--document FILE] [--json FILE]
RECORDINGS holds a manifest.tsv (path, speaker, language, duration_s, text) and its audio files. The engine
learns a speaker from recordings that are not among those whose words it then speaks.
"""

import argparse
import csv
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import soundfile

from studio.audio.clip import AudioClip
from studio.engines.base import Engine, EngineContext, VoiceState
from studio.engines.registry import build_registry
from studio.evaluation.judges import Judges
from studio.evaluation.memory import PeakMemory
from studio.evaluation.rtf import Machine, Run
from studio.evaluation.similarity import Vector
from studio.provenance.certificate import open_credentials
from studio.provenance.manifest import VERSION, Signer
from studio.provenance.marking import Marker
from studio.provenance.perth import PerthWatermarker
from studio.scores.baselines import DIFFERENT, SAME, baseline_scores
from studio.scores.measuring import CER, MCD, MOS, RTF, SIMILARITY, WER, Ear
from studio.scores.recognisers import Recognisers
from studio.scores.requests import Score
from studio.scores.totals import FLOOR, Heard, average, speed, totals
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.synthesis.speaking import Performance, Script, character_limit
from studio.synthesis.text import prepare

SPEAKERS = ("it-m1", "en-f1")
REFERENCE_S, BASELINE_CLIPS = 25.0, 10
SHORTEST_S, FEWEST_WORDS = 1.8, 5
MARK = ("<!-- table -->", "<!-- /table -->")


@dataclass(frozen=True)
class Recording:
    """A real recording and its words."""

    file: Path
    speaker: str
    language: str
    duration_s: float
    text: str

    def clip(self) -> AudioClip:
        samples, rate = soundfile.read(self.file, dtype="float32")
        return AudioClip(samples, rate)


@dataclass(frozen=True)
class Cast:
    """A speaker's recordings: to learn from, and to compare with."""

    references: tuple[Recording, ...]
    held_out: tuple[Recording, ...]


@dataclass(frozen=True)
class Outcome:
    """A cloned speaker: figures by metric, and how long it took."""

    speaker: str
    language: str
    sentences: int
    reference_s: float
    setup_s: float
    peak_bytes: int
    figures: dict[str, Score]


def recordings_of(folder: Path) -> list[Recording]:
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Recording(folder / r["path"], r["speaker"], r["language"], float(r["duration_s"]), r["text"])
            for r in rows
        ]


def cast_of(found: Sequence[Recording], speaker: str, count: int, seed: int) -> Cast:
    """Held-out sentences drawn at random from those with clean texts, references from all others."""
    own = [one for one in found if one.speaker == speaker and one.duration_s >= SHORTEST_S]
    random.Random(seed).shuffle(own)
    clean = [
        one for one in own if len(one.text.split()) >= FEWEST_WORDS and not set("[](){}<>") & set(one.text)
    ]
    held_out = [one for one in clean if "..." not in one.text][:count]
    references: list[Recording] = []
    for one in own:
        if one not in held_out and sum(r.duration_s for r in references) < REFERENCE_S:
            references.append(one)
    return Cast(tuple(references), tuple(held_out))


def spoken(
    engine: Engine, marker: Marker, state: VoiceState, text: str, language: str
) -> tuple[AudioClip, Run]:
    """A sentence as the studio speaks it, watermark included, and how long that took."""
    spec = engine.spec
    prepared = prepare(text, language, character_limit(spec, language))
    request = SynthesisRequest(VoiceChoice(), text, language, spec.id)
    performance = Performance()
    for _ in performance.run(
        engine, Script(request, spec, spec.options(), prepared, "", None), state, marker
    ):
        pass
    sound = performance.sound
    return sound, Run(performance.wall_s, sound.duration_s, performance.first_sound_s)


def marker_of_its_own() -> Marker:
    """The studio's watermark, with a certificate that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        credentials = open_credentials(Settings(storage=Path(folder)))
    marker = Marker(PerthWatermarker(), Signer(credentials, "", VERSION), "")
    marker.load()
    return marker


def learnt(
    engine: Engine, cast: Cast, speaker: str, language: str, states: Path | None
) -> tuple[VoiceState, float]:
    """The speaker's voice and the seconds it took; kept under `states`, so an interrupted run goes on from there."""
    file = states / f"{speaker}.safetensors" if states else None
    if file is not None and file.exists():
        return VoiceState.from_bytes(file.read_bytes()), float(file.with_suffix(".s").read_text("utf-8"))
    clips = [one.clip() for one in cast.references]
    started = time.perf_counter()
    state = engine.encode_voice(
        clips, language=language, report=lambda p: progress(f"{speaker}: {p.stage}", p.fraction)
    )
    setup_s = time.perf_counter() - started
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".s").write_text(f"{setup_s:.2f}", "utf-8")
        file.write_bytes(state.to_bytes())
    return state, setup_s


def clone(
    engine: Engine, marker: Marker, ear: Ear, cast: Cast, speaker: str, threads: int, states: Path | None
) -> Outcome:
    """Learn a speaker, speak the held-out words, measure both."""
    state, setup_s = learnt(engine, cast, speaker, ear.language, states)
    runs, takes, heard, real = [], [], [], []
    with PeakMemory() as peak:
        runs.append(spoken(engine, marker, state, cast.held_out[0].text, ear.language)[1])
        made = [
            spoken(engine, marker, state, one.text, ear.language)
            for one in told(cast.held_out, f"{speaker}: speaking")
        ]
    runs += [run for _, run in made]
    for one, (sound, _) in zip(told(cast.held_out, f"{speaker}: listening"), made, strict=True):
        recording = one.clip()
        takes.append({score.metric: score for score in ear.take(sound, one.text, recording)})
        heard.append(Heard(one.text, ear.words(recording, one.text)))
        real.append({score.metric: score for score in ear.take(recording, one.text, None)})
    figures = totals(takes, [one.text for one in cast.held_out], heard, ear.language, seed=0)
    figures += speed(runs, Machine("cpu", engine.dtype, threads))
    found = {score.metric: score for score in figures}
    found |= {"real_likeness": average(SIMILARITY, real, 0), "real_mos": average(MOS, real, 0)}
    learnt_s = sum(one.duration_s for one in cast.references)
    return Outcome(speaker, ear.language, len(takes), learnt_s, setup_s, peak.process_bytes, found)


def told(rows: Sequence[Recording], label: str) -> Iterator[Recording]:
    for number, one in enumerate(rows):
        progress(label, number / len(rows))
        yield one


def progress(label: str, fraction: float) -> None:
    print(f"\r{label} {100 * fraction:3.0f} %   ", end="", flush=True)


def baselines(judges: Judges, found: Sequence[Recording], seed: int) -> dict[str, Score]:
    """Same- and different-speaker cosines over every speaker of the folder."""
    speakers: dict[str, list[Vector]] = {}
    for speaker in sorted({one.speaker for one in found}):
        own = [one for one in found if one.speaker == speaker and one.duration_s >= SHORTEST_S]
        random.Random(seed).shuffle(own)
        speakers[speaker] = [judges.embed(one.clip()) for one in own[:BASELINE_CLIPS]]
    return {score.metric: score for score in baseline_scores(speakers)}


def document(outcomes: Sequence[Outcome], beside: dict[str, Score], engine: str, threads: int) -> str:
    """The table and what it was measured on, in Markdown."""
    head = "| | " + " | ".join(one.speaker for one in outcomes) + " |\n|---|" + "---|" * len(outcomes)
    lines = [f"| {name} | " + " | ".join(cell(one) for one in outcomes) + " |" for name, cell in rows(beside)]
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    told = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {platform.machine()}, {os.cpu_count()} cores, {threads} threads, "
        f"load {load} at the end; engine {engine}; recogniser Whisper base (int8); likeness by WeSpeaker ResNet34."
    )
    pairs = f"{beside[SAME].n} pairs of one speaker, {beside[DIFFERENT].n} of two"
    return "\n".join([head, *lines, "", f"{told} Baselines: {pairs}."])


def rows(beside: dict[str, Score]) -> Sequence[tuple[str, Callable[[Outcome], str]]]:
    """(name, function of an outcome) for every line of the table."""

    def figure(metric: str, scale: float = 1.0, unit: str = "") -> Callable[[Outcome], str]:
        return lambda one: shown(one.figures[metric], scale, unit)

    return (
        ("language, sentences", lambda one: f"{one.language}, {one.sentences}"),
        ("**WER of the clone**", figure(WER, 100, " %")),
        ("**WER of the real recordings (ASR floor)**", figure(FLOOR, 100, " %")),
        ("CER of the clone", figure(CER, 100, " %")),
        ("**likeness of the clone**", figure(SIMILARITY)),
        ("likeness of the same speaker's held-out recordings", figure("real_likeness")),
        ("same-speaker baseline, all speakers", lambda one: shown(beside[SAME])),
        ("different-speaker baseline, all speakers", lambda one: shown(beside[DIFFERENT])),
        ("MCD to the recordings (dB)", figure(MCD)),
        ("predicted MOS of the clone (not listeners)", figure(MOS)),
        ("predicted MOS of the recordings", figure("real_mos")),
        ("RTF", figure(RTF)),
        ("recordings learnt from", lambda one: f"{one.reference_s:.0f} s"),
        ("set-up", lambda one: f"{one.setup_s:.0f} s"),
        ("peak memory while speaking", lambda one: f"{one.peak_bytes / 1e6:.0f} MB"),
    )


def shown(score: Score, scale: float = 1.0, unit: str = "") -> str:
    if score.value is None:
        return f"– ({score.why('en')})"
    digits = 1 if unit else 2
    between = ""
    if score.low is not None and score.high is not None:
        between = f" [{score.low * scale:.{digits}f} – {score.high * scale:.{digits}f}]"
    return f"{score.value * scale:.{digits}f}{unit}{between}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--models", type=Path, default=Path("storage/models"))
    parser.add_argument("--engine", default="kokoro")
    parser.add_argument("--speakers", nargs="+", default=list(SPEAKERS))
    parser.add_argument("--sentences", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--document", type=Path, help="Markdown file whose marked table is replaced")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--states", type=Path, help="folder to keep learnt voices in; delete it afterwards")
    given = parser.parse_args()

    judges = Judges(lambda model: given.models / model, given.threads)
    context = EngineContext(
        lambda model: given.models / model, given.models.parent / "derived", "cpu", given.threads
    )
    registry = build_registry(context)
    found, recognisers = recordings_of(given.recordings), Recognisers(judges, Settings())
    beside = baselines(judges, found, given.seed)
    engine, marker, outcomes = registry.engine(given.engine), marker_of_its_own(), []
    for speaker in given.speakers:
        cast = cast_of(found, speaker, given.sentences, given.seed)
        language = cast.held_out[0].language
        references = tuple(judges.embed(one.clip()) for one in cast.references)
        ear = Ear(judges, recognisers, recognisers.choose("embedded", language), language, references)
        outcomes.append(clone(engine, marker, ear, cast, speaker, given.threads, given.states))
    table = document(outcomes, beside, given.engine, given.threads)
    print("\n\n" + table)
    if given.json:
        found_all = [asdict(one) for one in outcomes]
        given.json.write_text(json.dumps(found_all, ensure_ascii=False, indent=2) + "\n", "utf-8")
    if given.document:
        before, _, rest = given.document.read_text("utf-8").partition(MARK[0])
        after = rest.partition(MARK[1])[2]
        given.document.write_text(f"{before}{MARK[0]}\n{table}\n{MARK[1]}{after}", "utf-8")


if __name__ == "__main__":
    main()
