"""Jobs as cards, and one job in full: progress, facts, checkpoints with their samples, log."""

from collections.abc import Sequence

from studio.errors import StudioError
from studio.training.forms import CheckpointView, JobState, JobView, Progress
from studio.ui.markup import badge, bar, button, empty, esc, facts, player
from studio.ui.words import Words

TONES = {
    JobState.RUNNING: "", JobState.QUEUED: "", JobState.DONE: "good", JobState.PAUSED: "warn",
    JobState.INTERRUPTED: "warn", JobState.CANCELLED: "warn", JobState.FAILED: "bad",
}  # fmt: skip
NEWEST = 2  # checkpoints whose samples stand open
# What the worker measures, in the order of the columns.
SCORES = ("wer", "similarity", "mos", "mcd", "held_out_loss")
FLOOR = "wer_floor"  # of the recordings: told under the table


def job_list(words: Words, jobs: Sequence[JobView], chosen: str, supervised: bool) -> str:
    """Running and queued jobs, then history; an empty state when there are none."""
    if not jobs:
        way = button("go", words("jobs.to_train"), kind="go")
        return empty(words("jobs.empty_title"), words("jobs.empty_text"), way)
    idle = any(job.state.live for job in jobs) and not supervised
    note = f'<p class="tb-note warn">{esc(words("jobs.unsupervised"))}</p>' if idle else ""
    cards = "".join(_card(words, job, job.id == chosen) for job in jobs)
    return f'{note}<div class="tb-list">{cards}</div>'


def job_name(words: Words, job: JobView) -> str:
    return f"{job.voice_name} · {job.engine_id} · {words(f'train.method_{job.plan.method.value}')}"


def _card(words: Words, job: JobView, chosen: bool) -> str:
    state = badge(words(f"jobs.state.{job.state.value}"), TONES[job.state])
    when = words.moment(job.started_at or job.created_at)
    acts = button("open", words("jobs.open"), id=job.id) + buttons(words, job)
    told = f"{job.dataset.name} · {when}"
    if job.state is JobState.QUEUED:
        told += f" · {words('jobs.ahead', n=job.ahead)}"
    moving = bar(job.progress, words.percent(job.progress)) if job.state is JobState.RUNNING else ""
    return (
        f'<article class="tb-card{" chosen" if chosen else ""}" data-job="{esc(job.id)}"><div class="tb-row">'
        f'<b>{esc(job_name(words, job))}</b><span class="tb-dim">{esc(told)}</span>{state}{acts}</div>'
        f"{moving}</article>"
    )


def buttons(words: Words, job: JobView) -> str:
    """What can be done with a job as it stands."""
    acts = []
    if job.state.live and not job.wish:
        acts += [button("pause", words("jobs.pause"), id=job.id)]
    if job.state.resumable:
        acts += [button("resume", words("jobs.resume"), kind="go", id=job.id)]
    if job.state.live or job.state in (JobState.PAUSED, JobState.INTERRUPTED):
        acts += [button("cancel", words("do.cancel"), kind="risk", confirm=words("do.sure"), id=job.id)]
    elif job.state is not JobState.RUNNING:
        acts += [button("delete", words("do.delete"), kind="risk", confirm=words("do.sure"), id=job.id)]
    return "".join(acts)


def head(words: Words, seen: Progress) -> str:
    """Where a job stands: bar, step, epoch, time left, memory; why it stands there, where it does not run."""
    job, curves = seen.job, seen.curves
    state = badge(words(f"jobs.state.{job.state.value}"), TONES[job.state])
    wish = f' <span class="tb-dim">{esc(words(f"jobs.wish.{job.wish.value}"))}</span>' if job.wish else ""
    return (
        f'<article class="tb-card" id="job-head" aria-label="{esc(job_name(words, job))}"><div class="tb-row">'
        f"<h3>{esc(job_name(words, job))}</h3>{state}{wish}</div>{_progress(words, seen)}"
        f"{facts(_facts(words, seen))}{_reason(words, job)}{_refused(words, curves.refused)}"
        f'<div class="tb-row">{buttons(words, job)}</div></article>'
    )


def _progress(words: Words, seen: Progress) -> str:
    job, curves = seen.job, seen.curves
    if job.state is JobState.QUEUED:
        return bar(0, words("jobs.ahead", n=job.ahead), waiting=True)
    if job.state is not JobState.RUNNING:
        return bar(job.progress, words.percent(job.progress))
    stage = curves.stage or job.stage or "load"
    told = words(f"jobs.stage.{stage}")
    if stage == "prepare" and not job.step:
        told += f" · {words.percent(curves.stage_fraction)}"
        inside = bar(curves.stage_fraction, told)
    else:
        inside = bar(job.progress, words.percent(job.progress), waiting=not job.step)
    return f'<div role="status" aria-live="polite"><p class="tb-dim">{esc(told)}</p>{inside}</div>'


def _facts(words: Words, seen: Progress) -> dict[str, str]:
    job, curves = seen.job, seen.curves
    rows = {
        words("jobs.step"): esc(f"{job.step} / {job.steps}"),
        words("jobs.epoch"): esc(f"{job.epoch} / {job.epochs}"),
    }
    if seen.eta_s is not None:
        rows[words("jobs.eta")] = esc(words.duration(seen.eta_s))
    rows[words("jobs.spent")] = esc(words.duration(job.seconds))
    if curves.loss is not None:
        rate = "" if curves.learning_rate is None else f"{curves.learning_rate:.1e}"
        rows[words("jobs.loss")] = (
            f"{esc(words.number(curves.loss, 4))}<small>{esc(words('jobs.rate', rate=rate))}</small>"
        )
    memory = curves.memory_bytes if job.state is JobState.RUNNING else job.peak_bytes
    if memory:
        peak = words("jobs.peak", size=words.megabytes(job.peak_bytes or memory))
        place = words("jobs.gpu_memory" if job.device.startswith("cuda") else "jobs.memory")
        rows[place] = f"{esc(words.megabytes(memory))}<small>{esc(peak)}</small>"
    if curves.gpu_share is not None and job.state is JobState.RUNNING:
        rows[words("jobs.gpu")] = esc(words.percent(curves.gpu_share))
    if job.clips_per_s:
        rows[words("jobs.pace")] = esc(words("jobs.clips_a_second", n=words.number(job.clips_per_s)))
    if job.device:
        rows[words("jobs.device")] = esc("CPU" if job.device == "cpu" else job.device)
    rows[words("train.dataset")] = (
        f"{esc(job.dataset.name)}<small>"
        f"{esc(words('train.split_told', train=job.dataset.train, held=job.dataset.held_out))}</small>"
    )
    rows[words("train.preset")] = esc(words(f"train.preset_{job.plan.preset}"))
    return rows


def _reason(words: Words, job: JobView) -> str:
    told = job.trouble(words.language)
    tone = "bad" if job.state is JobState.FAILED else "warn"
    return f'<p class="tb-note {tone}">{esc(told)}</p>' if told else ""


def _refused(words: Words, refused: Sequence[tuple[str, str]]) -> str:
    """Utterances that the engine left out, each reason once with its count."""
    if not refused:
        return ""
    reasons = [StudioError(key) for _, key in refused]
    kinds = {error.key for error in reasons}
    counted = [(key, sum(error.key == key for error in reasons)) for key in sorted(kinds)]
    rows = "".join(
        f"<li>{esc(words('jobs.refused_line', reason=_what(words, k), n=n))}</li>" for k, n in counted
    )
    return (
        f"<details><summary>{esc(words('jobs.refused', n=len(refused)))}</summary><ul>{rows}</ul></details>"
    )


def _what(words: Words, key: str) -> str:
    """The first part of an error's message; its name where it needs facts that are not kept."""
    try:
        return StudioError(key).part("what", words.language)
    except (KeyError, IndexError):
        return key.rpartition(".")[2].replace("_", " ")


def checkpoint_table(words: Words, seen: Progress, texts: Sequence[str]) -> str:
    """Every checkpoint with its scores and the same sentences; the voice before training first."""
    if not seen.checkpoints:
        return f'<p class="tb-dim">{esc(words("jobs.no_checkpoints"))}</p>'
    shown = [name for name in SCORES if any(name in row.scores for row in seen.checkpoints)]
    names = "".join(f'<th scope="col">{esc(words(f"jobs.score.{name}"))}</th>' for name in shown)
    base = next((row for row in seen.checkpoints if row.step == 0), None)
    rows = "".join(_row(words, row, shown, base, seen.job) for row in seen.checkpoints)
    samples = _samples(words, seen.checkpoints, texts)
    floor = next((row.scores[FLOOR] for row in seen.checkpoints if FLOOR in row.scores), None)
    heard = "" if floor is None else words("jobs.floor", value=words.percent(floor))
    return (
        f'<p class="tb-dim">{esc(words("jobs.scores_told"))}</p>'
        f'<div class="tb-scroll" tabindex="0"><table class="tb-table tb-checkpoints"><thead><tr>'
        f'<th scope="col">{esc(words("jobs.checkpoint"))}</th>{names}<th></th></tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="tb-dim">{esc(heard)}</p>{samples}'
    )


def _row(
    words: Words, row: CheckpointView, shown: Sequence[str], base: CheckpointView | None, job: JobView
) -> str:
    name = words("jobs.zero_shot") if row.step == 0 else words("jobs.at_step", step=row.step)
    best = f" {badge(words('jobs.best'), 'good')}" if row.best and row.step else ""
    cells = "".join(f"<td>{_cell(words, row, name, base)}</td>" for name in shown)
    acts = ""
    if row.there:
        acts = button("use", words("jobs.use"), kind="go" if row.best else "", id=row.id)
        acts += button("blind", words("jobs.blind"), hint=words("jobs.blind_hint"), id=row.id)
    first = f'<th scope="row">{esc(name)}{best}</th>'
    return f'<tr data-step="{row.step}">{first}{cells}<td><div class="tb-row">{acts}</div></td></tr>'


def _cell(words: Words, row: CheckpointView, score: str, base: CheckpointView | None) -> str:
    value = row.scores.get(score)
    if value is None:
        return "–"
    shown = esc(_shown(words, score, value))
    before = base.scores.get(score) if base is not None and row.step else None
    if before is None:
        return shown
    gap = value - before
    better = gap > 0 if score in ("similarity", "mos") else gap < 0
    tone = "" if abs(gap) < 1e-9 else "good" if better else "bad"
    sign = "+" if gap >= 0 else "−"
    return f'{shown} <small class="{tone}">{sign}{esc(_shown(words, score, abs(gap)))}</small>'


def _shown(words: Words, score: str, value: float) -> str:
    if score == "wer":
        return f"{words.number(100 * value, 1)} %"
    return words.number(value, 3 if score in ("similarity", "held_out_loss") else 2)


def _samples(words: Words, rows: Sequence[CheckpointView], texts: Sequence[str]) -> str:
    """Sentence by sentence, the same sentence of every checkpoint: differences are heard side by side."""
    spoken = [row for row in rows if row.samples]
    most = max((row.samples for row in spoken), default=0)
    if not most:
        return ""
    first = [row for row in spoken if row.step == 0 or row.best or row in spoken[-NEWEST:]]
    rest = [row for row in spoken if row not in first]
    blocks = "".join(_sentence(words, n, texts, first, rest) for n in range(most))
    return f'<h4>{esc(words("jobs.samples"))}</h4><div class="tb-list">{blocks}</div>'


def _sentence(
    words: Words,
    number: int,
    texts: Sequence[str],
    first: Sequence[CheckpointView],
    rest: Sequence[CheckpointView],
) -> str:
    """A sentence before training, at the best and at the newest checkpoints; the others folded away."""
    text = texts[number] if number < len(texts) else words("jobs.sentence", n=number + 1)
    folded = _players(words, rest, number)
    more = f"<details><summary>{esc(words('jobs.more_samples', n=len(rest)))}</summary>{folded}</details>"
    shown = _players(words, first, number) + (more if rest else "")
    return f'<section class="tb-card"><p>{esc(text)}</p>{shown}</section>'


def _players(words: Words, rows: Sequence[CheckpointView], number: int) -> str:
    inner = "".join(_sample(words, row, number) for row in rows if number < row.samples)
    return f'<div class="tb-samples">{inner}</div>'


def _sample(words: Words, row: CheckpointView, number: int) -> str:
    name = words("jobs.zero_shot") if row.step == 0 else words("jobs.at_step", step=row.step)
    label = f"{name} · {words('jobs.sentence', n=number + 1)}"
    mark = f" {badge(words('jobs.best'), 'good')}" if row.best and row.step else ""
    return (
        f'<div><span class="tb-dim">{esc(name)}</span>{mark}'
        f"{player(f'/media/sample/{row.id}.{number}.wav', label, compact=True)}</div>"
    )


def log_tail(words: Words, log: str) -> str:
    if not log.strip():
        return f'<p class="tb-dim">{esc(words("jobs.no_log"))}</p>'
    return f'<pre class="tb-log" tabindex="0">{esc(log)}</pre>'
