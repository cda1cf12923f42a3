"""Word errors: the numbers of the specification, the spoken form, the words for display, bad input."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import InputRefused
from studio.evaluation.normalize import normalize
from studio.evaluation.wer import AlignedWord, wer

REFERENCES = ["Nel mezzo del cammin di nostra vita", "L'amico è arrivato alle 3", "ciao"]
HYPOTHESES = ["nel mezzo del camin di nostra vita", "l amico è arrivato alle tre", "ciao ciao ciao"]


@pytest.mark.parametrize(
    ("normalization", "corpus", "mean", "errors"),
    [
        ("as_is", 0.5385, 0.9619, (4, 3, 0)),  # 7/13; the figures the specification prints
        ("letters", 0.2857, 0.7698, (2, 2, 0)),  # 4/14: "Nel" and "l amico" are no errors, "3" is
        ("spoken", 0.2143, 0.7143, (1, 2, 0)),  # 3/14: "3" is "tre"
    ],
)
def test_rates_equal_the_worked_example_at_each_normalization(normalization, corpus, mean, errors):
    found = wer(REFERENCES, HYPOTHESES, "it", normalization)
    assert round(found.corpus, 4) == corpus and round(found.mean, 4) == mean
    assert (found.substitutions, found.insertions, found.deletions) == errors


def test_the_spoken_form_is_the_default():
    assert wer(["Sono le 3"], ["sono le tre"], "it").corpus == 0.0


def test_aligned_words_tell_what_was_said_instead():
    found = wer(["uno due tre quattro"], ["uno dua quattro cinque"], "it")
    assert found.aligned[0][0] == AlignedWord("equal", "uno", "uno")
    kinds = [word.kind for word in found.aligned[0]]
    assert kinds.count("substitute") + kinds.count("insert") + kinds.count("delete") == 3
    assert [word.reference for word in found.aligned[0] if word.reference] == ["uno", "due", "tre", "quattro"]
    assert [word.hypothesis for word in found.aligned[0] if word.hypothesis] == [
        "uno",
        "dua",
        "quattro",
        "cinque",
    ]


def test_hearing_nothing_misses_every_word():
    found = wer(["ciao mondo"], [""], "it")
    assert found.corpus == 1.0 and found.deletions == 2 and found.cer == 1.0
    assert [word.kind for word in found.aligned[0]] == ["delete", "delete"]


def test_character_rate_counts_letters():
    assert wer(["casa"], ["cosa"], "it").cer == pytest.approx(0.25)


def test_chinese_is_compared_by_character():
    found = wer(["今天天气很好。"], ["今天天汽很好"], "zh")
    assert found.corpus == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    ("references", "hypotheses", "language", "key"),
    [
        ([""], ["ciao"], "it", "evaluation.empty_reference"),
        (["ciao", " ... "], ["ciao", "ciao"], "it", "evaluation.empty_reference"),
        ([], [], "it", "evaluation.pairs"),
        (["ciao"], [], "it", "evaluation.pairs"),
        (["ciao"], ["ciao"], "xx", "evaluation.language"),
        (["ciao"], ["ciao"], "", "evaluation.language"),
    ],
)
def test_what_has_no_rate_is_refused(references, hypotheses, language, key):
    with pytest.raises(InputRefused) as refused:
        wer(references, hypotheses, language)
    assert refused.value.key == key
    assert refused.value.text("it") != refused.value.text("en")


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: wer([None], ["ciao"], "it"), "evaluation.no_text"),
        (lambda: wer(["ciao"], [None], "it"), "evaluation.no_text"),
        (lambda: wer(["ciao"], ["ciao"], None), "evaluation.language"),
        (lambda: wer(["ciao"], ["ciao"], "it", "words"), "evaluation.normalization"),
        (lambda: wer("ciao", ["ciao", "ciao"], "it"), "evaluation.pairs"),
    ],
)
def test_what_is_no_text_no_language_and_no_normalization_is_refused(call, key):
    with pytest.raises(InputRefused) as refused:
        call()
    assert refused.value.key == key and refused.value.text("it") != refused.value.text("en")


def test_a_text_instead_of_a_list_is_one_utterance():
    found = wer("abc def", "abd def", "it")
    assert found.corpus == 0.5 and len(found.utterances) == 1
    assert found == wer(["abc def"], ["abd def"], "it")


SAME_IN_ITALIAN = [
    ("Costa 12,50 €", "costa dodici euro e cinquanta"),
    ("il 3/4/2024 alle 15:30", "il tre aprile duemilaventiquattro alle quindici e trenta"),
    ("Il Sig. Rossi, la 2ª volta", "il signor rossi la seconda volta"),
    ("È già lì: perché?", "e\u0300 gia\u0300 li\u0300 perche\u0301"),
    ("l’amico dell'IVA", "L'AMICO DELL IVA"),
    ("ventitré", "23"),
    ("25%", "venticinque per cento"),
    ("25%", "venticinque percento"),
    ("23", "ventitre"),
    ("103", "centotrè"),
    ("E' vero perche' la citta' e' grande", "è vero perché la città è grande"),
    ("un po'", "un po"),
    ("50mila persone", "cinquantamila persone"),
    ("500 mila persone", "500.000 persone"),
    ("3 mila", "tremila"),
    ("nel sec. XIX", "nel secolo diciannovesimo"),
    ("c.a.p. 00100", "CAP zero zero uno zero zero"),
    ("alle h 15:30", "alle ore quindici e trenta"),
    ("la Fase II", "la fase seconda"),
    ("1,50 €", "un euro e cinquanta centesimi"),
    ("1,50 €", "1 euro e 50"),
    ("22 gen. 2024", "ventidue gennaio duemilaventiquattro"),
    ("il dott. Rossi", "il dottore Rossi"),
    ("la sig.ra e il sig. Verdi", "la signora e il signore Verdi"),
]


@pytest.mark.parametrize(("written", "heard"), SAME_IN_ITALIAN)
def test_two_ways_of_writing_the_same_italian_words_are_no_error(written, heard):
    assert normalize(written, "it") == normalize(heard, "it")


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("$5 on March 3rd, 2024", "five dollars on march third twenty twenty four"),
        ("Mr. Smith's 21st", "mister smith's twenty-first"),
    ],
)
def test_two_ways_of_writing_the_same_english_words_are_no_error(written, heard):
    assert normalize(written, "en") == normalize(heard, "en")


def test_accents_are_kept_because_they_are_other_words():
    assert normalize("è", "it") != normalize("e", "it")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["casa", "mare", "sole", "luna", "vento"]), min_size=1, max_size=12))
def test_what_was_said_as_written_has_no_errors(words):
    text = " ".join(words)
    found = wer([text], [text.upper()], "it")
    assert found.corpus == found.mean == found.cer == 0.0
