from typing import Any

import pytest

from studio.engines.xtts import tokens
from studio.engines.xtts.spec import CHARACTER_LIMITS
from studio.errors import EngineTrouble, TextRefused

MOST = 402


def test_ids_are_those_upstream_would_feed(model: Any) -> None:
    for language, text in [("it", "Il 21º secolo, 3° piano, 14% di sconto."), ("en", "Mr. Smith paid $20.")]:
        (piece,) = tokens.pieces(model.tokenizer, text, language, MOST)
        assert piece.ids == model.tokenizer.encode(text.strip().lower(), lang=language)


def test_upstreams_italian_cleaners_read_numbers_percents_and_money(model: Any) -> None:
    (piece,) = tokens.pieces(model.tokenizer, "Il 21º sconto: 14% in meno, cioè 12,50€.", "it", MOST)
    assert piece.spoken == (
        "il ventunesimo sconto: quattordici per cento in meno, cioè dodici euro e cinquanta centesimi."
    )


def test_text_already_written_out_in_italian_passes_the_cleaners_unchanged(model: Any) -> None:
    text = "perché no? è già l'una e un quarto, dirò dell'altro; così va bene!"
    (piece,) = tokens.pieces(model.tokenizer, text, "it", MOST)
    assert piece.spoken == text


@pytest.mark.parametrize("language", CHARACTER_LIMITS)
def test_every_language_of_the_spec_has_cleaners_that_run(model: Any, language: str) -> None:
    words = {"zh": "我们走吧", "ja": "こんにちは", "ko": "안녕", "ar": "مرحبا", "hi": "नमस्ते", "ru": "привет"}
    for package in {"zh": ["pypinyin"], "ja": ["cutlet", "unidic_lite"]}.get(language, []):
        pytest.importorskip(package)
    (piece,) = tokens.pieces(model.tokenizer, words.get(language, "ok"), language, MOST)
    tag = "zh-cn" if language == "zh" else language
    assert piece.ids[0] == model.tokenizer.tokenizer.token_to_id(f"[{tag}]")


def test_the_spec_and_upstream_agree_on_languages_and_limits(model: Any) -> None:
    assert {code.split("-")[0] for code in model.config.languages} == set(CHARACTER_LIMITS)
    assert model.tokenizer.char_limits == CHARACTER_LIMITS


def test_a_text_over_the_limit_becomes_pieces_that_hold_all_of_it(model: Any) -> None:
    text = "la casa è grande e il giardino è pieno di fiori. " * 12
    parts = tokens.pieces(model.tokenizer, text, "it", MOST)
    assert len(parts) == 3
    assert " ".join(part.spoken for part in parts) == text.strip()


def test_digits_that_spell_out_into_too_many_tokens_are_split_again(model: Any) -> None:
    text = " ".join(["987654"] * 28)
    parts = tokens.pieces(model.tokenizer, text, "it", MOST)
    assert all(len(part.ids) < MOST for part in parts)
    said = " ".join(part.spoken for part in parts)
    assert said.count("novecentottantasettemila") == 28


@pytest.mark.parametrize("text", ["", "   ", "«»", "...", "🙂🙂"])
def test_a_text_with_nothing_to_say_is_refused(model: Any, text: str) -> None:
    with pytest.raises(TextRefused) as refusal:
        tokens.pieces(model.tokenizer, text, "it", MOST)
    assert refusal.value.key == "xtts.nothing_to_say"


def test_a_number_the_cleaners_cannot_read_is_refused_with_its_text(model: Any) -> None:
    with pytest.raises(TextRefused, match=r"12\.5"):
        tokens.pieces(model.tokenizer, "12.5", "hi", MOST)


def test_a_missing_language_package_is_named() -> None:
    class WithoutPinyin:
        def preprocess_text(self, text: str, language: str) -> str:
            raise ImportError("Chinese requires: pypinyin")

    with pytest.raises(EngineTrouble, match="pypinyin"):
        tokens.pieces(WithoutPinyin(), "你好", "zh", MOST)
