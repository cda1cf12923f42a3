"""By what right: nobody is cloned because a licence was typed in, and nobody decides for somebody else."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.audio.clip import AudioClip
from studio.bootstrap import Studio
from studio.datasets.forms import Basis, BuildRequest, DatasetView, ReviewQuery, UtteranceView
from studio.datasets.importers.base import Corpus
from studio.datasets.importers.common_voice import CommonVoice
from studio.datasets.rights import MOST_ALIKE, SAMPLE, Crowd, Rights, claim
from studio.db.tables import Dataset, DatasetUtterance
from studio.errors import AudioRefused, ConsentMissing, InputRefused, NotFound, NotPermitted
from studio.privacy.access import Actor, Role
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
    spoken,
    table_zip,
    zipped,
)
from tests.datasets.test_service import nothing_is_left
from tests.sounds import RATE, wav_bytes
from tests.test_migrations import upgrade

EVERYBODY = {as_imported(n): n + 1 for n in range(8)}


def licensed(voice: VoiceView, folder: Path, **changes: object) -> BuildRequest:
    plain = {"basis": Basis.LICENCE, "licence": "CC-BY-4.0", "attested": True}
    return request_for(voice, brought(folder / "brought", table_zip()), **(plain | changes))


def dropped(studio: Studio, actor: Actor, view: DatasetView) -> tuple[UtteranceView, ...]:
    return studio.dataset_review.page(actor, view.id, ReviewQuery(show="dropped")).rows


# A licence


@pytest.mark.parametrize("attested", [True, False])
def test_one_persons_recordings_are_not_trained_under_anothers_name_whatever_licence_is_written(
    attested: bool, studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = dict.fromkeys(EVERYBODY, 1)  # eight clips of one third person
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, licensed(voice, tmp_path, licence="CC0", attested=attested))
    assert refused.value.key == ("datasets.one_voice" if attested else "datasets.not_attested")
    assert not attested or voice.name in refused.value.text("it")
    nothing_is_left(studio, tmp_path)


def test_a_corpus_layout_and_invented_speakers_do_not_hide_one_person(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = dict.fromkeys(EVERYBODY, 1)
    lines = [f"client{n}\tc{n}.wav\t{text}\ten" for n, text in enumerate(SENTENCES)]
    table = "\n".join(["client_id\tpath\tsentence\tlocale", *lines]).encode()
    corpus = zipped({"validated.tsv": table, **{f"clips/c{n}.wav": sound(n) for n in range(8)}})
    request = request_for(voice, brought(tmp_path / "brought", corpus), basis=Basis.LICENCE)
    with pytest.raises(InputRefused) as refused:
        make(studio, admin, request)
    assert refused.value.key == "datasets.one_voice"
    judges.voices = EVERYBODY
    request = replace(request, files=(brought(tmp_path / "brought", corpus),))
    view = make(studio, admin, request)
    assert (view.rights, view.licence, view.kept) == ("known", "CC0-1.0", 8)
    assert studio.datasets.training_set(admin, view.id).kept == 8


def test_a_review_that_leaves_one_person_leaves_nothing_to_train(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = EVERYBODY | {as_imported(n): 1 for n in range(4)}
    view = make(studio, admin, licensed(voice, tmp_path))
    studio.datasets.licences.approve(admin, view.id)
    assert studio.datasets.training_set(admin, view.id).kept == 8
    rows = studio.dataset_review.page(admin, view.id, ReviewQuery()).rows
    others = [row.id for row in rows if row.text in SENTENCES[4:]]
    studio.dataset_review.decide(admin, others, keep=False)
    with pytest.raises(InputRefused) as refused:
        studio.datasets.training_set(admin, view.id)
    assert refused.value.key == "datasets.one_voice"


def test_an_attested_licence_waits_for_a_second_pair_of_eyes(
    studio: Studio, admin: Actor, account: object, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = EVERYBODY
    reviewer = account("revi", Role.REVIEWER)  # type: ignore[operator]
    view = make(studio, admin, licensed(voice, tmp_path))
    assert (view.rights, view.usable, view.ready) == ("awaiting", False, False)
    with pytest.raises(NotPermitted) as waits:
        studio.datasets.training_set(admin, view.id)
    assert waits.value.key == "datasets.awaiting"
    with pytest.raises(NotPermitted) as own:
        studio.datasets.licences.approve(admin, view.id)
    assert own.value.key == "datasets.four_eyes"
    with pytest.raises(NotPermitted):
        studio.datasets.licences.approve(account("rosa"), view.id)  # type: ignore[operator]
    studio.datasets.licences.approve(reviewer, view.id)
    assert studio.datasets.view(admin, view.id).ready
    assert studio.datasets.training_set(admin, view.id).licence == "CC-BY-4.0"
    with pytest.raises(NotFound):
        studio.datasets.licences.approve(reviewer, view.id)
    told = {entry.action: entry for entry in studio.audit.read(admin)}
    assert {"dataset.licence_attested", "dataset.licence_approved"} <= set(told)


def test_a_refused_licence_takes_the_recordings_along(
    studio: Studio, admin: Actor, account: object, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    judges.voices = EVERYBODY
    view = make(studio, admin, licensed(voice, tmp_path))
    studio.datasets.licences.refuse(account("revi", Role.REVIEWER), view.id)  # type: ignore[operator]
    nothing_is_left(studio, tmp_path)


def test_a_licence_is_known_attested_or_refused() -> None:
    ask = BuildRequest("voc", "x", basis=Basis.LICENCE)
    published, table = CommonVoice().corpus, Corpus("table", "", "")
    assert claim(ask, published).rights is Rights.KNOWN
    assert claim(replace(ask, licence="CC0-1.0"), published).rights is Rights.KNOWN
    other = replace(ask, licence="CC-BY-4.0")  # not what its makers say
    with pytest.raises(InputRefused):
        claim(other, published)
    assert claim(replace(other, attested=True), published).rights is Rights.AWAITING
    with pytest.raises(InputRefused) as refused:
        claim(replace(ask, attested=True), table)
    assert refused.value.key == "datasets.no_licence"


def test_a_crowd_is_many_voices_and_one_voice_is_none() -> None:
    def share(shares: list[int]) -> float:
        whose = [speaker for speaker, count in enumerate(shares) for _ in range(count)]
        order = np.random.default_rng(0).permutation(len(whose))
        vectors = iter(np.eye(256, dtype=np.float32)[[whose[index] for index in order]])
        crowd = Crowd(lambda clip: next(vectors))
        for _ in whose:
            crowd.hear(AudioClip(np.zeros(1, np.float32), RATE))
        return crowd.alike()

    assert share([500]) == 1.0
    assert share([400, 100]) > MOST_ALIKE
    assert share([350, 50, 50, 50]) > MOST_ALIKE
    assert share([125] * 4) < MOST_ALIKE
    assert share([25] * 20) < 0.1
    assert share([1, 1, 1]) == 1.0, "too few to tell"
    assert SAMPLE < 500, "the sample is smaller than what was heard"


# A consent


@pytest.fixture
def mixed(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> DatasetView:
    """Six clips of the voice, two of somebody else."""
    judges.voices = {as_imported(n): 1 for n in (2, 5)}
    return small_dataset(studio, admin, voice, tmp_path)


def test_somebody_elses_clip_is_not_put_back_by_hand(
    studio: Studio, admin: Actor, mixed: DatasetView
) -> None:
    review = studio.dataset_review
    row = dropped(studio, admin, mixed)[0]
    assert row.reason == "other_voice"
    for way in (
        lambda: review.decide(admin, [row.id], keep=True),
        lambda: review.recut(admin, row.id, 0.0, 3.0),
        lambda: review.decide_all(admin, mixed.id, ReviewQuery(show="dropped"), keep=True),
    ):
        with pytest.raises(InputRefused) as refused:
            way()
        assert refused.value.key in ("datasets.another_person", "datasets.nothing_chosen")
    review.edit_text(admin, row.id, "Quite another sentence is written.")
    assert len(dropped(studio, admin, mixed)) == 2
    assert studio.datasets.training_set(admin, mixed.id).kept == 6


def test_a_clip_that_was_put_back_before_is_refused_until_the_review_puts_it_right(
    studio: Studio, admin: Actor, mixed: DatasetView
) -> None:
    row = dropped(studio, admin, mixed)[0]
    with studio.database.write() as session:  # as it was possible once
        old = session.get_one(DatasetUtterance, row.id)
        old.kept, old.by_person, old.reason, old.split = True, True, "", "train"
    with pytest.raises(InputRefused) as refused:
        studio.datasets.training_set(admin, mixed.id)
    assert refused.value.key == "datasets.another_person"
    other = studio.dataset_review.page(admin, mixed.id, ReviewQuery(show="kept")).rows[-1]
    studio.dataset_review.edit_text(admin, other.id, "Some new text stands here.")
    assert studio.datasets.training_set(admin, mixed.id).kept == 6


def test_a_new_cut_of_the_voices_own_clip_that_holds_somebody_else_is_dropped(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path)
    row = studio.dataset_review.page(admin, view.id, ReviewQuery()).rows[0]
    studio.dataset_review.decide(admin, [row.id], keep=True)  # a person's decision does not cover it
    judges.embed = lambda clip: np.eye(256, dtype=np.float32)[int(clip.duration_s < 3.1)]  # type: ignore[method-assign]
    cut = studio.dataset_review.recut(admin, row.id, 0.0, 3.0)
    assert (cut.kept, cut.reason) == (False, "other_voice")


def test_recordings_that_are_all_a_little_unlike_the_voice_are_refused(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    """Each passes by itself (0.25 and more); taken together they are another person's."""
    unlike, honest = np.zeros(256, np.float32), judges.embed
    unlike[:2] = 0.3, np.sqrt(1 - 0.09)
    theirs = set(EVERYBODY)
    judges.embed = lambda clip: unlike if clip.content_id in theirs else honest(clip)  # type: ignore[method-assign]
    with pytest.raises(InputRefused) as refused:
        small_dataset(studio, admin, voice, tmp_path)
    assert refused.value.key == "datasets.voice_doubtful"
    nothing_is_left(studio, tmp_path)


def test_a_clip_is_heard_only_while_the_gate_permits_training(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path
) -> None:
    view = small_dataset(studio, admin, voice, tmp_path)
    row = studio.dataset_review.page(admin, view.id, ReviewQuery()).rows[0]
    assert studio.datasets.clip_audio(admin, row.id)
    with studio.database.write() as session:
        from studio.consent.gate import current_consent

        consent = current_consent(session, voice.speaker_id)
        assert consent is not None
        consent.withdrawn_at = "2026-01-01T00:00:00Z"
    with pytest.raises(ConsentMissing):
        studio.datasets.clip_audio(admin, row.id)


# What a machine said


def test_generated_sound_is_refused_as_a_clip_and_as_a_recording(
    studio: Studio, admin: Actor, voice: VoiceView, tmp_path: Path, judges: ListeningJudges
) -> None:
    marked = studio.marker.clip(spoken(0)).samples
    lines = "\n".join(["path,text", *(f"c{n}.wav,{text}" for n, text in enumerate(SENTENCES[:4]))]).encode()
    sounds = {f"c{n}.wav": sound(n) for n in range(1, 4)}
    corpus = zipped({"t.csv": lines, "c0.wav": wav_bytes(marked, RATE), **sounds})
    request = request_for(voice, brought(tmp_path / "brought", corpus))
    with pytest.raises(AudioRefused) as refused:
        make(studio, admin, request)
    assert refused.value.key == "datasets.generated"
    alone = brought(tmp_path / "brought", wav_bytes(marked, RATE), "long.wav")
    with pytest.raises(AudioRefused) as refused:
        make(studio, admin, request_for(voice, alone))
    assert refused.value.key == "datasets.generated"
    nothing_is_left(studio, tmp_path)
    request = replace(request, files=(brought(tmp_path / "brought", corpus),), skip_unusable=True)
    assert make(studio, admin, request).dropped_by_reason == {"generated": 1}


def test_datasets_know_their_rights_in_the_database(studio: Studio, admin: Actor, mixed: DatasetView) -> None:
    with studio.database.read() as session:
        row = session.get_one(Dataset, mixed.id)
        assert (row.rights, row.attested_by, row.approved_by) == ("consent", None, None)


def test_what_was_typed_in_before_waits_for_a_reviewer_too(tmp_path: Path) -> None:
    file = tmp_path / "studio.db"
    upgrade(file, "0010")
    cases = [("consent", "table"), ("licence", "common_voice"), ("licence", "ljspeech"), ("licence", "table")]
    with sqlite3.connect(file) as old:
        for number, (basis, form) in enumerate(cases):
            old.execute(
                "insert into dataset (id, owner_id, voice_id, name, language, format, basis, source, licence, seed,"
                " held_out_share, state, skipped, content_hash, created_at)"
                " values (?, 'acc', 'voc', 'x', 'it', ?, ?, '', 'CC0', 0, 0.1, 'ready', '{}', '', '2026')",
                (str(number), form, basis),
            )
    upgrade(file, "0011")
    with sqlite3.connect(file) as now:
        found = now.execute("select rights, attested_by from dataset order by id").fetchall()
    assert found == [("consent", None), ("known", None), ("awaiting", "acc"), ("awaiting", "acc")]
