"""A speaker's file is whole: every table that hangs on a speaker is told, and what a row of it says is opened."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import (
    Adapter,
    Asset,
    Checkpoint,
    ConsentChallenge,
    DatasetSource,
    EvaluationRun,
    MetricScore,
    Synthesis,
    TrainingJob,
    now,
)
from studio.listening.forms import SpokenBy, SystemForm
from studio.privacy.access import Actor
from studio.privacy.portable import ROOT, Belongings, belongings, edges
from studio.privacy.retention import WAITING
from studio.privacy.telling import Held
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.voices.forms import VoiceView
from tests.enrolling import consent_form, enrol
from tests.listening.taking_part import form, made, spoken
from tests.training.scripted import make_dataset, small_plan

ALL = frozenset(Purpose) - {Purpose.COMMERCIAL_USE}
HEARD = "what the recogniser thought it heard"
# The key of a row, where it is not `id`: what the export has to name.
KEYS = {"speaker_identity": "speaker_id", "consent_sample": "content_id"}
AFTER_THE_ERASURE = {"erasure_receipt"}


def everything(studio: Studio, admin: Actor) -> VoiceView:
    """A speaker with rows in every table that can hold something of a speaker."""
    voice = enrol(studio, admin, "Linda", consent=consent_form(studio, ALL, subject=admin.account_id))
    notice = studio.consent.notice("en")
    studio.consent.challenge(voice.speaker_id, "en", ALL, notice.hash)
    studio.speakers.link_for(admin, voice.id)
    studio.consent.documents.upload(admin, voice.speaker_id, b"%PDF-1.7 signed")
    asked = SynthesisRequest(VoiceChoice(voice.id), "A sentence to keep.", "en", "fake")
    take = studio.synthesis.preview(admin, asked).take()
    dataset_id = make_dataset(studio, voice, clips=3)
    made(
        studio, admin, form(systems=(SystemForm("hers", SpokenBy(f"voice:{voice.id}", "fake")), spoken("o")))
    )
    with studio.database.write() as session:
        session.get_one(Synthesis, take.id).transcript = HEARD
        _add_window(studio, session, voice, dataset_id)
        _add_training(studio, session, voice, dataset_id)
        _add_scores(session, voice, take.id)
    return voice


def _add_window(studio: Studio, session: Session, voice: VoiceView, dataset_id: str) -> None:
    asset_id = studio.vault.write(session, voice.speaker_id, "dataset_source", b"fLaC window")
    place = {"recording": 0, "start_s": 0.0, "end_s": 2.0, "sample_rate_hz": 16_000}
    session.add(DatasetSource(dataset_id=dataset_id, asset_id=asset_id, **place))  # type: ignore[arg-type]


def _add_training(studio: Studio, session: Session, voice: VoiceView, dataset_id: str) -> None:
    job = TrainingJob(
        owner_id=voice.owner_id, voice_id=voice.id, dataset_id=dataset_id, dataset={}, engine_id="fake",
        plan=json.loads(small_plan().to_json()), consent_id=None,
    )  # fmt: skip
    session.add(job)
    session.flush()
    session.add(Checkpoint(job_id=job.id, step=5, folder="000005", scores={"loss": 0.25}))
    weights = studio.vault.write(session, voice.speaker_id, "adapter", b"weights")
    card = {"base_model": "the model it stands on"}
    session.add(
        Adapter(
            voice_id=voice.id, job_id=job.id, name="Hers", engine_id="fake", method="lora", step=5,
            asset_id=weights, card=card, scores={},
        )
    )  # fmt: skip


def _add_scores(session: Session, voice: VoiceView, take_id: str) -> None:
    run = EvaluationRun(
        owner_id=voice.owner_id, voice_id=voice.id, preset_id=None, voice_name=voice.name, engine_id="fake",
        option="zero_shot", options={}, language="en", set_id="own", set_titles={}, content_id="c",
        sentences=[{"name": "1", "text": "A sentence to keep."}], seed=1, recogniser="r", device="cpu", cores=1,
        hour_price=0.0,
    )  # fmt: skip
    session.add(run)
    session.flush()
    session.add(
        MetricScore(
            run_id=run.id, synthesis_id=take_id, subject="take", position=0, metric="wer", value=0.125, low=None,
            high=None, n=1, version="1", parameters={}, models=[], detail={"heard": HEARD}, trouble=None,
        )
    )  # fmt: skip


def exported(studio: Studio, admin: Actor, speaker_id: str) -> tuple[dict[str, Any], list[str]]:
    packed = b"".join(studio.dossiers.export(admin, speaker_id))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return json.loads(archive.read("file.json")), archive.namelist()


def hanging(studio: Studio, speaker_id: str) -> tuple[set[str], Belongings]:
    """Tables that hang on a speaker by foreign keys, however far; and this speaker's rows in them."""
    with closing(sqlite3.connect(studio.settings.database_file)) as raw:
        known, found = edges(raw), belongings(raw, speaker_id)
    reached, todo = set(), [ROOT]
    while todo:
        target = todo.pop()
        for edge in known:
            if edge.target == target and edge.table not in reached:
                reached.add(edge.table)
                if not edge.kept:
                    todo.append(edge.table)
    return reached, found


def test_every_table_that_hangs_on_a_speaker_is_told(studio: Studio, admin: Actor) -> None:
    voice = everything(studio, admin)
    tables, found = hanging(studio, voice.speaker_id)
    rows = {name: found.own.get(name, {}) | found.touched.get(name, {}) for name in tables}
    empty = {name for name, mine in rows.items() if not mine}
    assert empty == AFTER_THE_ERASURE, "give `everything` rows of the new table, and a teller its part"
    data, names = exported(studio, admin, voice.speaker_id)
    whole = json.dumps(data)
    untold = {
        name
        for name, mine in rows.items()
        for row in mine.values()
        if f'"{row[KEYS.get(name, "id")]}"' not in whole
    }
    assert untold == set()
    with studio.database.read() as session:
        mine = select(Asset.id).where(Asset.keyset_id == voice.speaker_id)
        missing = [one for one in session.scalars(mine) if not any(one in name for name in names)]
        asked = select(ConsentChallenge).where(ConsentChallenge.subject == voice.speaker_id)
        statements = [one.statement for one in session.scalars(asked)]
    assert missing == [] and statements == [one["statement"] for one in data["challenges"]] != []


def test_what_is_sealed_or_measured_is_told_in_words(studio: Studio, admin: Actor) -> None:
    voice = everything(studio, admin)
    data, _ = exported(studio, admin, voice.speaker_id)
    (dataset,) = data["datasets"]
    assert [one["text"][:27] for one in dataset["utterances"]] == ["This is the spoken sentence"] * 3
    assert dataset["utterances"][0]["heard"] and dataset["windows"][0]["end_s"] == 2.0
    (take,) = [one for one in data["takes"] if one["text"] == "A sentence to keep."]
    assert take["transcript"] == HEARD and "predicted_mos" in take
    assert data["scores"][0]["value"] == 0.125 and data["evaluations"][0]["sentences"]
    assert data["trainings"][0]["checkpoints"][0]["scores"] == {"loss": 0.25}
    assert data["adapters"][0]["card"]["base_model"] and data["listening_systems"][0]["test_kind"] == "mos"
    assert len(data["listening_sounds"]) == 4
    secret = [key for key in ("token_hash", "sealed", "secret") if f'"{key}"' in json.dumps(data)]
    assert secret == []


def test_the_file_counts_what_every_room_holds(studio: Studio, admin: Actor) -> None:
    voice = everything(studio, admin)
    held = {one.kind: one.count for one in studio.dossiers.open(admin, voice.speaker_id).held}
    rooms = {"utterance_text": 3, "dataset": 1, "training_job": 1, "checkpoint": 1, "adapter_card": 1}
    rooms |= {"evaluation_run": 1, "metric_score": 1, "listening_system": 1, "voice": 1, "challenge": 1}
    assert rooms.items() <= held.items(), held
    assert held["consent_document"] == 1 and held["stimulus"] == 4


def test_the_working_folder_of_a_training_is_told_as_such(studio: Studio, admin: Actor) -> None:
    voice = everything(studio, admin)
    with studio.database.read() as session:
        job_id = session.scalars(select(TrainingJob.id)).one()
    folder = studio.settings.storage / "runs" / job_id
    folder.mkdir(parents=True)
    (folder / "sealed").write_bytes(b"1234567")
    assert Held("training_run", 1, 7, "runs") in studio.dossiers.open(admin, voice.speaker_id).held


def test_the_receipt_counts_what_the_database_lets_go_by_itself(studio: Studio, admin: Actor) -> None:
    voice = everything(studio, admin)
    _, before = hanging(studio, voice.speaker_id)
    erased = studio.erasure.withdraw(admin, voice.speaker_id).erased
    cascaded = {"evaluation_run": 1, "metric_score": 1, "checkpoint": 1, "consent_sample": 1}
    assert cascaded.items() <= erased.items(), erased
    assert erased["listening_system"] == 1 and erased["challenge"] == 1
    _, after = hanging(studio, voice.speaker_id)
    assert before.own["metric_score"] and set(after.own) == {"consent_link", "erasure_receipt"}


def test_an_engine_that_knew_the_voice_is_gone_from_memory_after_the_erasure(
    studio: Studio, admin: Actor
) -> None:
    voice = everything(studio, admin)
    assert "fake" in studio.engines.loaded()
    studio.erasure.withdraw(admin, voice.speaker_id)
    assert "fake" not in studio.engines.loaded()


@pytest.mark.parametrize("status", ["granted", "review", "refused"])
def test_the_day_of_erasure_follows_the_consents_state(studio: Studio, admin: Actor, status: str) -> None:
    source = "microphone" if status == "granted" else "upload"
    voice = enrol(studio, admin, consent=consent_form(studio, subject=admin.account_id, source=source))
    (consent,) = studio.consent.versions(admin, voice.speaker_id)
    if status == "refused":
        studio.consent.review(admin, consent.id, False, "another voice")
    until = studio.retention.until(voice.speaker_id)
    days = {"granted": 365 + 30, "review": 60, "refused": 30}[status]
    away = (_day(until) - _day(now())).days
    assert abs(away - days) <= 1
    if status == "review":
        studio.retention.set(admin, WAITING, None)
        assert (_day(studio.retention.until(voice.speaker_id)) - _day(now())).days > 300


def _day(moment: str):  # type: ignore[no-untyped-def]
    from datetime import datetime

    return datetime.fromisoformat(moment)
