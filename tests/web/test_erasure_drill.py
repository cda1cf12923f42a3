"""Attack 29, the erasure drill: of three speakers one withdraws; the whole storage is searched by content."""

import io
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from studio.audio.encode import AudioFormat, encode
from studio.bootstrap import Studio
from studio.consent.purposes import Category
from studio.db.database import Database
from studio.db.tables import Asset, EvaluationRun, MetricScore, Rating, Speaker, SpeakerKeyset, Synthesis
from studio.errors import NotFound, StorageTrouble
from studio.listening.forms import SpokenBy, SystemForm
from studio.privacy.access import Actor
from studio.privacy.backup import BackupService
from studio.privacy.keyring import Keyring
from studio.privacy.restore import restore
from studio.privacy.vault import Vault
from studio.settings import Settings
from studio.synthesis.batch import rows_of
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.training.processes import Identity
from studio.voices.forms import VoiceView
from studio.voices.speakers import Invitation
from tests.enrolling import real_speech
from tests.listening.taking_part import form, guest, opened, patient, spoken
from tests.training.scripted import (
    ended,
    kill_children,
    make_dataset,
    request_for,
    trainable_spec,
    wait_for,
    worker_of,
)
from tests.web.conftest import Served, serve_demo
from tests.web.test_attacks_consent import Phone
from tests.web.visitor import Visitor

PURPOSES = ["zero_shot", "internal_use", "fine_tune", "evaluation", "listening_test"]
PDF = b"%PDF-1.7 signed by "


@dataclass
class Person:
    """Somebody with something of every kind, and the words by which it would be found."""

    phone: Phone
    view: VoiceView
    marks: list[bytes]
    take_id: str
    surname: str


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for served in serve_demo(tmp_path_factory.mktemp("drill")):
        served.studio.studio.engines.register(trainable_spec())
        yield served
        kill_children(served.studio.settings.storage)


def person(served: Served, owner: Actor, name: str, surname: str) -> Person:
    """Consent by link, a signed paper, an encoding, a take, a data set."""
    studio: Studio = served.studio.studio
    contact, voice, text = (
        f"{name}.{surname}@example.org",
        f"Voice {surname}",
        f"The secret of {surname} is blue.",
    )
    invitation = Invitation(voice, "en", Category.EMPLOYEE, f"{name} {surname}", contact)
    phone = Phone(served, studio.speakers.invite(owner, invitation))
    asked = phone.challenge(PURPOSES)
    answer = phone.answer(asked["token"], purposes=PURPOSES)
    assert answer.status_code == 200, answer.text
    (view,) = [v for v in studio.voices.browse(owner) if v.name == voice]
    studio.consent.documents.upload(owner, view.speaker_id, PDF + surname.encode())
    take = studio.synthesis.preview(owner, SynthesisRequest(VoiceChoice(view.id), text, "en", "fake")).take()
    marks = [contact, voice, text, surname, asked["statement"], asked["statement"].split(": ")[-1]]
    return Person(phone, view, [mark.encode() for mark in marks], take.id, surname)


def trained(studio: Studio, owner: Actor, view: VoiceView) -> str:
    job_id = studio.training.submit(owner, request_for(studio, view, make_dataset(studio, view)))
    studio.training.supervisor.start()
    wait_for(studio, owner, job_id, ended)
    return job_id


def measured(studio: Studio, one: Person) -> None:
    """A run with a score and what was heard, as the evaluation leaves it."""
    text = f"Measured aloud by {one.surname}."
    run = EvaluationRun(
        owner_id=one.view.owner_id, voice_id=one.view.id, preset_id=None, voice_name=one.view.name, cores=1,
        engine_id="fake", option="zero_shot", options={}, language="en", set_id="own", set_titles={}, seed=1,
        content_id="c", sentences=[{"name": "1", "text": text}], recogniser="r", device="cpu", hour_price=0.0,
    )  # fmt: skip
    with studio.database.write() as session:
        studio_take = session.get_one(Synthesis, one.take_id)
        studio_take.transcript = f"Heard of {one.surname}."
        session.add(run)
        session.flush()
        session.add(
            MetricScore(
                run_id=run.id, synthesis_id=one.take_id, subject="take", position=0, metric="wer", value=0.5,
                low=None, high=None, n=1, version="1", parameters={}, models=[], trouble=None,
                detail={"transcript": f"Heard again of {one.surname}."},
            )
        )  # fmt: skip


def batched(served: Served, owner: Visitor, one: Person) -> bytes:
    """A batch in the voice, fetched as a zip."""
    studio: Studio = served.studio.studio
    asked = SynthesisRequest(VoiceChoice(one.view.id), "x", "en", "fake")
    actor = studio.accounts.actor_of(owner.account_id)
    batch = studio.batches.start(actor, rows_of(f"First of {one.surname}.\nSecond of {one.surname}."), asked)
    batch.wait()
    packed = owner.client.get(f"/media/batch/{next(iter(batch.events())).batch_id}.zip")
    assert packed.status_code == 200 and len(zipfile.ZipFile(io.BytesIO(packed.content)).namelist()) == 3
    return packed.content


def pending(owner: Visitor, name: str, *, age_s: float) -> Path:
    """A recording that was uploaded to a page and not sent off."""
    path = Path(owner.uploaded(f"{name}.wav", encode(real_speech(2.0), AudioFormat.WAV)))
    before = time.time() - age_s
    os.utime(path, (before, before))
    return path


def exported(one: Person, job_id: str) -> None:
    """The file that the speaker fetches by link has the training, its samples marked like all that leaves."""
    packed = one.phone.client.get(f"{one.phone.base}/file.zip")
    assert packed.status_code == 200
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        names = [name for name in archive.namelist() if name.startswith(f"training_run/{job_id}/")]
        assert f"training_run/{job_id}/events.jsonl" in names and len(names) > 1
        sample = archive.read(next(name for name in names if name.endswith(".wav")))
        assert archive.read("file.json").count(one.surname.encode()) > 5
    assert sample[:4] == b"RIFF" and b"c2pa" in sample


def in_plain(studio: Studio, view: VoiceView) -> list[bytes]:
    """Stretches of everything of a speaker as it would lie in a file: compressed, raw, as floats."""
    with studio.database.read() as session:
        ids = [*session.scalars(select(Asset.id).where(Asset.keyset_id == view.speaker_id))]
        opened = [studio.vault.read(session, asset_id) for asset_id in ids]
    samples = real_speech(8.0).samples[16_000:16_064]
    raw = [(samples * 32767).astype("<i2").tobytes(), samples.astype("<f4").tobytes()]
    return [*raw, *(data[len(data) // 2 :][:64] for data in opened if len(data) > 256)]


def sealed_of(studio: Studio, view: VoiceView) -> dict[str, bytes]:
    """The encrypted files of a speaker and the wrapped keyset, as they lie on the disk."""
    with studio.database.read() as session:
        ids = [*session.scalars(select(Asset.id).where(Asset.keyset_id == view.speaker_id))]
        keyset = session.get_one(SpeakerKeyset, view.speaker_id)
    folder = studio.settings.storage / "assets"
    found = {asset_id: (folder / asset_id[-2:] / asset_id).read_bytes()[64:160] for asset_id in ids}
    return found | {"keyset": keyset.wrapped}


def holding(folder: Path, mark: bytes) -> list[str]:
    """Files below a folder that contain the mark: in plain, or as UTF-16."""
    marks = {mark, mark.decode("latin-1").encode("utf-16-le")}
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if any(m in path.read_bytes() for m in marks)]


@pytest.mark.slow
def test_attack_29_after_an_erasure_nothing_is_found_and_an_old_backup_stays_shut(
    drill: Served, tmp_path: Path, fresh_limits: None
) -> None:
    studio: Studio = drill.studio.studio
    owner = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    storage = studio.settings.storage
    rosa = person(drill, owner, "Rosaspina", "Quattrocchi")
    kept = [person(drill, owner, "Ada", "Lovelace"), person(drill, owner, "Guglielmo", "Marconi")]
    job_id = trained(studio, owner, rosa.view)
    boss = drill.visitor("admin", "administrator")
    for one in [rosa, *kept]:
        measured(studio, one)
        batched(drill, boss, one)
    waiting, on_its_way = pending(boss, rosa.surname, age_s=60), pending(boss, "somebody", age_s=0)
    clock = patient(studio)
    voice = SystemForm("Quattrocchi cloned", SpokenBy(f"voice:{rosa.view.id}", "fake"))
    test = opened(studio, owner, form(systems=(voice, spoken("other"))))
    taker = guest(studio, test, clock)
    state = taker.join()
    for _ in range(3):
        taker.hear(state)
        state = taker.rate(state, 4.0)
    exported(rosa, job_id)
    assert any(held.where == "runs" for held in studio.dossiers.open(owner, rosa.view.speaker_id).held)
    plain = in_plain(studio, rosa.view)
    assert len(plain) > 20 and not [mark for mark in plain[2:] if holding(storage, mark)], (
        "nothing lies in plain"
    )
    sealed, safe = sealed_of(studio, rosa.view), [sealed_of(studio, one.view) for one in kept]
    key_file = studio.vault.keyring.speaker_file(rosa.view.speaker_id)
    assert key_file.exists() and holding(storage, rosa.marks[1]), "the search finds what is there"
    key = key_file.read_bytes()
    BackupService(studio.settings, studio.database, studio.vault).write("test", tmp_path / "old.tbk")
    backup = tmp_path / "backup"
    studio.database.checkpoint()
    shutil.copytree(storage, backup, ignore=shutil.ignore_patterns("keys"))

    os.utime(on_its_way)  # still coming in, however long all this took
    answer = rosa.phone.client.post(f"{rosa.phone.base}/withdraw", json={"sure": True})
    assert answer.status_code == 200, answer.text

    assert not waiting.exists() and on_its_way.exists()
    on_its_way.unlink()
    for mark in [*rosa.marks, *sealed.values(), *plain, key]:
        assert holding(storage, mark) == [], mark[:60]
    assert not key_file.exists() and not (storage / "runs" / job_id).exists()
    assert rosa.view.id not in _database_but_the_log(storage / "studio.db")
    assert (storage / "studio.db-wal").stat().st_size == 0
    receipt = answer.json()["erased"]
    expected = {
        "reference_clip": 1,
        "consent_recording": 1,
        "consent_document": 1,
        "take": 1,
        "voice_state": 1,
    }
    assert expected.items() <= {k: min(v, 1) for k, v in receipt.items()}.items(), receipt
    cascaded = {"evaluation_run": 1, "metric_score": 1, "checkpoint": 1, "consent_sample": 1}
    assert cascaded.items() <= {k: min(v, 1) for k, v in receipt.items()}.items(), receipt
    assert receipt["take"] == 3 + 4 and receipt["listening_system"] == 1
    assert receipt["stimulus"] == 4 and receipt["utterance"] == 10 and receipt["adapter"] == 1
    assert (
        receipt["key"] == 1 and receipt["identity"] == 1 and receipt["consent"] == 1 and receipt["voice"] == 1
    )

    _others_are_whole(studio, owner, kept, safe)
    with studio.database.read() as session:
        assert len(list(session.scalars(select(Rating)))) == 3, "ratings stay, of nobody"
        assert session.get_one(Speaker, rosa.view.speaker_id).withdrawn_at
    assert studio.audit.verify(owner).intact
    _old_backup_stays_shut(backup, studio, rosa, kept)
    assert not any(mark in (tmp_path / "old.tbk").read_bytes() for mark in rosa.marks)
    restored = Settings(storage=tmp_path / "restored", device="cpu")
    shutil.copytree(studio.settings.keys_folder, restored.keys_folder)
    assert restore(restored, "test", tmp_path / "old.tbk").left_out == (rosa.view.speaker_id,)
    for mark in rosa.marks:
        assert holding(tmp_path / "restored", mark) == []
    assert all(holding(tmp_path / "restored", one.marks[1]) for one in kept)


def _database_but_the_log(file: Path) -> str:
    """Everything in the database except the audit log, which knows pseudonyms."""
    import sqlite3

    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return repr(
            [connection.execute(f"SELECT * FROM {n}").fetchall() for n in names if n != "audit_entry"]
        )


def _others_are_whole(studio: Studio, owner: Actor, kept: list[Person], safe: list[dict[str, bytes]]) -> None:
    for one, before in zip(kept, safe, strict=True):
        assert studio.voices.view(owner, one.view.id).usable
        assert studio.synthesis.audio(owner, one.take_id, "wav")[0][:4] == b"RIFF"
        assert studio.dossiers.open(owner, one.view.speaker_id).name.split()[1].encode() in one.marks
        assert sealed_of(studio, one.view) == before
        again = SynthesisRequest(VoiceChoice(one.view.id), "Once more.", "en", "fake")
        assert studio.synthesis.preview(owner, again).take().duration_s > 0


def _old_backup_stays_shut(backup: Path, studio: Studio, rosa: Person, kept: list[Person]) -> None:
    """The copy of the database and the files from before, with the keys of today."""
    database = Database(backup / "studio.db")
    vault = Vault(backup / "assets", Keyring(studio.settings.master_key_file))
    opened_ = {one.view.speaker_id: 0 for one in [rosa, *kept]}
    with database.read() as session:
        assert session.get_one(Synthesis, rosa.take_id).voice_name.encode() in rosa.marks
        for asset in session.scalars(select(Asset)):
            if asset.keyset_id == rosa.view.speaker_id:
                with pytest.raises(StorageTrouble):
                    vault.read(session, asset.id)
            else:
                vault.read(session, asset.id)
            if asset.keyset_id in opened_:
                opened_[asset.keyset_id] += 1
    database.close()
    assert all(opened_.values()), "each of them has files in the copy"


@pytest.mark.slow
def test_attack_27_a_withdrawal_by_link_ends_the_training_that_runs(
    drill: Served, monkeypatch: pytest.MonkeyPatch, fresh_limits: None
) -> None:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.2")
    studio: Studio = drill.studio.studio
    owner = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    nora = person(drill, owner, "Nora", "Zamparelli")
    asked = request_for(studio, nora.view, make_dataset(studio, nora.view), epochs=50)
    job_id = studio.training.submit(owner, asked)
    studio.training.supervisor.start()
    wait_for(studio, owner, job_id, lambda job: job.step >= 6)
    worker = Identity.of(worker_of(studio.settings, job_id))
    folder = studio.settings.storage / "runs" / job_id
    assert list((folder / "data").iterdir())
    answer = nora.phone.client.post(f"{nora.phone.base}/withdraw", json={"sure": True})
    assert answer.status_code == 200 and answer.json()["erased"]["training_job"] == 1
    assert not worker.alive() and not folder.exists(), "by the time the receipt is there"
    studio.training.supervisor.tick()
    assert not folder.exists()
    with pytest.raises(NotFound):
        studio.training.job(owner, job_id)
    assert [mark for mark in nora.marks if holding(studio.settings.storage, mark)] == []
