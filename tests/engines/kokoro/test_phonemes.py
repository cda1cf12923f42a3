"""Text to phonemes: known words, punctuation, what cannot be said, and where long text is cut."""

import pytest

from studio.engines.kokoro.phonemes import TOKEN_LIMIT, Phonemizer, ids_of, stretches, vocabulary
from studio.errors import TextRefused


@pytest.fixture(scope="module")
def phonemize() -> Phonemizer:
    return Phonemizer()


@pytest.mark.parametrize(
    ("text", "language", "accent", "expected"),
    [
        ("pizza", "it", "us", "pˈiʦːa"),
        ("buongiorno", "it", "us", "bʊonʤˈɔrno"),
        ("zucchero", "it", "us", "ʣˈukːeɾo"),
        ("hello", "en", "us", "həlˈO"),
        ("hello", "en", "gb", "həlˈQ"),
        ("judge", "en", "us", "ʤˈʌʤ"),
        ("water", "en", "us", "wˈɔTəɹ"),
        ("mañana", "es", "us", "maɲˈana"),
        ("bonjour", "fr", "us", "bɔ̃ʒˈuʁ"),
        ("bom dia", "pt", "us", "bˈoŋ ʤˈiæ"),
    ],
)
def test_known_words_come_in_the_training_alphabet(
    phonemize: Phonemizer, text: str, language: str, accent: str, expected: str
) -> None:
    assert phonemize(text, language, accent) == expected


def test_punctuation_is_kept_because_it_shapes_the_melody(phonemize: Phonemizer) -> None:
    phonemes = phonemize("Davvero? «Sì», disse... basta!", "it")
    assert [char for char in phonemes if char in "?!,…“”"] == ["?", "“", "”", ",", "…", "!"]


@pytest.mark.parametrize("text", ["😀🎉", "   ", "...", "—!?", "\u200d\ufe0f"])
def test_text_without_words_is_refused_with_a_reason(phonemize: Phonemizer, text: str) -> None:
    with pytest.raises(TextRefused) as refusal:
        phonemize(text, "it")
    assert refusal.value.key == "kokoro.nothing_to_say"
    assert "emoji" in refusal.value.text("it")


def test_emoji_beside_words_are_silent(phonemize: Phonemizer) -> None:
    assert phonemize("ciao 😀", "it") == phonemize("ciao", "it")


def test_every_language_of_the_engine_has_phonemes_in_the_vocabulary(phonemize: Phonemizer) -> None:
    texts = {"it": "perché", "en": "thought", "es": "llover", "fr": "œuvre", "pt": "coração", "hi": "नमस्ते"}
    for language, text in texts.items():
        ids = ids_of(phonemize(text, language))
        assert len(ids) >= 4, language
        assert set(ids) <= set(vocabulary().values())


def test_long_text_is_cut_within_the_limit_and_nothing_is_lost(phonemize: Phonemizer) -> None:
    text = "Questa frase è piuttosto lunga, ma continua; " * 30
    phonemes = phonemize(text, "it")
    parts = list(stretches(phonemes))
    assert len(parts) > 1
    assert all(0 < len(ids_of(part)) <= TOKEN_LIMIT for part in parts)
    assert "".join(parts).replace(" ", "") == phonemes.replace(" ", "")


def test_a_word_without_end_is_still_cut(phonemize: Phonemizer) -> None:
    parts = list(stretches("a" * 1700))
    assert "".join(parts) == "a" * 1700
    assert max(map(len, parts)) <= TOKEN_LIMIT


def test_sentences_are_separate_stretches_and_short_ones_join_their_neighbours() -> None:
    first, second = "a" * 40 + ".", "b" * 40 + "?"
    assert list(stretches(f"{first} {second}")) == [first, second]
    assert list(stretches(f"{first} si!")) == [f"{first} si!"]
    assert list(stretches(f"si! {first}")) == [f"si! {first}"]
