"""Cutting texts: where a sentence ends, and what must hold for every text."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import TextRefused
from studio.synthesis.text import normalise, split

WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=18)
TEXTS = st.lists(WORDS, min_size=1, max_size=40).map(" ".join)
LETTERS = st.text(st.characters(categories=("Ll",), max_codepoint=0x24F), min_size=1, max_size=10)
ANYTHING = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
SIGNS = st.text(alphabet="0123456789.,:/-–+€$%°ºª# IVXLabkmé'\"()½²", max_size=30)


def test_abbreviations_initials_and_decimals_do_not_end_a_sentence():
    text = "Il Sig. Rossi incontra G. Verdi e paga 3.50 euro in tutto. Poi torna finalmente a casa sua."
    assert split(text, "it", 200) == (
        "Il Sig. Rossi incontra G. Verdi e paga 3.50 euro in tutto.",
        "Poi torna finalmente a casa sua.",
    )


def test_an_abbreviation_that_may_end_a_sentence_does():
    text = "Abbiamo comprato pane, latte, ecc. Domani torniamo al mercato."
    assert len(split(text, "it", 200)) == 2


def test_questions_exclamations_and_closing_quotes_end_sentences():
    text = '"Come stai oggi, amico mio?" Lui rispose di stare benissimo! E dopo se ne andò via contento…'
    assert split(text, "it", 200)[0] == '"Come stai oggi, amico mio?"'
    assert len(split(text, "it", 200)) == 3


def test_short_fragments_join_their_neighbours():
    assert split("Sì. No. Forse. Vedremo domani mattina con calma.", "it", 200) == (
        "Sì. No. Forse. Vedremo domani mattina con calma.",
    )


def test_a_long_sentence_is_cut_at_a_clause_before_a_space():
    text = "Questa è una frase lunga, che continua con altre parole ancora e non finisce subito."
    pieces = split(text, "it", 60)
    assert pieces[0] == "Questa è una frase lunga,"
    assert all(len(piece) <= 60 for piece in pieces)


def test_chinese_is_cut_without_spaces():
    text = "今天天气很好。" * 8
    pieces = split(text, "zh", 20)
    assert "".join(pieces) == text and all(len(piece) <= 20 for piece in pieces)


def test_a_word_longer_than_the_limit_is_refused_rather_than_cut():
    with pytest.raises(TextRefused) as refused:
        split("breve " + "a" * 50, "it", 40)
    assert refused.value.key == "text.word_too_long"


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from(["it", "en", "de"]), st.integers(20, 120))
def test_split_loses_nothing_keeps_the_limit_and_breaks_no_word(text, language, limit):
    pieces = split(text, language, limit)
    assert " ".join(pieces).split() == text.split()
    assert all(0 < len(piece) <= limit for piece in pieces)


@settings(max_examples=150, deadline=None)
@given(ANYTHING | SIGNS, st.sampled_from(["it", "en"]))
def test_normalise_never_fails_and_leaves_no_digit(text, language):
    said = normalise(text, language)
    assert not any(character.isdigit() for character in said)
    assert not any(unicodedata.category(character) in ("So", "Sc") for character in said)


@settings(max_examples=100, deadline=None)
@given(SIGNS, st.sampled_from(["es", "fr", "pt", "de", "ru", "ja"]))
def test_other_languages_never_fail(text, language):
    assert not any(character.isdigit() for character in normalise(text, language))


@settings(max_examples=100, deadline=None)
@given(st.lists(LETTERS, min_size=1, max_size=20).map(" ".join), st.sampled_from(["it", "en"]))
def test_what_is_already_normalised_stays_as_it_is(text, language):
    once = normalise(text, language)
    assert normalise(once, language) == once


@pytest.mark.parametrize(
    "unit", ["1.", "1-", "a.b", "12:3", "1,000,", "a@b.", "+39 0", "I", "(", "www.", "1/"]
)
def test_hostile_repetition_takes_no_time(unit):
    start = time.process_time()
    normalise(unit * (10_000 // len(unit)), "it")
    assert time.process_time() - start < 4.0
