"""No text of a person or a model becomes markup (attack 19)."""

from dataclasses import replace

import pytest

from studio.bootstrap import Studio
from studio.errors import AudioRefused, InputRefused
from studio.privacy.access import Actor
from studio.synthesis.requests import Take
from studio.ui.clone.history import history_list
from studio.ui.clone.result import marked, measurements, scores_card, take_card
from studio.ui.markup import button, player
from studio.ui.uploads import take_in, take_in_text
from studio.ui.voices.cards import voice_cards, voice_detail
from studio.ui.voices.clips import clip_card
from studio.ui.voices.review import review_list
from studio.ui.words import Words
from tests.enrolling import checked_speech, enrol

EVIL = """<img src=x onerror=alert(1)>"'><script>alert(2)</script>"""
WORDS = Words("it")


def make_take(**changes: object) -> Take:
    take = Take(
        "tak_1", "voice:voc_1", EVIL, EVIL, "it", EVIL, EVIL, (EVIL,), {}, "internal_use", 2.0, 24_000, 0.5, 0.2, "cpu",
        0.5, 3.2, 0.25, EVIL, False, None, None, "2026-11-23T05:00:00.000+00:00",
    )  # fmt: skip
    return replace(take, **changes)  # type: ignore[arg-type]


def harmless(markup: str) -> bool:
    return "<img" not in markup and "<script" not in markup


def test_attack_19_names_and_transcripts_of_takes_stay_text() -> None:
    take = make_take()
    pages = [
        take_card(WORDS, take, trained=EVIL),
        scores_card(WORDS, take, scored=True),
        history_list(WORDS, [take], filtered=False),
    ]
    assert all(map(harmless, pages))
    assert "&lt;img" in pages[0]


def test_attack_19_names_of_voices_files_and_consents_stay_text(studio: Studio, admin: Actor) -> None:
    view = enrol(studio, admin, EVIL[:60])
    engines = studio.choices.engines("it", cloning=True)
    assert harmless(voice_cards(WORDS, [view], view.id, {}))
    assert harmless(voice_detail(WORDS, view, studio.enrolment.encoded(admin, view.id), engines))
    assert view.consent is not None
    waiting = replace(view.consent, voice_names=(EVIL,), transcript=EVIL, statement=EVIL)
    assert harmless(review_list(WORDS, [(waiting, ["clp_1"])]))
    checked = replace(checked_speech(studio, admin), name=EVIL)
    assert harmless(clip_card(WORDS, 0, checked))


def test_attack_19_attributes_cannot_be_left() -> None:
    assert '" onclick' not in button("act", "Go", id='x" onclick="alert(1)')
    assert player('/media/x" onerror="1', "l").count('"') == player("/media/x", "l").count('"')


def test_a_transcript_shows_missing_and_added_words() -> None:
    assert "".join(marked("Il gatto nero dorme.", "il gatto dorme ora")) == (
        "il gatto <del>nero</del> dorme <ins>ora</ins> "
    )


def test_numbers_heard_as_digits_are_no_mistakes() -> None:
    take = make_take(text="x", normalised_text="Sono quindici euro.", transcript="sono 15 euro", wer=0.0)
    told = scores_card(WORDS, take, scored=True)
    assert "quindici" in told and "<del>" not in told and "<ins>" not in told


def test_a_predicted_mos_is_labelled_as_a_guess_and_what_is_missing_is_said() -> None:
    told = measurements(WORDS, make_take(predicted_mos=3.2, similarity=None), scored=True)
    assert "non sono ascoltatori" in told and "non misurabile" in told
    assert "in misura" in measurements(WORDS, make_take(wer=None), scored=False)


@pytest.mark.parametrize(
    ("value", "words"), [(0.6, "come la stessa voce"), (0.3, "fra altra voce"), (0.1, "come un'altra voce")]
)
def test_likeness_is_put_beside_its_baselines(value: float, words: str) -> None:
    import html

    assert words in html.unescape(measurements(WORDS, make_take(similarity=value), scored=True))


def test_an_upload_is_read_and_gone(tmp_path: object) -> None:
    file = tmp_path / "voice.wav"  # type: ignore[operator]
    file.write_bytes(b"sound")
    upload = take_in(str(file), "microphone", 1)
    assert (upload.name, upload.data, upload.source) == ("voice.wav", b"sound", "microphone")
    assert not file.exists()


def test_an_upload_over_the_limit_is_gone_too(tmp_path: object) -> None:
    file = tmp_path / "big.wav"  # type: ignore[operator]
    file.write_bytes(bytes(2**20 + 1))
    with pytest.raises(AudioRefused, match="1 MB"):
        take_in(str(file), "upload", 1)
    assert not file.exists()


def test_a_text_file_is_read_in_old_encodings_and_gone(tmp_path: object) -> None:
    file = tmp_path / "text.txt"  # type: ignore[operator]
    file.write_bytes("perché".encode("cp1252"))
    assert take_in_text(str(file), 100) == "perché"
    assert not file.exists()
    file.write_bytes(b"a" * 500)
    with pytest.raises(InputRefused, match="100 characters"):
        take_in_text(str(file), 100)
    assert not file.exists()


def test_a_clip_card_plays_from_the_page_itself(studio: Studio, admin: Actor) -> None:
    card = clip_card(WORDS, 0, checked_speech(studio, admin))
    assert 'src="data:audio/mpeg;base64,' in card
    assert "/media/" not in card and "gradio_api" not in card
