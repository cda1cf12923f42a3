"""From real recordings to a scored adapter, through the studio's own services: enrolled, imported, trained in a
child process, then the adapter against the zero-shot clone on sentences that neither was made of.

Run: python -m benchmarks.end_to_end_training RECORDINGS SPEAKER [--storage DIR] [--document docs/training-run.md]
RECORDINGS holds a manifest.tsv (path, speaker, language, duration_s, text) and its audio files. With --storage
an interrupted run goes on where it stopped. The speakers read no consent statement for this studio: that their
recordings may be used follows from their licences, so the one check of the statement's words is left out here.
"""

import argparse
import csv
import os
import platform
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio, build_studio
from studio.consent.forms import ATTESTATIONS, ConsentForm
from studio.consent.purposes import Category, Purpose
from studio.datasets.bundles import FolderBundle
from studio.datasets.forms import BuildRequest, DatasetView, TrainingUtterance
from studio.evaluation.intervals import Interval, difference, mean_interval
from studio.evaluation.judges import Judges
from studio.evaluation.mcd import mcd_of_clips
from studio.evaluation.similarity import Vector, cosine, mean_embedding
from studio.evaluation.wer import wer
from studio.privacy.access import Actor
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.training.forms import JobView, LaunchRequest, Progress
from studio.training.presets import OWN, preset_plan
from studio.voices.forms import Upload, VoiceForm, VoiceView

ENGINE = "kokoro"
REFERENCE_S = 25.0
HELD_OUT_SHARE = 0.2
PURPOSES = frozenset({Purpose.ZERO_SHOT, Purpose.FINE_TUNE, Purpose.EVALUATION, Purpose.INTERNAL_USE})
MARK = "<!-- {speaker} -->"


class StatementAccepted(Judges):
    """The real judges; only the words of a statement nobody read are taken for said."""

    def statement_errors(self, statement: str, clip: AudioClip, language: str) -> tuple[str, float]:
        return statement, 0.0


@dataclass(frozen=True)
class Heard:
    """A system over the held-out sentences, figure by sentence."""

    likeness: list[float]
    errors: list[float]
    words: list[float]
    mos: list[float]
    mcd: list[float]


@dataclass(frozen=True)
class Held:
    """A held-out sentence with the recording of it."""

    text: str
    language: str
    recording: AudioClip


def rows_of(folder: Path, speaker: str) -> list[dict[str, str]]:
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        found = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in found if row["speaker"] == speaker]


def enrolled(studio: Studio, admin: Actor, folder: Path, speaker: str) -> VoiceView:
    """The speaker's voice, of about REFERENCE_S of recordings drawn at random."""
    if there := [one for one in studio.voices.browse(admin) if one.name == speaker]:
        return there[0]
    rows = [row for row in rows_of(folder, speaker) if 4.0 <= float(row["duration_s"]) <= 12.0]
    random.Random(0).shuffle(rows)
    checked, total = [], 0.0
    for row in rows:
        one = studio.voices.check(admin, Upload(Path(row["path"]).name, (folder / row["path"]).read_bytes()))
        if total < REFERENCE_S and not one.card.refusal("en"):
            checked.append(one)
            total += one.clip.duration_s
    language = rows[0]["language"]
    told = studio.consent.challenge(
        admin.account_id, language, PURPOSES, studio.consent.notice(language).hash
    )
    spoken = checked[0].clip
    grain = np.random.default_rng().normal(0, 1e-4, len(spoken.samples)).astype(np.float32)
    recording = AudioClip(spoken.samples + grain, spoken.sample_rate_hz)
    form = ConsentForm(Category.SELF, PURPOSES, frozenset(ATTESTATIONS), told.token, recording)
    return studio.voices.enrol(admin, VoiceForm(speaker, language, tuple(checked), form))


def cloned(studio: Studio, admin: Actor, voice: VoiceView) -> None:
    """The zero-shot clone as good as it gets: a preview would speak with what is there after seconds."""
    for event in studio.enrolment.start(admin, voice.id, ENGINE).events():
        progress(f"zero-shot clone: {event.stage}", event.fraction)


def imported(studio: Studio, admin: Actor, voice: VoiceView, folder: Path) -> DatasetView:
    """The speaker's recordings as a dataset, listened to and split as anybody's would be."""
    if there := studio.datasets.list(admin, voice.id):
        return there[0]
    request = BuildRequest(
        voice.id, "recordings", voice.language, speaker=voice.name, held_out_share=HELD_OUT_SHARE
    )
    live = studio.datasets.build(admin, request, FolderBundle(folder, folder))
    for event in live.events():
        progress(f"dataset: {event.stage}", event.fraction)
    assert live.latest is not None
    return studio.datasets.view(admin, live.latest.dataset_id)


def trained(
    studio: Studio, admin: Actor, voice: VoiceView, dataset: DatasetView, given: argparse.Namespace
) -> JobView:
    """The job, launched or taken up again, to its end."""
    training = studio.training
    jobs = [job for job in training.jobs(admin) if job.voice_id == voice.id]
    if not jobs:
        plan = preset_plan(studio.engines.spec(ENGINE), given.preset, dataset.language)
        if given.steps:
            plan = replace(plan, most_steps=given.steps, preset=OWN)
        job_id = training.submit(admin, LaunchRequest(voice.id, dataset.id, plan))
    else:
        job_id = jobs[0].id
    training.supervisor.start()
    seen = followed(studio, admin, job_id)
    if seen.job.state.resumable:  # a killed run left it: the supervisor says so, and it goes on
        training.resume(admin, job_id)
        seen = followed(studio, admin, job_id)
    if not seen.job.adapter_id:
        raise SystemExit(f"no adapter: {seen.job.state} {seen.job.trouble('en')}\n{seen.log}")
    return seen.job


def followed(studio: Studio, admin: Actor, job_id: str) -> Progress:
    """Watch the job until it rests."""
    while (seen := studio.training.progress(admin, job_id)).job.state.live:
        progress(f"{seen.curves.stage} {seen.job.step}/{seen.job.steps}", seen.job.progress)
        time.sleep(1)
    return seen


def held_out(studio: Studio, admin: Actor, dataset: DatasetView, voice: VoiceView, most: int) -> list[Held]:
    """Held-out sentences whose recording is no reference of the zero-shot clone."""
    given = studio.datasets.training_set(admin, dataset.id)
    with studio.database.read() as session:
        used = set(studio.voices.content_ids(session, studio.voices.find(session, admin, voice.id)))
        rows = [one for one in given.utterances if one.split == "held_out"]
        found = [(one, studio.datasets.clip(session, one)) for one in rows]
    fitting = [
        _held(one, clip) for one, clip in found if clip.content_id not in used and len(one.text.split()) >= 3
    ]
    random.Random(0).shuffle(fitting)
    return fitting[:most]


def _held(one: TrainingUtterance, clip: AudioClip) -> Held:
    return Held(one.text, one.language, clip)


def listen(
    studio: Studio, admin: Actor, voice: VoiceView, sentences: Sequence[Held], centre: Vector, adapter_id: str
) -> Heard:
    """Every sentence spoken by the studio and measured; "" is the zero-shot clone."""
    heard, judges = Heard([], [], [], [], []), studio.judges
    for number, one in enumerate(sentences):
        progress("adapter speaks" if adapter_id else "zero-shot speaks", number / len(sentences))
        request = SynthesisRequest(
            VoiceChoice(voice_id=voice.id), one.text, one.language, ENGINE, {}, Purpose.EVALUATION, adapter_id,
            fresh=True, score=False,
        )  # fmt: skip
        take = studio.synthesis.preview(admin, request).take()
        sound = studio.synthesis.takes.clip(admin, take.id)
        _measure(heard, judges, sound, one, centre)
    return heard


def _measure(heard: Heard, judges: Judges, sound: AudioClip, one: Held, centre: Vector) -> None:
    found = wer([one.text], [judges.recognizer.transcribe(sound, one.language).text], one.language)
    heard.words.append(found.reference_words)
    heard.errors.append(found.corpus * found.reference_words)
    heard.likeness.append(cosine(judges.embed(sound), centre))
    heard.mos.append(judges.mos.predict(sound).value)
    heard.mcd.append(mcd_of_clips(one.recording, sound).value)


def real(studio: Studio, sentences: Sequence[Held]) -> Heard:
    """The recordings themselves: each one's likeness to the others, and the recogniser's own errors."""
    heard = Heard([], [], [], [], [])
    vectors = [studio.judges.embed(one.recording) for one in sentences]
    for place, one in enumerate(sentences):
        others = mean_embedding([vector for other, vector in enumerate(vectors) if other != place])
        _measure(heard, studio.judges, one.recording, one, others)
    return heard


def document(speaker: str, systems: dict[str, Heard], seen: Progress, dataset: DatasetView) -> str:
    """The table of one speaker, and what it stands on."""
    zero, adapter = systems["zero-shot"], systems["adapter"]
    head = "| | recordings | zero-shot clone | adapter | adapter - zero-shot |\n|---|---|---|---|---|"
    lines = [
        _line("likeness (WeSpeaker ResNet34)", [mean_interval(one.likeness) for one in systems.values()],
              _gap(adapter.likeness, zero.likeness), 3),
        _line("WER, %", [_rate(one) for one in systems.values()], _rate_gap(adapter, zero), 1),
        _line("predicted MOS", [mean_interval(one.mos) for one in systems.values()], _gap(adapter.mos, zero.mos), 2),
        _line("MCD, dB", [None, mean_interval(zero.mcd), mean_interval(adapter.mcd)], _gap(adapter.mcd, zero.mcd), 2),
    ]  # fmt: skip
    return "\n".join([f"### {speaker}", "", head, *lines, "", _told(seen, dataset, len(zero.likeness)), "",
                      _checkpoints(seen)])  # fmt: skip


def _told(seen: Progress, dataset: DatasetView, sentences: int) -> str:
    job, plan = seen.job, seen.job.plan
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{sentences} held-out sentences in {dataset.language}; dataset: {dataset.kept} sentences kept "
        f"({dataset.kept_s:.0f} s; {dataset.train} to train, {dataset.held_out} held out), {dataset.dropped} left out "
        f"{dict(dataset.dropped_by_reason)}. Plan: {plan.method.value}, {job.step} of {job.steps} steps of "
        f"{plan.batch_size}, rate {plan.learning_rate:g}, seed {plan.seed}; best at step {job.best_step}; "
        f"{job.seconds:.0f} s of work, peak {(job.peak_bytes or 0) / 1e6:.0f} MB, on {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load} at the end, {datetime.now(UTC):%Y-%m-%d}. Intervals: 95 %, paired "
        "bootstrap over sentences for differences."
    )


def _checkpoints(seen: Progress) -> str:
    """What chose the best: the samples of each checkpoint, scored while training."""
    names = [
        n for n in ("similarity", "wer", "mos", "mcd", "held_out_loss") if n in seen.checkpoints[0].scores
    ]
    rows = [
        f"| {'zero-shot' if row.step == 0 else row.step}{' (best)' if row.best and row.step else ''} | "
        + " | ".join(f"{row.scores[n]:.3f}" if n in row.scores else "-" for n in names) + " |"
        for row in seen.checkpoints
    ]  # fmt: skip
    return "\n".join(["| step | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|", *rows])


def _line(name: str, cells: Sequence[Interval | None], gap: Interval, digits: int) -> str:
    shown = " | ".join("-" if one is None else _shown(one, digits) for one in cells)
    return f"| {name} | {shown} | {_shown(gap, digits, sign='+')} |"


def _shown(one: Interval, digits: int, sign: str = "") -> str:
    between = (
        ""
        if one.low is None or one.high is None
        else f" [{one.low:{sign}.{digits}f}, {one.high:{sign}.{digits}f}]"
    )
    return f"{one.value:{sign}.{digits}f}{between}"


def _gap(one: Sequence[float], other: Sequence[float]) -> Interval:
    ones = [1.0] * len(one)
    return difference((one, ones), (other, ones))


def _rate(one: Heard) -> Interval:
    from studio.evaluation.intervals import ratio_interval

    return ratio_interval([100 * e for e in one.errors], one.words)


def _rate_gap(one: Heard, other: Heard) -> Interval:
    return difference(
        ([100 * e for e in one.errors], one.words), ([100 * e for e in other.errors], other.words)
    )


def keep(file: Path, speaker: str, told: str) -> None:
    """Put the speaker's part between its marks; added at the end where there is none."""
    mark = MARK.format(speaker=speaker)
    text = file.read_text("utf-8") if file.exists() else "# Training, end to end\n"
    if mark not in text:
        text += f"\n{mark}\n{mark}\n"
    before, _, rest = text.partition(mark)
    after = rest.partition(mark)[2]
    file.write_text(f"{before}{mark}\n{told}\n{mark}{after}", "utf-8")


def progress(label: str, fraction: float) -> None:
    print(f"\r{label} {100 * fraction:3.0f} %      ", end="", flush=True)


def opened(given: argparse.Namespace) -> Studio:
    storage = given.storage or Path(mkdtemp(prefix="timbro-training-"))
    storage.mkdir(parents=True, exist_ok=True)
    if not (storage / "models").exists():
        (storage / "models").symlink_to(given.models.resolve())
    settings = Settings(storage=storage, device="cpu", threads=given.threads)
    judges = StatementAccepted(lambda model: given.models.resolve() / model, given.threads)
    return build_studio(settings, judges=judges)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("recordings", type=Path)
    parser.add_argument("speaker")
    parser.add_argument("--models", type=Path, default=Path("storage/models"))
    parser.add_argument("--storage", type=Path, help="folder of the run's studio; kept, and gone on with")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--steps", type=int, default=0, help="at most so many steps")
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--document", type=Path)
    given = parser.parse_args()

    studio = opened(given)
    try:
        admin = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
        voice = enrolled(studio, admin, given.recordings.resolve(), given.speaker)
        cloned(studio, admin, voice)
        dataset = imported(studio, admin, voice, given.recordings.resolve())
        print(f"\r{given.speaker}: {dataset.kept} kept, {dict(dataset.dropped_by_reason)}            ")
        job = trained(studio, admin, voice, dataset, given)
        sentences = held_out(studio, admin, dataset, voice, given.sentences)
        centre = mean_embedding([studio.judges.embed(one.recording) for one in sentences])
        systems = {"recordings": real(studio, sentences)}
        systems["zero-shot"] = listen(studio, admin, voice, sentences, centre, "")
        systems["adapter"] = listen(studio, admin, voice, sentences, centre, job.adapter_id)
        told = document(given.speaker, systems, studio.training.progress(admin, job.id), dataset)
    finally:
        studio.close()
    print("\n\n" + told)
    if given.document:
        keep(given.document, given.speaker, told)


if __name__ == "__main__":
    main()
