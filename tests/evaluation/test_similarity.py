"""Similarity: cosines, means, baselines on held-out clips, bad input."""

import numpy as np
import pytest

from studio.errors import InputRefused
from studio.evaluation.similarity import cosine, mean_embedding, measure_baselines, similarity


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def test_cosine_of_same_opposite_and_square_vectors():
    assert cosine(unit(1, 2), unit(2, 4)) == pytest.approx(1)
    assert cosine(unit(1, 2), unit(-1, -2)) == pytest.approx(-1)
    assert cosine(unit(1, 0), unit(0, 3)) == pytest.approx(0)


def test_mean_is_a_unit_vector_and_length_does_not_weigh():
    mean = mean_embedding([unit(1, 0), 10 * unit(0, 1)])
    np.testing.assert_allclose(mean, unit(1, 1), atol=1e-6)


def test_baselines_leave_the_clip_itself_out():
    angles = {"a": (0.0, 0.2, 0.4), "b": (1.5, 1.7)}
    speakers = {name: [unit(np.cos(t), np.sin(t)) for t in thetas] for name, thetas in angles.items()}
    found = measure_baselines(speakers)
    expected = [np.cos(0.3), np.cos(0.0), np.cos(0.3), np.cos(0.2), np.cos(0.2)]
    assert found.same_speaker == pytest.approx(np.mean(expected), abs=1e-5)
    across = [np.cos(1.6 - t) for t in angles["a"]] + [np.cos(t - 0.2) for t in angles["b"]]
    assert found.different_speaker == pytest.approx(np.mean(across), abs=1e-5)
    assert (found.same_pairs, found.different_pairs) == (5, 5)


def test_position_is_read_between_the_baselines():
    speakers = {"a": [unit(1, 0), unit(1, 0)], "b": [unit(0, 1), unit(0, 1)]}
    found = similarity(unit(1, 1), [unit(1, 0)], measure_baselines(speakers))
    assert found.cosine == pytest.approx(found.position) == pytest.approx(np.sqrt(0.5))
    assert similarity(unit(1, 1), [unit(1, 0)]).position is None


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: cosine(unit(1, 0), np.zeros(2, np.float32)), "evaluation.embedding_empty"),
        (lambda: cosine(unit(1, 0), np.full(2, np.nan, np.float32)), "evaluation.embedding_empty"),
        (lambda: cosine(unit(1, 0), unit(1, 0, 0)), "evaluation.embeddings_differ"),
        (lambda: mean_embedding([]), "evaluation.no_references"),
        (lambda: mean_embedding([unit(1, 0), unit(-1, 0)]), "evaluation.embedding_empty"),
        (lambda: similarity(unit(1, 0), [unit(1, 0), unit(1, 0, 0)]), "evaluation.embeddings_differ"),
        (lambda: similarity(unit(1, 0), [unit(1, 0), np.zeros(2)]), "evaluation.embedding_empty"),
        (lambda: similarity(unit(1, 0), unit(1, 0)), "evaluation.embedding_shape"),
        (lambda: similarity(np.float32(1.0), [unit(1, 0)]), "evaluation.embedding_shape"),
        (lambda: measure_baselines({"a": [unit(1, 0), unit(1, 1)]}), "evaluation.too_few_speakers"),
    ],
)
def test_what_has_no_similarity_is_refused(call, key):
    with pytest.raises(InputRefused) as refused:
        call()
    assert refused.value.key == key
    assert refused.value.text("it") != refused.value.text("en")
