"""Attacks 10, 11, 20 to 22, 30, 31 and 35 of the security notes, against the served app. 34 is with signing in
and the speech API, 6 and 19 are with the real pages, there and in tests/browser.
"""

import csv
import io
import json
import os
import pickle
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from studio.consent.purposes import Category
from studio.db.database import Database
from studio.db.tables import Asset, EvaluationRun, MetricScore
from studio.errors import ModelMissing
from studio.privacy.audit import AuditLog, sign_heads
from studio.privacy.heads import Heads
from studio.settings import Settings
from studio.synthesis.batch import rows_of
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.voices.speakers import Invitation
from tests.conftest import open_home
from tests.enrolling import checked_speech, enrol, real_speech
from tests.fakes import FakeJudges
from tests.listening.taking_part import form, guest, opened, patient, spoken
from tests.waiting import until
from tests.web.conftest import Served
from tests.web.test_attacks import ENROL, RETURN, SIZE
from tests.web.test_attacks_consent import Phone
from tests.web.test_speech_api import PRESET, actor_of, caller
from tests.web.visitor import G, Visitor

ROOT = Path(__file__).parent.parent.parent


# -- 10 -----------------------------------------------------------------------------------------------


def test_attack_10_the_apis_description_and_docs_are_for_no_stranger(served: Served, ada: Visitor) -> None:
    for path in ("/openapi.json", "/docs", "/redoc", f"{G}/openapi.json", "/v1/openapi.json", "/v1/docs"):
        stranger = served.anonymous().get(path)
        assert stranger.status_code == 401 and "paths" not in stranger.text, path
        assert ada.client.get(path).status_code in (401, 404), path


# -- 11 -----------------------------------------------------------------------------------------------


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server of this machine that nobody should be talked into calling."""
    called: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"secret of the inner network")

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", called
    server.shutdown()
    server.server_close()
    thread.join()


def test_attack_11_addresses_are_no_input(
    served: Served, ada: Visitor, canary: tuple[str, list[str]]
) -> None:
    address, called = f"{canary[0]}/secret.wav", canary[1]
    mine = ada.uploaded("mine.txt", b"mine")
    meta = {"_type": "gradio.FileData"}
    for target in (
        address,
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
    ):
        for shape in (
            {"path": target, "meta": meta},
            {"path": target, "url": target, "meta": meta},
            {"path": target},
        ):
            for event in (SIZE, ENROL, RETURN):
                assert ada.join(event, shape).status_code == 403, (target, shape)
        # A bare `url` beside one's own file: what is read is one's own file.
        beside = ada.join(SIZE, {"path": mine, "url": target, "meta": meta})
        assert beside.status_code == 403 or ada.outcome(beside.json()["event_id"]) == "4 bytes"
        alone = ada.join(SIZE, {"url": target, "meta": meta})
        if alone.status_code == 200:
            outcome = str(ada.outcome(alone.json()["event_id"]))
            assert outcome.startswith("failed") or outcome == "nothing", outcome
        assert ada.client.get(f"{G}/file={target}").status_code == 404
        assert ada.client.get(f"{G}/proxy={target}").status_code == 404
    assert called == []


def test_attack_11_the_speech_api_fetches_nothing(
    served: Served, ada: Visitor, canary: tuple[str, list[str]]
) -> None:
    address, called = canary
    with caller(served, ada) as client:
        for body in (
            {"voice": address},
            {"voice": PRESET, "model": address},
            {"voice": PRESET, "language": address[:16]},
        ):
            answer = client.post("/v1/audio/speech", json={"input": "Ciao.", **body})
            assert answer.status_code in (400, 404), answer.text
    assert called == []


# -- 20 -----------------------------------------------------------------------------------------------

FORMULAS = (
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
)


def test_attack_20_no_cell_of_an_export_is_a_formula(served: Served, ada: Visitor) -> None:
    actor = actor_of(served, ada)
    request = SynthesisRequest(VoiceChoice("", "fake", "tone"), "x", "it", "fake")
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerows([["text", "name"], *([formula + " parola", "=cmd()"] for formula in FORMULAS)])
    batch = served.studio.batches.start(actor, rows_of(sheet.getvalue()), request)
    batch.wait()
    batch_id = next(iter(batch.events())).batch_id
    packed = ada.client.get(f"/media/batch/{batch_id}.zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        rows = list(csv.reader(io.StringIO(archive.read("batch.csv").decode())))
    assert len(rows) == len(FORMULAS) + 1
    boss = served.visitor("boss", "administrator")
    log = sheet_of(boss.client.get("/audit/log.csv"))
    assert len(log) > 5
    no_formula(rows[1:] + log[1:])


def sheet_of(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def no_formula(rows: list[list[str]]) -> None:
    for row in rows:
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
            assert not cell.startswith("-") or cell.lstrip("-").replace(".", "").isdigit(), cell


def test_attack_20_nor_of_results(served: Served, ada: Visitor) -> None:
    """Names, sentences and what was heard, each a formula."""
    run = EvaluationRun(
        owner_id=ada.account_id, voice_id=None, preset_id="tone", voice_name=FORMULAS[0], engine_id="fake",
        option="preset", options={}, language="it", set_id="own", set_titles={"en": FORMULAS[1]}, content_id="c",
        sentences=[{"name": name, "text": name} for name in FORMULAS], seed=1, recogniser="r", device="cpu",
        cores=1, hour_price=0.0, status="done",
    )  # fmt: skip
    with served.database.write() as session:
        session.add(run)
        session.flush()
        for position, heard in enumerate(FORMULAS):
            session.add(
                MetricScore(
                    run_id=run.id, synthesis_id=None, subject="take", position=position, metric="wer", value=0.5,
                    low=None, high=None, n=1, version="1", parameters={}, models=[], detail={"transcript": heard},
                    trouble=None,
                )
            )  # fmt: skip
    rows = sheet_of(ada.client.get(f"/media/evaluation/{run.id}.csv"))
    named = rows[0].index("name"), rows[0].index("text"), rows[0].index("transcript")
    heard = [[row[n] for n in named] for row in rows[1:] if row[named[2]]]
    assert heard == [["'" + one] * 3 for one in FORMULAS]
    no_formula(rows[1:])


def test_attack_20_nor_of_a_listening_test(served: Served, ada: Visitor) -> None:
    studio, actor = served.studio.studio, actor_of(served, ada)
    evil = form(
        name=FORMULAS[0], systems=(spoken(FORMULAS[0]), spoken(FORMULAS[3], 1.3)), sentences=FORMULAS[:2]
    )
    clock = patient(studio)
    test = opened(studio, actor, evil)
    taker = guest(studio, test, clock)
    taker.join()
    taker.finish(lambda _: (4.0,))
    rows = sheet_of(ada.client.get(f"/listening/{test.id}.csv"))
    assert len(rows) > 2 and any("'" + FORMULAS[0] in row for row in rows[1:])
    no_formula(rows[1:])


def test_attack_20_nor_of_the_record_of_processing(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = served.studio.settings.model_copy(update={"organisation": FORMULAS[1]})
    monkeypatch.setattr(served.studio, "settings", settings)
    boss = served.visitor("boss", "administrator")
    rows = sheet_of(boss.client.get("/privacy/record.csv", params={"language": "en"}))
    assert rows[0][1] == "'" + FORMULAS[1] and len(rows) == 8
    no_formula(rows)


def test_attack_20_a_hostile_entry_of_the_log_is_exported_as_text(served: Served) -> None:
    admin = served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)
    for formula in FORMULAS:
        served.studio.audit.note(admin, "keys.saved", formula)
    boss = served.visitor("boss", "administrator")
    answer = boss.client.get("/audit/log.csv", params={"action": "keys.saved"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[4] for row in rows[1:]] == ["'" + formula for formula in reversed(FORMULAS)]


def test_the_log_is_exported_to_auditors_alone(served: Served, ada: Visitor) -> None:
    for ending in ("csv", "json"):
        assert ada.client.get(f"/audit/log.{ending}").status_code == 403
        assert served.anonymous().get(f"/audit/log.{ending}").status_code == 401
    boss = served.visitor("boss", "administrator")
    assert boss.client.get("/audit/log.json").json()["signed_head"]["signature"]
    assert boss.client.get("/audit/log.csv?since=tomorrow").status_code == 400
    assert boss.client.get("/audit/log.exe").status_code == 404


# -- 21, 22 -------------------------------------------------------------------------------------------


class Intruder:
    """Unpickled, it leaves a folder behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def coqui(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an Italian Coqui voice put there by hand, in the served studio with its real engine."""
    from dataclasses import replace

    from studio.engines.coqui.spec import COQUI
    from tests.tiny_coqui import write_vits

    registry = served.studio.studio.engines
    models = served.studio.settings.storage / "models"

    def folder_of(model_id: str) -> Path:
        if not (models / model_id).is_dir():
            raise ModelMissing("models.by_hand", model=model_id)
        return models / model_id

    monkeypatch.setattr(registry, "_context", replace(registry._context, model_files=folder_of))
    registry.register(COQUI)
    name = next(model.id for model in COQUI.by_hand if model.role == "voice" and "it" in model.languages)
    folder = write_vits(models / name)
    yield folder
    registry.unload(COQUI.id)
    del registry._specs[COQUI.id]
    shutil.rmtree(folder)


def coqui_says(served: Served, visitor: Visitor, folder: Path) -> httpx.Response:
    from studio.engines.coqui.spec import COQUI

    served.studio.studio.engines.unload(COQUI.id)
    with caller(served, visitor) as client:
        text = f"Ciao {secrets.token_hex(4)}."  # never one that was spoken before: the model has to be loaded
        body = {"input": text, "voice": f"preset:{COQUI.id}:{folder.name}", "response_format": "wav"}
        return client.post("/v1/audio/speech", json=body, timeout=120)


@pytest.mark.slow
def test_attack_21_a_pickle_in_a_checkpoint_is_not_executed(
    served: Served, ada: Visitor, coqui: Path, tmp_path: Path
) -> None:
    before = coqui_says(served, ada, coqui)  # the very same folder
    assert before.status_code == 200, before.text
    mark = tmp_path / "intruded"
    weights = next(path for path in coqui.iterdir() if path.suffix in (".pth", ".pt"))
    weights.write_bytes(pickle.dumps({"model": {}, "config": Intruder(mark)}, protocol=2))
    answer = coqui_says(served, ada, coqui)
    assert answer.status_code >= 400 and answer.json()["error"]["code"].startswith("coqui."), answer.text
    assert not mark.exists()


# What a configuration has to say for the library to open the file that the field names.
TRAPS = {
    "speakers_file": {"use_speaker_embedding": True},
    "d_vector_file": {"use_d_vector_file": True, "d_vector_dim": 8},
    "language_ids_file": {"use_language_embedding": True},
}


def trapped(config: dict[str, Any], field: str, target: str) -> dict[str, Any]:
    named = {field: [target] if field == "d_vector_file" else target, **TRAPS[field]}
    return {**config, **named, "model_args": {**(config.get("model_args") or {}), **named}}


@pytest.mark.slow
def test_attack_22_a_checkpoints_configuration_leads_nowhere_outside(
    served: Served, ada: Visitor, coqui: Path, tmp_path: Path, canary: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    address, called = canary
    file = coqui / "config.json"
    config = json.loads(file.read_text())
    outside = tmp_path / "speakers.pth"
    outside.write_bytes(pickle.dumps(Intruder(tmp_path / "intruded")))
    for field in TRAPS:
        for target in (f"{address}/ids.json", "s3://bucket/ids.json", str(outside), "../../speakers.pth"):
            file.write_text(json.dumps(trapped(config, field, target)))
            answer = coqui_says(served, ada, coqui)
            # The file is not there for the studio: the model is refused as broken, or speaks without it.
            said = answer.json()["error"]["code"] if answer.status_code != 200 else "spoken"
            assert said in ("spoken", "coqui.files"), (field, target, answer.text)
            assert not any(word in answer.text for word in ("127.0.0.1", "bucket", str(tmp_path))), (
                answer.text
            )
    file.write_text(
        json.dumps({**config, "audio": {**config.get("audio", {}), "stats_path": f"{address}/s.npy"}})
    )
    answer = coqui_says(served, ada, coqui)
    # Its statistics are missing for the studio: a voice whose configuration is refused is not even offered.
    assert answer.json()["error"]["code"] == "access.voice_unknown", answer.text
    assert called == [] and not (tmp_path / "intruded").exists()
    # Without the guard the very same configuration does fetch: the canary would have told.
    monkeypatch.setattr("studio.engines.coqui.folder._keep_inside", lambda section, folder: None)
    file.write_text(json.dumps(trapped(config, "language_ids_file", f"{address}/ids.json")))
    coqui_says(served, ada, coqui)
    assert called


# -- 30 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        "update audit_entry set body = replace(body, 'acc_', 'acc-')",
        "delete from audit_entry where seq = (select max(seq) from audit_entry)",
        "insert or replace into audit_entry select seq, prev, hash, '{}' from audit_entry where seq = 1",
        "update or replace audit_entry set seq = 1 where seq = 2",
    ],
)
def test_attack_30_the_served_database_lets_nobody_rewrite_its_log(served: Served, attack: str) -> None:
    with served.database.write() as session:
        raw = session.connection().connection.dbapi_connection
        assert raw is not None
        with pytest.raises(sqlite3.IntegrityError):
            raw.execute(attack)
    admin = served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)
    assert served.studio.audit.verify(admin).intact


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (
            "update audit_entry set body = replace(body, 'acc_', 'abc_') "
            "where seq = (select min(seq) from audit_entry where instr(body, 'acc_') > 0)",
            "chain",
        ),
        ("delete from audit_entry where seq = 2", "chain"),
        ("update audit_entry set prev = 'x' where seq = 4", "chain"),
        ("delete from audit_entry where seq > (select max(seq) from audit_entry) - 2", "tail"),
        ("delete from audit_entry", "tail"),
    ],
)
def test_attack_30_who_owns_the_file_is_found_out(
    served: Served, tmp_path: Path, attack: str, reason: str
) -> None:
    """With the triggers taken off, as somebody with the database file can: chain and signed head still tell."""
    log, copy = copied_log(served, tmp_path)
    admin = served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)
    assert log.verify(admin).intact
    with closing(sqlite3.connect(copy.file)) as raw:
        raw.execute("drop trigger audit_entry_no_update")
        raw.execute("drop trigger audit_entry_no_delete")
        raw.execute(attack)
        raw.commit()
    verdict = log.verify(admin)
    copy.close()
    assert not verdict.intact and verdict.reason == reason


def test_attack_30_a_log_forged_whole_does_not_fit_the_signed_head(served: Served, tmp_path: Path) -> None:
    """Chained anew from the first entry, which a hash alone would not show."""
    import hashlib

    log, copy = copied_log(served, tmp_path)
    admin = served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)
    with closing(sqlite3.connect(copy.file)) as raw:
        for name in ("update", "delete"):
            raw.execute(f"drop trigger audit_entry_no_{name}")
        rows = raw.execute("select seq, body from audit_entry order by seq").fetchall()
        raw.execute("delete from audit_entry")
        prev = "0" * 64
        for seq, body in rows:
            told = json.loads(body)
            forged = json.dumps(told | {"actor": "acc_somebody_else"}, sort_keys=True, separators=(",", ":"))
            link = hashlib.sha256(f"{prev}\n{forged}".encode()).hexdigest()
            raw.execute("insert into audit_entry values (?, ?, ?, ?)", (seq, prev, link, forged))
            prev = link
        raw.commit()
    verdict = log.verify(admin)
    copy.close()
    assert not verdict.intact and verdict.reason == "head"


def copied_log(served: Served, folder: Path) -> tuple[AuditLog, Database]:
    """The served studio's log and signed head, copied to be attacked."""
    served.visitor("ada")  # a few entries at least
    shutil.copytree(served.studio.settings.keys_folder, folder / "keys")
    source, target = served.studio.settings.database_file, folder / "studio.db"
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(target)) as made:
        live.backup(made)
    copy, heads = Database(folder / "studio.db"), Heads(folder / "keys")
    sign_heads(copy, heads)
    return AuditLog(copy, heads), copy


# -- 31 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speakers", [1, 2])
def test_attack_31_sounds_swapped_on_the_disk_are_refused(
    served: Served, ada: Visitor, speakers: int
) -> None:
    """Between two speakers, and between two recordings of one, which the same keyset seals."""
    actor, studio = actor_of(served, ada), served.studio.studio
    samples = tuple(checked_speech(studio, actor, start_s=start_s) for start_s in (0.0, 9.0))
    parts = [samples] if speakers == 1 else [samples[:1], samples[1:]]
    voices = [enrol(studio, actor, f"Voce {n} di {speakers}", clips=part) for n, part in enumerate(parts, 1)]
    clips = [clip for voice in voices for clip in voice.clips]
    addresses = [f"/media/clip/{clip.id}.wav" for clip in clips]
    before = [ada.client.get(address).content for address in addresses]
    files = [asset_file(served, clip.id) for clip in clips]
    sealed = [file.read_bytes() for file in files]
    try:
        for file, other in zip(files, reversed(sealed), strict=True):
            file.write_bytes(other)
        for address in addresses:
            answer = ada.client.get(address)
            assert answer.status_code == 500 and answer.content[:4] != b"RIFF", answer.headers
        files[0].write_bytes(sealed[0][:-1])
        assert ada.client.get(addresses[0]).status_code == 500
        files[0].write_bytes(sealed[0][:200] + bytes([sealed[0][200] ^ 1]) + sealed[0][201:])
        assert ada.client.get(addresses[0]).status_code == 500
    finally:
        for file, own in zip(files, sealed, strict=True):
            file.write_bytes(own)
    assert [ada.client.get(address).content for address in addresses] == before


def asset_file(served: Served, clip_id: str) -> Path:
    from studio.db.tables import ReferenceClip

    with served.database.read() as session:
        asset_id = session.get_one(ReferenceClip, clip_id).asset_id
    return served.studio.settings.storage / "assets" / asset_id[-2:] / asset_id


# -- 35 -----------------------------------------------------------------------------------------------


def start(storage: Path) -> tuple["subprocess.Popen[str]", str]:
    """A served studio in a process of its own, and its one-time link."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.served", str(storage), "scripted"],
        cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


@pytest.mark.slow
def test_attack_35_kill_9_leaves_no_plaintext_and_loses_nothing_that_was_done(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    studio = open_home(Settings(storage=storage, device="cpu"), FakeJudges())
    admin = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    voice = enrol(studio, admin)
    key = studio.api_keys.create(admin, "prog", ["speak"])[1]
    studio.close()
    process, link = start(storage)
    try:
        url = link.split("/login/")[0]
        program = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60)
        body = {"voice": f"voice:{voice.id}", "model": "fake", "language": "it", "response_format": "flac"}
        done = program.post("/v1/audio/speech", json={**body, "input": "Questa resta."})
        assert done.status_code == 200, done.text
        person = httpx.Client(base_url=url, timeout=60)
        assert person.post(link.removeprefix(url)).status_code == 303
        up = person.post(f"{G}/upload", files=[("files", ("voice.wav", b"RIFF plaintext of a voice"))])
        assert up.status_code == 200
        assert [p for p in (storage / "tmp").rglob("*") if p.is_file()]
        long = {
            **body,
            "input": "Una frase che dura. " * 60,
            "options": {"delay_s": 0.3},
            "response_format": "mp3",
        }
        with program.stream("POST", "/v1/audio/speech", json={**long, "stream": True}) as answer:
            next(answer.iter_bytes())
            process.send_signal(signal.SIGKILL)
            process.wait()
    finally:
        process.kill()
        process.wait()
    process, link = start(storage)
    try:
        left = [p for p in (storage / "tmp").rglob("*") if p.is_file() and p.stat().st_size]
        assert left == []
        for path in storage.rglob("*"):
            assert not path.is_file() or path.read_bytes()[:4] not in (b"RIFF", b"fLaC"), path
        url = link.split("/login/")[0]
        person = httpx.Client(base_url=url, timeout=60)
        person.post(link.removeprefix(url))
        take = done.headers["x-timbro-take"]
        assert person.get(f"/media/take/{take}.wav").content[:4] == b"RIFF"
        again = httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60)
        assert again.post("/v1/audio/speech", json={**body, "input": "E si continua."}).status_code == 200
    finally:
        process.terminate()
        process.wait(timeout=30)
    studio = open_home(Settings(storage=storage, device="cpu"), FakeJudges())
    try:
        assert studio.audit.verify(admin).intact
        assert [t.text for t in studio.synthesis.takes.search(admin)] == ["E si continua.", "Questa resta."]
    finally:
        studio.close()


class Reached:
    """A server in another process, as far as a speaker's phone knows one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def anonymous(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)


def half_an_upload(url: str, cookie: str) -> socket.socket:
    """An upload that has begun and does not go on; the connection stays open."""
    host, port = url.removeprefix("http://").split(":")
    raw = socket.create_connection((host, int(port)))
    raw.sendall(
        f"POST {G}/upload HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nContent-Length: 900000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'.encode()
        + b"RIFF half of a voice" * 5000
    )
    return raw


def whole(storage: Path) -> None:
    """Every sealed file has its row, and every row opens its file."""
    studio = open_home(Settings(storage=storage, device="cpu"), FakeJudges())
    try:
        with studio.database.read() as session:
            assets = [*session.scalars(select(Asset))]
            assert all(studio.vault.read(session, asset.id) for asset in assets)
        files = {path.name for path in (storage / "assets").glob("*/*")}
        assert files == {asset.id for asset in assets}
    finally:
        studio.close()


@pytest.mark.slow
def test_attack_35_kill_9_in_the_middle_of_an_enrolment_and_of_an_upload(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    studio = open_home(Settings(storage=storage, device="cpu"), FakeJudges())
    admin = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    token = studio.speakers.invite(admin, Invitation("Rosa", "en", Category.CUSTOMER))
    studio.close()
    process, link = start(storage)
    try:
        url = link.split("/login/")[0]
        person = httpx.Client(base_url=url, timeout=60)
        assert person.post(link.removeprefix(url)).status_code == 303
        phone = Phone(Reached(url), token)
        asked, ended = phone.challenge(), []
        clips = [real_speech(8.0), real_speech(8.0, 9.0), real_speech(8.0, 17.0)]

        def enrolling() -> None:
            try:
                ended.append(phone.answer(asked["token"], clips=clips).status_code)
            except httpx.HTTPError as error:
                ended.append(type(error).__name__)

        answering = threading.Thread(target=enrolling)
        answering.start()
        cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
        with half_an_upload(url, cookie):
            until(lambda: any(p.is_file() for p in (storage / "tmp").rglob("*")))
            process.send_signal(signal.SIGKILL)
            process.wait()
        answering.join()
        assert ended and ended != [200], "the enrolment was under way"
    finally:
        process.kill()
        process.wait()
    whole(storage)
    process, link = start(storage)
    try:
        assert [p for p in (storage / "tmp").rglob("*") if p.is_file() and p.stat().st_size] == []
        again = Phone(Reached(link.split("/login/")[0]), token)
        assert again.state()["phase"] == "invited", "half an enrolment is none"
        assert again.consent()["phase"] == "granted"
    finally:
        process.terminate()
        process.wait(timeout=30)
    whole(storage)
