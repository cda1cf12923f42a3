"""What likeness is read against: the studio's own recordings, of the same and of different speakers."""

from collections.abc import Mapping, Sequence

from studio.errors import InputRefused
from studio.evaluation.judges import ENCODER_MODEL
from studio.evaluation.similarity import VERSION, Vector, different_speakers, same_speaker
from studio.scores.measuring import missing
from studio.scores.requests import Score

SAME, DIFFERENT = "similarity_same", "similarity_different"


def baseline_scores(speakers: Mapping[str, Sequence[Vector]]) -> list[Score]:
    """Same- and different-speaker cosines (leave-one-out) of clips by speaker, each by itself, or why there is none."""
    heard = {name: clips for name, clips in speakers.items() if len(clips)}
    return [
        _mean(SAME, same_speaker(heard), len(heard), "scores.one_clip"),
        _mean(DIFFERENT, different_speakers(heard), len(heard), "scores.one_speaker"),
    ]


def _mean(metric: str, cosines: Sequence[float], speakers: int, why_none: str) -> Score:
    if not cosines:
        return missing(metric, InputRefused(why_none))
    return _score(metric, sum(cosines) / len(cosines), len(cosines), speakers)


def _score(metric: str, value: float, pairs: int, speakers: int) -> Score:
    recipe = {"pairs": pairs, "speakers": speakers, "against": "mean of the speaker's other clips"}
    return Score(metric, value, VERSION, recipe, (ENCODER_MODEL,), n=pairs)
