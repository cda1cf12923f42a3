import pytest

from studio.engines.xtts import text
from studio.engines.xtts.spec import CHARACTER_LIMITS

STORY = (
    "Nel mezzo del cammin di nostra vita mi ritrovai per una selva oscura, ché la diritta via era smarrita. "
    "Ahi quanto a dir qual era è cosa dura esta selva selvaggia e aspra e forte, che nel pensier rinova la paura! "
    "Tant'è amara che poco è più morte; ma per trattar del ben ch'io vi trovai, dirò de l'altre cose."
)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Disse: «Vieni!»", "Disse: Vieni!"),
        ('"Ciao", rispose.', "Ciao, rispose."),
        ("un po’ d’acqua", "un po' d'acqua"),
        ("l'ho detto 'per scherzo' ieri", "l'ho detto per scherzo ieri"),
        ("“Basta”  ,  disse", "Basta, disse"),
    ],
)
def test_quotes_go_and_apostrophes_stay(written: str, spoken: str) -> None:
    assert text.without_quotes(written) == spoken


@pytest.mark.parametrize("limit", [20, 82, 213, 250])
def test_splitting_loses_nothing_and_keeps_the_limit(limit: int) -> None:
    parts = text.split_to_limit(STORY, limit)
    assert all(len(part) <= limit for part in parts)
    assert " ".join(parts) == STORY


def test_pieces_are_cut_at_sentence_ends_and_are_of_similar_length() -> None:
    parts = text.split_to_limit(STORY, CHARACTER_LIMITS["it"])
    assert all(part[-1] in ".!?" for part in parts)
    assert min(map(len, parts)) > 60


def test_a_script_without_spaces_is_split_after_its_own_full_stop() -> None:
    parts = text.split_to_limit("今日は晴れです。" * 20, CHARACTER_LIMITS["ja"])
    assert all(part.endswith("。") and len(part) <= 71 for part in parts)
    assert "".join(parts) == "今日は晴れです。" * 20


def test_a_word_longer_than_the_limit_is_cut_and_not_dropped() -> None:
    assert "".join(text.split_to_limit("x" * 500, 213)) == "x" * 500


def test_the_token_limit_leaves_room_for_slow_speech_and_grows_with_the_text() -> None:
    slowly_read_s = len(STORY) / 8
    assert text.token_limit(STORY) / text.TOKENS_PER_SECOND > slowly_read_s
    assert text.token_limit("ciao") < 60


def test_a_last_word_takes_longer_at_half_speed() -> None:
    assert text.shortest_last_word_s("Vado a Roma.", 0.5) == 2 * text.shortest_last_word_s(
        "Vado a Roma.", 1.0
    )
