"""Enrolment: from reference clips to a voice, in stages a person can watch and stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from studio.audio.clip import AudioClip
from studio.engines.base import EnrolmentProgress, ShouldStop, VoiceState
from studio.engines.kokoro.fitting import Recipe, Task, fit_pitch, one_thread_each, refine, scaled
from studio.engines.kokoro.parts import Parts
from studio.engines.kokoro.presets import Start
from studio.engines.kokoro.reference import Target, measure
from studio.engines.kokoro.spec import ENGINE_ID
from studio.engines.kokoro.voice import KokoroVoice
from studio.errors import Cancelled

Effort = Literal["quick", "standard", "thorough"]
RECIPES = {"quick": Recipe(steps=0), "standard": Recipe(steps=40), "thorough": Recipe(steps=120)}
STRENGTHS = (1.0, 0.75, 0.5)  # tried from the strongest; what the guard accepts first is kept
_STATE_EVERY = 10  # steps between states handed to the listener


@dataclass(frozen=True)
class Wish:
    """How an enrolment is asked for: the language it will mostly speak, how long to try, and a seed."""

    language: str
    effort: Effort = "standard"
    seed: int = 0


@dataclass
class Run:
    """One enrolment on its way: what is known so far and whom to tell."""

    wish: Wish
    report: Callable[[EnrolmentProgress], None]
    should_stop: ShouldStop
    started_s: float
    start: Start | None = None
    steps: int = 0

    def tell(
        self, fraction: float, stage: str, voice: KokoroVoice | None = None, alike: float | None = None
    ) -> None:
        state = self.state(voice, stage, alike) if voice is not None else None
        self.report(EnrolmentProgress(fraction, stage, state, alike))

    def state(self, voice: KokoroVoice, stage: str, alike: float | None, **more: str) -> VoiceState:
        """The voice with what a person should know of how it came about."""
        assert self.start is not None
        facts = {
            "stage": stage,
            "effort": self.wish.effort,
            "language": self.wish.language,
            "nearest_preset": self.start.nearest,
            "nearest_similarity": f"{self.start.similarity:.3f}",
            "steps": str(self.steps),
            "seconds": f"{time.monotonic() - self.started_s:.0f}",
        }
        if alike is not None:
            facts["similarity"] = f"{alike:.3f}"
        return voice.state(ENGINE_ID, **facts, **more)


def stop_if(should_stop: ShouldStop) -> None:
    """Cancelled, when nothing usable exists yet."""
    if should_stop():
        raise Cancelled("kokoro.enrolment_cancelled")


def enrol(clips: Sequence[AudioClip], parts: Parts, run: Run) -> VoiceState:
    """The whole enrolment. Stops between steps; after the blend there is always a voice to return."""
    stop_if(run.should_stop)
    run.tell(0.02, "embed")
    recipe = RECIPES[run.wish.effort]
    with one_thread_each(parts.workers):
        target = measure(clips, parts.fit.encoders)
        stop_if(run.should_stop)
        run.start = parts.blend(target)
        voice = fit_pitch(parts.fit, run.start.voice, parts.sentences, target, recipe)
    run.tell(0.1, "blend", voice)
    if recipe.steps == 0 or run.should_stop():
        return run.state(voice, "blend", parts.guard.likeness(voice, target))
    return _refined(voice, parts, target, recipe, run)


def _refined(start: KokoroVoice, parts: Parts, target: Target, recipe: Recipe, run: Run) -> VoiceState:
    best, alike = start, None
    task = Task(start, parts.sentences, target, recipe, run.wish.seed, parts.workers)
    for progress in refine(parts.fit, task, run.should_stop):
        best, alike, run.steps = progress.voice, progress.similarity, progress.step
        shown = best if progress.step % _STATE_EVERY == 0 else None
        run.tell(0.1 + 0.8 * progress.step / recipe.steps, "refine", shown, alike)
    run.tell(0.92, "check", best, alike)
    with one_thread_each(parts.workers):
        verdict = parts.guard.choose(start, best, target, STRENGTHS, run.should_stop)
    stage = "refine" if run.steps == recipe.steps else "stopped"
    facts = {"strength": f"{verdict.strength:g}", "predicted_mos": f"{verdict.mos:.2f}"}
    facts |= {"start_mos": f"{verdict.start_mos:.2f}", "start_similarity": f"{verdict.start_similarity:.3f}"}
    return run.state(scaled(best, verdict.strength), stage, verdict.similarity, **facts)
