"""The built-in sentences cover their language; people's own lists are read and refused."""

import re
from functools import cache

import pytest

from studio.errors import InputRefused, NotFound
from studio.scores.sentences import SentenceSet, built_in, built_in_set, first, own_list
from studio.synthesis.text import prepare
from tests.enrolling import real_speech

# What a listener would miss if it never came up, as espeak writes it.
PHONEMES = {
    "it": [
        *(
            "p",
            "b",
            "t",
            "d",
            "k",
            "ɡ",
            "f",
            "v",
            "s",
            "z",
            "ts",
            "dz",
            "tʃ",
            "dʒ",
            "ʃ",
            "m",
            "n",
            "ɲ",
            "l",
            "ʎ",
            "r",
        ),
        *("j", "w", "a", "e", "ɛ", "i", "o", "ɔ", "u"),
    ],
    "en": [
        *(
            "p",
            "b",
            "t",
            "d",
            "k",
            "ɡ",
            "f",
            "v",
            "θ",
            "ð",
            "s",
            "z",
            "ʃ",
            "ʒ",
            "h",
            "tʃ",
            "dʒ",
            "m",
            "n",
            "ŋ",
            "l",
        ),
        *(
            "ɹ",
            "j",
            "w",
            "ɪ",
            "iː",
            "ɛ",
            "a",
            "ɒ",
            "ʌ",
            "ʊ",
            "uː",
            "ɜː",
            "ə",
            "ɔː",
            "ɑː",
            "eɪ",
            "aɪ",
            "ɔɪ",
            "aʊ",
            "əʊ",
        ),
    ],
}


@cache
def _spoken(set_id: str) -> str:
    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    chosen = built_in_set(set_id)
    backend = EspeakBackend({"it": "it", "en": "en-gb"}[chosen.language], with_stress=False)
    return " ".join(backend.phonemize([sentence.text for sentence in chosen.sentences]))


BALANCED = [one.id for one in built_in() if "balanced" in one.id]


@pytest.mark.parametrize("set_id", BALANCED)
def test_a_balanced_set_holds_every_phoneme_of_its_language(set_id: str) -> None:
    spoken = _spoken(set_id)
    assert [phoneme for phoneme in PHONEMES[set_id[:2]] if phoneme not in spoken] == []


def test_the_two_balanced_sets_have_hardly_a_sound_less_than_the_language() -> None:
    for set_id in BALANCED:
        letters = re.sub(r"[\sː]", "", _spoken(set_id))
        assert 650 < len(letters) < 1600  # a minute or so of speech


def test_italian_sets_hold_double_consonants() -> None:
    for set_id in ("it-balanced-a", "it-balanced-b"):
        text = " ".join(sentence.text.lower() for sentence in built_in_set(set_id).sentences)
        assert sum(pair in text for pair in ("cc", "tt", "ll", "ss", "nn", "pp", "zz", "gg", "rr")) >= 7


@pytest.mark.parametrize("chosen", built_in(), ids=lambda one: one.id)
def test_built_in_sentences_can_be_spoken_and_differ(chosen: SentenceSet) -> None:
    texts = [sentence.text for sentence in chosen.sentences]
    assert len(texts) == 20 and len(set(texts)) == 20
    for text in texts:
        assert prepare(text, chosen.language, 300).chunks
    assert set(chosen.titles) == {"it", "en"}


def test_no_sentence_is_in_two_sets() -> None:
    texts = [sentence.text for one in built_in() for sentence in one.sentences]
    assert len(texts) == len(set(texts)) == 120


def test_an_unknown_set_names_the_known_ones() -> None:
    with pytest.raises(NotFound) as refusal:
        built_in_set("nope")
    assert "it-calls" in refusal.value.text("en")


def test_own_lists_match_recordings_by_name_or_number() -> None:
    sound = real_speech(1.0)
    named = own_list(
        "name,text\nciao.wav,Ciao a tutti.\nb,Buona sera.", "it", {"CIAO.wav".lower(): sound, "b.flac": sound}
    )
    assert [s.recording is sound for s in named.sentences] == [True, True]
    numbered = own_list("Uno.\nDue.", "it", {"folder/0002.mp3": sound})
    assert [s.recording is not None for s in numbered.sentences] == [False, True] and numbered.recordings == 1
    assert first(numbered, 1).sentences == numbered.sentences[:1] and first(numbered, 0) is numbered


def test_a_recording_without_a_sentence_and_a_long_list_are_refused() -> None:
    with pytest.raises(InputRefused) as refusal:
        own_list("Uno.", "it", {"zwei.wav": real_speech(1.0)})
    assert refusal.value.facts["name"] == "zwei"
    with pytest.raises(InputRefused):
        own_list("\n".join(f"Frase {n}." for n in range(501)), "it")


def test_two_runs_compare_when_they_read_the_same_words() -> None:
    assert own_list("Uno.\nDue.", "it").content_id == own_list("Uno.\n\nDue.", "it").content_id
    assert own_list("Uno.", "it").content_id != own_list("Uno.", "en").content_id
