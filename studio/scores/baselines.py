"""What likeness is read against: the studio's own recordings, of the same and of different speakers."""

from collections.abc import Mapping, Sequence

from studio.errors import InputRefused
from studio.evaluation.judges import ENCODER_MODEL
from studio.evaluation.similarity import VERSION, Vector, cosine, mean_embedding, measure_baselines
from studio.scores.measuring import missing
from studio.scores.requests import Score

SAME, DIFFERENT = "similarity_same", "similarity_different"


def baseline_scores(speakers: Mapping[str, Sequence[Vector]]) -> list[Score]:
    """Same- and different-speaker cosines (leave-one-out) of clips by speaker, or why there are none."""
    if len(speakers) > 1 and any(len(clips) > 1 for clips in speakers.values()):
        found = measure_baselines(speakers)
        return [
            _score(SAME, found.same_speaker, found.same_pairs, len(speakers)),
            _score(DIFFERENT, found.different_speaker, found.different_pairs, len(speakers)),
        ]
    if len(speakers) > 1:
        different = measure_different(speakers)
        return [
            missing(SAME, InputRefused("scores.one_clip")),
            _score(DIFFERENT, sum(different) / len(different), len(different), len(speakers)),
        ]
    same = [one for clips in speakers.values() for one in leave_one_out(clips)]
    alone = missing(DIFFERENT, InputRefused("scores.one_speaker"))
    if not same:
        return [missing(SAME, InputRefused("scores.one_clip")), alone]
    return [_score(SAME, sum(same) / len(same), len(same), len(speakers)), alone]


def leave_one_out(clips: Sequence[Vector]) -> list[float]:
    """Each clip against the mean of the others; empty for a single clip."""
    return [
        cosine(clip, mean_embedding([*clips[:index], *clips[index + 1 :]]))
        for index, clip in enumerate(clips)
        if len(clips) > 1
    ]


def measure_different(speakers: Mapping[str, Sequence[Vector]]) -> list[float]:
    """Each clip against every other speaker's mean."""
    means = {name: mean_embedding(clips) for name, clips in speakers.items()}
    return [
        cosine(clip, mean)
        for name, clips in speakers.items()
        for other, mean in means.items()
        if other != name
        for clip in clips
    ]


def _score(metric: str, value: float, pairs: int, speakers: int) -> Score:
    recipe = {"pairs": pairs, "speakers": speakers, "against": "mean of the speaker's other clips"}
    return Score(metric, value, VERSION, recipe, (ENCODER_MODEL,), n=pairs)
