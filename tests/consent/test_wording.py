"""What counts as reading the statement, and what does not."""

from datetime import date
from itertools import pairwise

import pytest

from studio.consent import statements
from studio.consent.purposes import Purpose
from studio.consent.wording import WER_PASSES, WER_REVIEW, compare

PURPOSES = {Purpose.ZERO_SHOT, Purpose.INTERNAL_USE}
DAY = date(2026, 11, 23)


def asked(language: str) -> tuple[str, tuple[str, ...]]:
    words, neutral = statements.draw(language)
    return statements.statement(language, PURPOSES, DAY, "Rossi Audio", words, neutral), words


@pytest.mark.parametrize("language", ["it", "en"])
def test_a_statement_read_as_it_stands_passes_however_it_is_spelled(language: str) -> None:
    statement, words = asked(language)
    heard = statement.lower().replace(",", "").replace(".", "").replace(":", "")
    found = compare(statement, heard, words, language)
    assert found.error == 0 and found.missing == () and found.agreed and found.phrase and not found.negated


@pytest.mark.parametrize(
    ("language", "denied"),
    [("it", "non acconsento"), ("it", "mai acconsento"), ("en", "I do not agree"), ("en", "I don't agree")],
)
def test_a_denial_is_heard_in_both_languages(language: str, denied: str) -> None:
    statement, words = asked(language)
    turned = (
        statement.replace("acconsento", denied) if language == "it" else statement.replace("I agree", denied)
    )
    assert turned != statement
    found = compare(statement, turned, words, language)
    assert found.negated and found.error <= WER_PASSES, "the words alone would let it pass"


@pytest.mark.parametrize("language", ["it", "en"])
def test_no_statement_denies_anything_by_itself(language: str) -> None:
    negations = statements.signs(language).negations
    for _ in range(12):
        statement, words = asked(language)
        assert not compare(statement, statement, words, language).negated
        assert not negations & set(statement.lower().replace(".", "").replace(",", "").split())


@pytest.mark.parametrize("language", ["it", "en"])
def test_every_word_to_draw_is_one_word_and_none_stands_in_the_rest(language: str) -> None:
    texts = statements._texts(language)
    assert len(set(texts["words"])) == len(texts["words"]) >= 100
    assert all(word.isalpha() and word == word.lower() for word in texts["words"])
    fixed = texts["statement"].lower()
    assert not [word for word in texts["words"] if f" {word} " in fixed]


def test_two_draws_share_hardly_a_word() -> None:
    drawn = [set(statements.draw("it")[0]) for _ in range(100)]
    shared = [len(one & other) for one, other in pairwise(drawn)]
    assert all(len(words) == statements.WORDS for words in drawn) and sum(shared) / len(shared) < 0.6


def test_an_old_statement_lacks_the_new_words() -> None:
    old, _ = asked("en")
    new, words = asked("en")
    assert len(compare(new, old, words, "en").missing) >= 2


def test_silence_and_other_words_are_no_reading() -> None:
    statement, words = asked("it")
    for heard in ("", "buongiorno a tutti"):
        found = compare(statement, heard, words, "it")
        assert found.error > WER_REVIEW and not found.agreed and len(found.missing) == 4
