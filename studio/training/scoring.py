"""How a checkpoint is judged: the sample sentences it speaks, measured by judges that no training loss contains."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from studio.audio.clip import AudioClip
from studio.engines.base import Utterance
from studio.engines.learning import TrainingClip
from studio.errors import AudioRefused, ModelBroken, ModelMissing
from studio.evaluation.judges import Judges
from studio.evaluation.similarity import Vector, cosine, mean_embedding
from studio.training.run_folder import SampleSentence

SIMILARITY, WER, MOS, MCD = "similarity", "wer", "mos", "mcd"
FLOOR = "wer_floor"  # the recogniser's own errors on the recordings of the same sentences
WER_SLACK = 0.05  # a checkpoint may be this much harder to understand than zero-shot, and no more
_HEARD = 10  # held-out recordings the speaker is known by
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """What choosing between checkpoints looks at."""

    step: int
    scores: dict[str, float]
    held_out_loss: float | None


class Scorer:
    """Measures samples against held-out recordings; a judge whose model is missing measures nothing."""

    def __init__(
        self, sentences: Sequence[SampleSentence], held_out: Sequence[TrainingClip], judges: Judges
    ) -> None:
        self.sentences = tuple(sentences)
        self._clips = {one.id: one.clip for one in held_out}
        self._judges = judges
        self._centre: Vector | None = None
        self._floor_found: float | None = None

    @property
    def utterances(self) -> list[Utterance]:
        return [Utterance(one.text, one.language) for one in self.sentences]

    def scores(self, sounds: Sequence[AudioClip]) -> dict[str, float]:
        """Means over the sentences: speaker similarity, word error rate, predicted MOS; where recorded, MCD and the
        word errors of the recordings.
        """
        found: dict[str, float] = {}
        measures = {
            SIMILARITY: self._similarity,
            WER: self._wer,
            FLOOR: self._floor,
            MOS: self._mos,
            MCD: self._mcd,
        }
        for name, measure in measures.items():
            if not sounds:
                continue
            try:
                value = measure(sounds)
            except (ModelMissing, ModelBroken) as error:
                _log.warning("%s is not measured: %s", name, error.key)
                continue
            except AudioRefused as error:  # silence: nothing to hear is no likeness, and told in the log
                _log.warning("%s could not be measured: %s", name, error.key)
                continue
            if value is not None:
                found[name] = round(value, 4)
        return found

    def _similarity(self, sounds: Sequence[AudioClip]) -> float | None:
        if not self._clips:
            return None
        if self._centre is None:
            heard = list(self._clips.values())[:_HEARD]
            self._centre = mean_embedding([self._judges.embed(clip) for clip in heard])
        return _mean([cosine(self._judges.embed(sound), self._centre) for sound in sounds])

    def _wer(self, sounds: Sequence[AudioClip]) -> float | None:
        return self._errors([*zip(self.sentences, sounds, strict=True)])

    def _floor(self, sounds: Sequence[AudioClip]) -> float | None:
        """The same at every checkpoint: heard once a process."""
        if self._floor_found is None:
            self._floor_found = self._errors(
                [(s, self._clips[s.utterance_id]) for s in self.sentences if s.utterance_id in self._clips]
            )
        return self._floor_found

    def _errors(self, spoken: Sequence[tuple[SampleSentence, AudioClip]]) -> float | None:
        from studio.evaluation.wer import wer

        by_language: dict[str, list[tuple[str, str]]] = {}
        for sentence, sound in spoken:
            heard = self._judges.recognizer.transcribe(sound, sentence.language).text
            by_language.setdefault(sentence.language, []).append((sentence.text, heard))
        errors, words = 0.0, 0
        for language, pairs in by_language.items():
            found = wer([text for text, _ in pairs], [heard for _, heard in pairs], language)
            errors, words = errors + found.corpus * found.reference_words, words + found.reference_words
        return errors / words if words else None

    def _mos(self, sounds: Sequence[AudioClip]) -> float | None:
        return _mean([self._judges.mos.predict(sound).value for sound in sounds])

    def _mcd(self, sounds: Sequence[AudioClip]) -> float | None:
        from studio.evaluation.mcd import mcd_of_clips

        pairs = zip(self.sentences, sounds, strict=True)
        recorded = [
            (self._clips[s.utterance_id], sound) for s, sound in pairs if s.utterance_id in self._clips
        ]
        return _mean([mcd_of_clips(clip, sound).value for clip, sound in recorded]) if recorded else None


def _mean(values: Sequence[float]) -> float:
    return float(sum(values) / len(values))


def chosen_by(zero_shot: Standing) -> str:
    """What "best" goes by in this run, as zero-shot could be measured."""
    if {SIMILARITY, WER} <= zero_shot.scores.keys():
        return "similarity_wer"
    return "held_out_loss" if zero_shot.held_out_loss is not None else "newest"


def better(candidate: Standing, best: Standing, zero_shot: Standing) -> bool:
    """Whether a checkpoint takes the place of the best so far.

    The highest speaker similarity among those whose WER is at most 0.05 above zero-shot's; where the
    judges' models are missing, the lowest held-out loss; where nothing is held out, the newest.
    """
    rule = chosen_by(zero_shot)
    if rule == "similarity_wer":
        if not {SIMILARITY, WER} <= candidate.scores.keys():
            return False
        understood = candidate.scores[WER] <= zero_shot.scores[WER] + WER_SLACK
        return understood and candidate.scores[SIMILARITY] > best.scores[SIMILARITY]
    if rule == "held_out_loss":
        assert best.held_out_loss is not None
        return candidate.held_out_loss is not None and candidate.held_out_loss < best.held_out_loss
    return True
