"""One clip, every measure: what can be measured is, and what cannot says why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from studio.audio.clip import AudioClip
from studio.errors import AudioRefused, NotFound, StudioError
from studio.evaluation import predicted_mos, similarity
from studio.evaluation.judges import ENCODER_MODEL, Judges
from studio.evaluation.similarity import Vector
from studio.evaluation.wer import WordErrors, wer
from studio.scores.recognisers import RecogniserChoice, Recognisers
from studio.scores.requests import Score

WER, CER, MCD, SIMILARITY, MOS = "wer", "cer", "mcd", "similarity", "predicted_mos"
RTF, FIRST_SOUND = "rtf", "first_sound_s"


@dataclass(frozen=True)
class Ear:
    """The judges of one run: its recogniser, and the speaker's recordings as embeddings."""

    judges: Judges
    recognisers: Recognisers
    chosen: RecogniserChoice
    language: str
    references: tuple[Vector, ...]
    no_references: StudioError | None = None  # why there are none

    def take(self, clip: AudioClip, text: str, recording: AudioClip | None) -> list[Score]:
        """Word errors, likeness, predicted MOS, and MCD where the words were recorded, too."""
        return [
            self.words(clip, text),
            attempt(SIMILARITY, lambda: self._likeness(clip)),
            attempt(MOS, lambda: self._mos(clip)),
            attempt(MCD, lambda: self._distortion(clip, recording)),
        ]

    def heard(self, clip: AudioClip) -> str:
        """What the recogniser writes of a clip."""
        return self.recognisers.load(self.chosen).transcribe(clip, self.language).text

    def words(self, clip: AudioClip, text: str) -> Score:
        return attempt(WER, lambda: self._words(clip, text))

    def _words(self, clip: AudioClip, text: str) -> Score:
        heard = self.heard(clip)
        found = wer([text], [heard], self.language)
        detail = {"transcript": heard, "cer": found.cer, **errors_of(found), "words": _aligned(found)}
        return Score(
            WER, found.corpus, found.version, word_recipe(found), (self.chosen.model,), detail=detail
        )

    def _likeness(self, clip: AudioClip) -> Score:
        if self.no_references is not None:
            raise self.no_references
        found = similarity.similarity(self.judges.embed(clip), self.references)
        recipe = {"references": len(self.references), "against": "mean embedding of the reference clips"}
        return Score(SIMILARITY, found.cosine, similarity.VERSION, recipe, (ENCODER_MODEL,))

    def _mos(self, clip: AudioClip) -> Score:
        found = self.judges.mos.predict(clip)
        return Score(MOS, found.value, found.version, {"label": found.label}, (predicted_mos.MODEL,))

    def _distortion(self, clip: AudioClip, recording: AudioClip | None) -> Score:
        if recording is None:
            raise NotFound("scores.no_recording")
        found = self.judges.distortions.of_clips(recording, clip)
        recipe = asdict(found.parameters)
        return Score(MCD, found.value, found.parameters.version, recipe, detail={"frames": found.frames})

    def check_speaker(self, recordings: Sequence[tuple[int, AudioClip]], lowest: float) -> None:
        """AudioRefused for a recording that is not of the voice's speaker (cosine under `lowest`)."""
        for number, clip in recordings:
            score = similarity.similarity(self.judges.embed(clip), self.references).cosine
            if score < lowest:
                raise AudioRefused("scores.other_speaker", number=number, score=f"{score:.2f}")


def attempt(metric: str, measure: Callable[[], Score]) -> Score:
    """The measure, or a score without a value that says why."""
    try:
        return measure()
    except StudioError as error:
        return missing(metric, error)


def missing(metric: str, error: StudioError) -> Score:
    return Score(metric, None, n=0, trouble=(error.key, plain(error.facts)))


def plain(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts as JSON takes them."""
    return {k: v if isinstance(v, int | float | str) else str(v) for k, v in facts.items()}


def errors_of(found: WordErrors) -> dict[str, int]:
    return {
        "errors": found.substitutions + found.insertions + found.deletions,
        "substitutions": found.substitutions,
        "insertions": found.insertions,
        "deletions": found.deletions,
        "reference_words": found.reference_words,
    }


def word_recipe(found: WordErrors) -> dict[str, str]:
    return {"language": found.language, "normalization": found.normalization}


def _aligned(found: WordErrors) -> list[tuple[str, str, str]]:
    return [(word.kind, word.reference, word.hypothesis) for word in found.aligned[0]]
