"""Speaker similarity: a cosine, beside what the same and different speakers reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.errors import InputRefused

VERSION = "1"
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Baselines:
    """Cosines among real recordings: what a similarity is to be read against.

    `same_speaker` is a clip against the mean of the speaker's other clips; `different_speaker` a clip
    against another speaker's mean; both averaged. `pairs` counts how many of each there were.
    """

    same_speaker: float
    different_speaker: float
    same_pairs: int
    different_pairs: int


@dataclass(frozen=True)
class Similarity:
    """`cosine` in -1..1, and the baselines where there were recordings to measure them on."""

    cosine: float
    baselines: Baselines | None = None

    @property
    def position(self) -> float | None:
        """0 where another speaker stands, 1 where the speaker's own recordings stand; may leave 0..1."""
        if self.baselines is None:
            return None
        span = self.baselines.same_speaker - self.baselines.different_speaker
        return (self.cosine - self.baselines.different_speaker) / span if span > 1e-6 else None


def cosine(one: Vector, other: Vector) -> float:
    """Cosine of the angle between two embeddings of shape (d,), in -1..1.

    Raises InputRefused where a vector is zero, not finite, or of another length.
    """
    a, b = (_direction(np.asarray(vector, dtype=np.float64)) for vector in (one, other))
    if a.shape != b.shape:
        raise InputRefused("evaluation.embeddings_differ", one=a.shape, other=b.shape)
    return float(np.clip(a @ b, -1.0, 1.0))


def mean_embedding(embeddings: Sequence[Vector]) -> Vector:
    """The unit vector along the mean of the vectors' directions, shape (d,): one for a speaker's clips.

    InputRefused for none, for vectors of two lengths, one that is zero or not finite, and one vector instead of
    several.
    """
    if not len(embeddings):
        raise InputRefused("evaluation.no_references")
    directions = [_direction(np.asarray(vector, dtype=np.float64)) for vector in embeddings]
    for vector in directions:
        if vector.shape != directions[0].shape:
            raise InputRefused("evaluation.embeddings_differ", one=directions[0].shape, other=vector.shape)
    return _direction(np.mean(directions, axis=0)).astype(np.float32)


def _direction(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    if vector.ndim != 1:
        raise InputRefused("evaluation.embedding_shape", shape=vector.shape)
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or length == 0:
        raise InputRefused("evaluation.embedding_empty")
    return vector / length


def similarity(
    synthesized: Vector, references: Sequence[Vector], baselines: Baselines | None = None
) -> Similarity:
    """How close a clip is to the speaker of `references`: cosine to the mean of their embeddings."""
    return Similarity(cosine(synthesized, mean_embedding(references)), baselines)


def measure_baselines(speakers: Mapping[str, Sequence[Vector]]) -> Baselines:
    """Baselines from each speaker's embeddings; two speakers with two clips each are the least.

    A clip is never compared with a mean it is part of. Raises InputRefused where there are too few.
    """
    same, different = same_speaker(speakers), different_speakers(speakers)
    if not same or not different:
        raise InputRefused("evaluation.too_few_speakers")
    return Baselines(float(np.mean(same)), float(np.mean(different)), len(same), len(different))


def same_speaker(speakers: Mapping[str, Sequence[Vector]]) -> list[float]:
    """Each clip against the mean of its speaker's others; none of a speaker with a single clip."""
    return [
        cosine(clip, mean_embedding([*clips[:index], *clips[index + 1 :]]))
        for clips in speakers.values()
        if len(clips) > 1
        for index, clip in enumerate(clips)
    ]


def different_speakers(speakers: Mapping[str, Sequence[Vector]]) -> list[float]:
    """Each clip against every other speaker's mean; speakers without clips are nobody."""
    means = {name: mean_embedding(clips) for name, clips in speakers.items() if len(clips)}
    return [
        cosine(clip, mean)
        for name, clips in speakers.items()
        for other, mean in means.items()
        if other != name
        for clip in clips
    ]
