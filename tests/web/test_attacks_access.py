"""Attacks 10, 11, 20 to 22, 30, 31 and 35 of the security notes, against the served app. 34 is with signing in
and the speech API, 19 with the real pages in tests/browser.
"""

import csv
import io
import os
import pickle
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from studio.db.database import Database
from studio.errors import ModelMissing
from studio.privacy.audit import AuditLog, sign_heads
from studio.privacy.heads import Heads
from studio.settings import Settings
from studio.synthesis.batch import rows_of
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.conftest import open_home
from tests.enrolling import enrol
from tests.fakes import FakeJudges
from tests.web.conftest import Served
from tests.web.test_attacks import ENROL, RETURN, SIZE
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
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"secret of the inner network")

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/secret.wav", called
    server.shutdown()
    server.server_close()
    thread.join()


def test_attack_11_addresses_are_no_input(
    served: Served, ada: Visitor, canary: tuple[str, list[str]]
) -> None:
    address, called = canary
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
    log = list(csv.reader(io.StringIO(boss.client.get("/audit/log.csv").content.decode("utf-8-sig"))))
    assert len(log) > 5
    for row in rows[1:] + log[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
            assert not cell.startswith("-") or cell.lstrip("-").replace(".", "").isdigit(), cell


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


@pytest.mark.slow
def test_attack_22_a_checkpoints_configuration_leads_nowhere_outside(
    served: Served, ada: Visitor, coqui: Path, tmp_path: Path, canary: tuple[str, list[str]]
) -> None:
    import json

    address, called = canary
    config = json.loads((coqui / "config.json").read_text())
    evil = pickle.dumps(Intruder(tmp_path / "intruded"))
    (tmp_path / "speakers.pth").write_bytes(evil)
    for target in (address, "s3://bucket/speakers.pth", str(tmp_path / "speakers.pth"), "../../speakers.pth"):
        for field in ("d_vector_file", "speakers_file", "language_ids_file", "speaker_encoder_model_path"):
            changed = {**config, field: [target] if field == "d_vector_file" else target}
            changed["model_args"] = {**(config.get("model_args") or {}), field: changed[field]}
            (coqui / "config.json").write_text(json.dumps(changed))
            coqui_says(served, ada, coqui)  # spoken or refused; either way nothing was fetched or run
    assert called == [] and not (tmp_path / "intruded").exists()


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
            "update audit_entry set body = replace(body, 'acc_', 'abc_') where seq = 3",
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
    import json

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


def test_attack_31_sounds_swapped_on_the_disk_are_refused(served: Served, ada: Visitor) -> None:
    actor, studio = actor_of(served, ada), served.studio.studio
    voices = [enrol(studio, actor, name) for name in ("Prima", "Seconda")]
    addresses = [f"/media/clip/{voice.clips[0].id}.wav" for voice in voices]
    before = [ada.client.get(address).content for address in addresses]
    files = [asset_file(served, voice.clips[0].id) for voice in voices]
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
