"""Datasets: imported whole or not at all, split without overlap, gone with their speaker."""

from pathlib import Path

import pytest

from studio.bootstrap import Studio
from studio.datasets.forms import Basis, DatasetEvent
from studio.datasets.rows import sentence_keys
from studio.datasets.splits import split
from studio.db.tables import Asset, Dataset, DatasetSource, DatasetUtterance
from studio.errors import Cancelled, ConsentMissing, InputRefused, NotFound, StorageTrouble
from studio.evaluation.normalize import normalize
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from studio.work.live import Live
from tests.conftest import Home
from tests.datasets.making import (
    SENTENCES,
    ListeningJudges,
    as_imported,
    brought,
    make,
    request_for,
    small_dataset,
    table_zip,
    trainable,
)
from tests.enrolling import enrol


def rows(studio: Studio, table: type) -> int:
    with studio.database.read() as session:
        return session.query(table).count()


def nothing_is_left(studio: Studio, tmp_path: Path) -> None:
    """No row, no sealed file, no plaintext of a dataset."""
    assert [rows(studio, table) for table in (Dataset, DatasetUtterance, DatasetSource)] == [0, 0, 0]
    with studio.database.read() as session:
        kinds = {asset.kind for asset in session.query(Asset)}
    assert not kinds & {"dataset_clip", "dataset_source"}
    assert not any(path.is_file() for path in (tmp_path / "brought").glob("*"))
    assert not list(studio.settings.scratch.glob("dataset-*"))


def wait_for_a_batch(live: Live[DatasetEvent]) -> None:
    """Until some clips are stored, and others are still to come."""
    for event in live.events():
        assert event.stage != "done"
        if event.done >= 17:
            return


def test_a_table_becomes_a_dataset_with_both_sides(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path)
    assert (view.kept, view.dropped, view.train, view.held_out) == (8, 0, 7, 1)
    assert view.format == "table"
    found = studio.datasets.training_set(admin, view.id)
    assert {one.text for one in found.utterances} == set(SENTENCES)
    assert found.content_hash == view.content_hash != ""
    with studio.database.read() as session:
        clip = studio.datasets.clip(session, found.utterances[0])
    assert clip.duration_s == pytest.approx(found.utterances[0].duration_s)
    assert not any((tmp_path / "brought").iterdir()), "what was brought is gone"


def test_no_sentence_is_on_both_sides_and_the_seed_decides(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    twice = [*SENTENCES, *(text.upper().replace(".", "!") for text in SENTENCES)]

    def sides(seed: int) -> dict[str, set[str]]:
        view = small_dataset(studio, admin, voice, tmp_path, twice, seed=seed, held_out_share=0.3)
        found: dict[str, set[str]] = {"train": set(), "held_out": set()}
        for one in studio.datasets.training_set(admin, view.id).utterances:
            found[one.split].add(normalize(one.text, "en", "letters"))
        return found

    first, again, other = sides(1), sides(1), sides(2)
    assert not first["train"] & first["held_out"]
    assert first == again
    assert first != other


def test_a_sentence_within_a_clip_is_not_held_out_elsewhere() -> None:
    texts = ["Hello there. The sea is calm.", "The sea is calm!", "Mr. Rossi came.", "Mr. Bianchi went."]
    texts += [f"Sentence {word} stands alone." for word in ("one", "two", "three", "four")]
    for seed in range(40):
        sides = split([sentence_keys(text, "en") for text in texts], seed, 0.3)
        assert sides[0] == sides[1], seed
        assert set(sides) == {"train", "held_out"}
    first = [split([sentence_keys(text, "en") for text in texts], seed, 0.3) for seed in range(40)]
    assert any(sides[2] != sides[3] for sides in first), "a title ties nothing together"


def test_groups_are_tied_by_a_third_clip() -> None:
    keys = [sentence_keys(text, "en") for text in ("A b. C d.", "C d. E f.", "E f.", "G h.", "I j.")]
    for seed in range(20):
        sides = split(keys, seed, 0.4)
        assert len(set(sides[:3])) == 1


def test_texts_are_nowhere_in_the_clear(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    small_dataset(studio, admin, voice, tmp_path)
    studio.database.checkpoint()
    stored = b"".join(path.read_bytes() for path in studio.settings.storage.rglob("*") if path.is_file())
    assert SENTENCES[0].encode() not in stored
    assert b"spider" not in stored


def test_a_voice_without_consent_to_training_gets_no_dataset(
    studio: Studio, admin: Actor, tmp_path: Path
) -> None:
    plain, file = enrol(studio, admin), brought(tmp_path / "brought", table_zip())
    with pytest.raises(ConsentMissing):
        studio.datasets.build(admin, request_for(plain, file))
    file.path.unlink()  # it was not touched: another voice may be chosen for it
    nothing_is_left(studio, tmp_path)


def test_a_withdrawal_takes_the_dataset_along(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path)
    found = studio.datasets.training_set(admin, view.id)
    receipt = studio.voices.withdraw(admin, voice.id)
    assert receipt.erased["dataset_clip"] == 8
    assert receipt.erased["dataset"] == 1
    nothing_is_left(studio, tmp_path)
    with pytest.raises(NotFound):
        studio.datasets.training_set(admin, view.id)
    with studio.database.read() as session, pytest.raises(StorageTrouble):
        studio.datasets.clip(session, found.utterances[0])


def test_a_dataset_of_somebody_else_is_not_there(
    studio: Studio, admin: Actor, account: object, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path)
    other = account("rosa")  # type: ignore[operator]
    assert studio.datasets.list(other) == []
    for ask in (studio.datasets.view, studio.datasets.training_set, studio.datasets.delete):
        with pytest.raises(NotFound):
            ask(other, view.id)
    with studio.database.read() as session:
        utterance = session.query(DatasetUtterance).first()
    assert utterance is not None
    with pytest.raises(NotFound):
        studio.datasets.clip_audio(other, utterance.id)
    assert studio.datasets.clip_audio(admin, utterance.id)[0][:4] == b"RIFF"


def test_a_cancelled_import_leaves_nothing(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    request = request_for(voice, brought(tmp_path / "brought", table_zip(SENTENCES * 6)))
    live = studio.datasets.build(admin, request)
    wait_for_a_batch(live)
    live.cancel()
    with pytest.raises(Cancelled):
        live.wait()
    nothing_is_left(studio, tmp_path)


def test_what_a_crash_left_half_made_is_gone_at_the_next_start(
    home: Home, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(home.studio, admin, voice, tmp_path)
    with home.studio.database.write() as session:
        session.get_one(Dataset, view.id).state = "building"
    studio = home.reopen()
    assert studio.datasets.leftovers.interrupted(admin) == [(view.id, "My set")], "its owner is told"
    assert (rows(studio, DatasetUtterance), studio.datasets.list(admin)) == (0, [])
    studio.datasets.leftovers.dismiss(admin, view.id)
    nothing_is_left(studio, tmp_path)


def test_a_withdrawal_during_the_import_ends_it(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    live = studio.datasets.build(
        admin, request_for(voice, brought(tmp_path / "brought", table_zip(SENTENCES * 6)))
    )
    wait_for_a_batch(live)
    studio.voices.withdraw(admin, voice.id)
    with pytest.raises((Cancelled, NotFound)):
        live.wait()
    nothing_is_left(studio, tmp_path)


def test_a_deleted_dataset_leaves_no_file(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path)
    before = sum(1 for path in (studio.settings.storage / "assets").rglob("*") if path.is_file())
    studio.datasets.delete(admin, view.id)
    after = sum(1 for path in (studio.settings.storage / "assets").rglob("*") if path.is_file())
    assert before - after == 8
    nothing_is_left(studio, tmp_path)


def test_clips_of_another_voice_are_dropped_and_said_so(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = {as_imported(n): 1 for n in (2, 5)}  # another speaker's embedding
    view = small_dataset(studio, admin, voice, tmp_path)
    assert view.dropped_by_reason == {"other_voice": 2}
    assert view.kept == 6


def test_a_public_corpus_is_not_compared_and_its_speakers_are_pseudonyms(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = {as_imported(n): n for n in range(8)}
    request = request_for(
        voice,
        brought(tmp_path / "brought", table_zip()),
        basis=Basis.LICENCE,
        licence="CC0-1.0",
        attested=True,
        source="A corpus",
    )
    view = make(studio, admin, request)
    studio.datasets.licences.approve(admin, view.id)
    found = studio.datasets.training_set(admin, view.id)
    assert view.kept == 8
    assert (view.licence, view.source) == ("CC0-1.0", "A corpus")
    assert {one.speaker for one in found.utterances} == {"S001"}


def test_a_corpus_without_a_licence_is_refused(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    request = request_for(voice, brought(tmp_path / "brought", table_zip()), basis=Basis.LICENCE)
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request)
    assert refused.value.key == "datasets.no_licence"
    nothing_is_left(studio, tmp_path)


def test_two_datasets_wait_for_each_other(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    second = trainable(studio, admin, "Rosa")
    works = [
        studio.datasets.build(admin, request_for(v, brought(tmp_path / f"{v.id}", table_zip())))
        for v in (voice, second)
    ]
    assert len(studio.datasets.running(admin)) == 2
    for live in works:
        live.wait()
    assert {view.voice_id for view in studio.datasets.list(admin)} == {voice.id, second.id}
