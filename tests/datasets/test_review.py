"""The review table: suspicious rows first, changes by hand stand, and the split follows."""

from pathlib import Path

import pytest

from studio.bootstrap import Studio
from studio.datasets.forms import DatasetView, ReviewQuery, UtteranceView
from studio.db.tables import Asset
from studio.errors import InputRefused, NotFound
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from tests.datasets.making import (
    SENTENCES,
    ListeningJudges,
    as_imported,
    brought,
    make,
    request_for,
    small_dataset,
    sound,
    table_zip,
    zipped,
)
from tests.datasets.test_service import nothing_is_left


@pytest.fixture
def dataset(studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path) -> DatasetView:
    return small_dataset(studio, admin, voice, tmp_path, SENTENCES[:5])


def rows(studio: Studio, actor: Actor, dataset_id: str, **query: object) -> tuple[UtteranceView, ...]:
    return studio.dataset_review.page(actor, dataset_id, ReviewQuery(**query)).rows  # type: ignore[arg-type]


def test_odd_texts_stand_above_plain_ones(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    odd = ("To hear the time exactly...", "Leave a message (simple tone plays)", "Press # or * to go on")
    view = small_dataset(studio, admin, voice, tmp_path, (*SENTENCES[:3], *odd))
    first = rows(studio, admin, view.id)[:3]
    assert {row.text for row in first} == set(odd)
    assert {row.doubts[0] for row in first} == {"ellipsis", "direction", "symbols"}


def test_what_the_recogniser_hears_ranks_and_drops(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.ear.says = SENTENCES[0]  # every clip: so only the first text is what is said
    request = request_for(voice, brought(tmp_path / "brought", table_zip()), listen=True)
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request)
    assert refused.value.key == "datasets.one_sentence"
    assert judges.ear.heard == 8
    nothing_is_left(studio, tmp_path)


def test_a_dropped_clip_leaves_training_and_the_reason_is_counted(
    studio: Studio, admin: Actor, dataset: DatasetView
) -> None:
    gone = rows(studio, admin, dataset.id)[0]
    studio.dataset_review.decide(admin, [gone.id], keep=False)
    view = studio.datasets.view(admin, dataset.id)
    assert (view.kept, dict(view.dropped_by_reason)) == (4, {"person": 1})
    assert view.content_hash != dataset.content_hash
    found = studio.datasets.training_set(admin, dataset.id)
    assert gone.id not in {one.id for one in found.utterances}
    studio.dataset_review.decide(admin, [gone.id], keep=True)
    assert studio.datasets.view(admin, dataset.id).content_hash == dataset.content_hash


def test_a_persons_decision_stands_against_the_rules(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path, [*SENTENCES[:3], "Это предложение не по-английски."])
    (foreign,) = rows(studio, admin, view.id, show="dropped")
    assert foreign.reason == "other_script"
    studio.dataset_review.decide(admin, [foreign.id], keep=True)
    studio.dataset_review.edit_text(
        admin, rows(studio, admin, view.id)[-1].id, "Something else is said here."
    )
    kept = studio.dataset_review.one(admin, foreign.id)
    assert kept.kept
    assert kept.by_person


def test_an_edited_text_is_what_training_gets_and_its_sentence_stays_on_one_side(
    studio: Studio, admin: Actor, dataset: DatasetView
) -> None:
    found = studio.datasets.training_set(admin, dataset.id).utterances
    held = next(one for one in found if one.split == "held_out")
    other = next(one for one in found if one.split == "train")
    studio.dataset_review.edit_text(admin, other.id, f"  {held.text.upper()} ")
    sides = {one.id: one for one in studio.datasets.training_set(admin, dataset.id).utterances}
    assert sides[other.id].text == held.text.upper()
    assert sides[other.id].split == sides[held.id].split


@pytest.mark.parametrize("text", ["", "   ", "...", "x" * 501])
def test_a_text_without_letters_or_too_long_is_refused(
    studio: Studio, admin: Actor, dataset: DatasetView, text: str
) -> None:
    row = rows(studio, admin, dataset.id)[0]
    with pytest.raises(InputRefused):
        studio.dataset_review.edit_text(admin, row.id, text)
    assert studio.dataset_review.one(admin, row.id).text == row.text


def test_a_clip_is_cut_anew_heard_again_and_can_be_widened_again(
    studio: Studio, admin: Actor, dataset: DatasetView, judges: ListeningJudges
) -> None:
    row = rows(studio, admin, dataset.id)[0]
    judges.ear.says = "Now something else."
    cut = studio.dataset_review.recut(admin, row.id, 0.5, 2.0)
    assert cut.duration_s == pytest.approx(1.5, abs=0.01)
    assert (cut.text, cut.heard, cut.edited) == ("Now something else.", "Now something else.", True)
    assert len(studio.datasets.clip_audio(admin, row.id)[0]) < 60_000
    wide = studio.dataset_review.recut(admin, row.id, 0.0, row.duration_s)
    assert wide.duration_s == pytest.approx(row.duration_s, abs=0.01)
    with studio.database.read() as session:
        kinds = [asset.kind for asset in session.query(Asset)]
    assert kinds.count("dataset_clip") == 5
    assert kinds.count("dataset_source") == 1


def test_a_text_that_is_still_heard_survives_a_new_cut(
    studio: Studio, admin: Actor, dataset: DatasetView, judges: ListeningJudges
) -> None:
    row = rows(studio, admin, dataset.id)[0]
    judges.ear.says = row.text.lower().replace(".", "")
    assert studio.dataset_review.recut(admin, row.id, 0.1, 2.3).text == row.text


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.4), (-3.0, 2.0), (1.0, 9.0), (2.0, 1.0)])
def test_a_cut_beyond_the_recording_or_too_short_is_refused(
    studio: Studio, admin: Actor, dataset: DatasetView, start_s: float, end_s: float
) -> None:
    row = rows(studio, admin, dataset.id)[0]
    with pytest.raises(InputRefused) as refused:
        studio.dataset_review.recut(admin, row.id, start_s, end_s)
    assert refused.value.key == "datasets.cut"


def test_a_clip_that_is_too_long_cannot_be_kept_until_it_is_cut(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    lines = [b"path,text", *(f"c{n}.wav,{text}".encode() for n, text in enumerate(SENTENCES[:3]))]
    files = {"c0.wav": sound(0, 12.0), "c1.wav": sound(1), "c2.wav": sound(2)}
    corpus = zipped({"list.csv": b"\n".join(lines), **files})
    view = make(studio, admin, request_for(voice, brought(tmp_path / "brought", corpus)))
    assert dict(view.dropped_by_reason) == {"too_long": 1}
    (long,) = rows(studio, admin, view.id, show="dropped")
    with pytest.raises(InputRefused) as refused:
        studio.dataset_review.decide(admin, [long.id], keep=True)
    assert refused.value.key == "datasets.cannot_keep"
    judges.ear.says = SENTENCES[0]
    studio.dataset_review.recut(admin, long.id, 1.0, 7.0)
    assert studio.datasets.view(admin, view.id).kept == 3


def test_short_clips_are_left_out_until_somebody_keeps_them(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    lines = [b"path,text", *(f"c{n}.wav,{text}".encode() for n, text in enumerate(SENTENCES[:4]))]
    files = {"c0.wav": sound(0, 1.8), "c1.wav": sound(1, 0.7), "c2.wav": sound(2), "c3.wav": sound(3)}
    corpus = zipped({"list.csv": b"\n".join(lines), **files})
    view = make(studio, admin, request_for(voice, brought(tmp_path / "brought", corpus)))
    assert dict(view.dropped_by_reason) == {"short": 1, "too_short": 1}
    by_reason = {row.reason: row for row in rows(studio, admin, view.id, show="dropped")}
    studio.dataset_review.decide(admin, [by_reason["short"].id], keep=True)
    assert studio.datasets.view(admin, view.id).kept == 3
    with pytest.raises(InputRefused) as refused:
        studio.dataset_review.decide(admin, [by_reason["too_short"].id], keep=True)
    assert refused.value.key == "datasets.cannot_keep"


def test_a_clip_in_another_language_is_doubted_until_somebody_has_read_it(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.ear.by_content = {as_imported(n): text for n, text in enumerate(SENTENCES[:4])}
    judges.ear.languages = {as_imported(0): "it", as_imported(1): "en"}
    request = request_for(voice, brought(tmp_path / "brought", table_zip(SENTENCES[:4])), listen=True)
    view = make(studio, admin, request)
    first, *others = rows(studio, admin, view.id)
    assert (first.spoken_language, first.doubts[0], first.kept) == ("it", "language", True)
    assert not any("language" in row.doubts for row in others)
    assert "language" not in studio.dataset_review.edit_text(admin, first.id, "Read by a person.").doubts


def test_clips_are_heard_and_compared_in_their_own_language(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    locales = ("en", "fr", "en", "fr")
    lines = [f"c{n}\tc{n}.wav\t{SENTENCES[n]}\t{code}" for n, code in enumerate(locales)]
    table = "\n".join(["client_id\tpath\tsentence\tlocale", *lines]).encode()
    corpus = zipped({"validated.tsv": table, **{f"clips/c{n}.wav": sound(n) for n in range(4)}})
    judges.ear.by_content = {as_imported(n): text for n, text in enumerate(SENTENCES[:4])}
    view = make(studio, admin, request_for(voice, brought(tmp_path / "brought", corpus), listen=True))
    assert judges.ear.asked == ["en", "fr", "en", "fr"]
    found = studio.datasets.training_set(admin, view.id)
    assert sorted(one.language for one in found.utterances) == ["en", "en", "fr", "fr"]
    assert found.language == "en"


def test_many_are_decided_at_once(studio: Studio, admin: Actor, dataset: DatasetView) -> None:
    query = ReviewQuery(search="sentence")
    assert studio.dataset_review.decide_all(admin, dataset.id, query, keep=False) == 2
    assert studio.datasets.view(admin, dataset.id).kept == 3
    assert studio.dataset_review.page(admin, dataset.id, ReviewQuery(show="dropped")).total == 2
    with pytest.raises(InputRefused):
        studio.dataset_review.decide_all(admin, dataset.id, ReviewQuery(search="no such"), keep=False)


def test_pages_hold_every_row_once(studio: Studio, admin: Actor, dataset: DatasetView) -> None:
    seen = [row.id for page in range(3) for row in rows(studio, admin, dataset.id, page=page, per_page=2)]
    assert len(seen) == len(set(seen)) == 5


def test_too_little_kept_is_refused_for_training(studio: Studio, admin: Actor, dataset: DatasetView) -> None:
    everything = [row.id for row in rows(studio, admin, dataset.id)]
    studio.dataset_review.decide(admin, everything[1:], keep=False)
    with pytest.raises(InputRefused) as refused:
        studio.datasets.training_set(admin, dataset.id)
    assert refused.value.key == "datasets.too_few_kept"


def test_nobody_else_changes_a_dataset(
    studio: Studio, admin: Actor, account: object, dataset: DatasetView
) -> None:
    other, row = account("rosa"), rows(studio, admin, dataset.id)[0]  # type: ignore[operator]
    review = studio.dataset_review
    for change in (
        lambda: review.page(other, dataset.id, ReviewQuery()),
        lambda: review.decide(other, [row.id], False),
        lambda: review.edit_text(other, row.id, "Mine now."),
        lambda: review.recut(other, row.id, 0.0, 2.0),
        lambda: review.passage_audio(other, row.id),
    ):
        with pytest.raises(NotFound):
            change()
    assert review.one(admin, row.id) == row
