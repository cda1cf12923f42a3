"""The attacks of the security notes against the served app, over real HTTP. The numbers are theirs; 6 is with the
real pages in test_attacks_pages.py.
"""

import io
import json
import secrets
import socket
import struct
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio.db.tables import SignInLink
from tests.waiting import until
from tests.web.conftest import Served
from tests.web.visitor import G, Visitor, file_data

GREET, SIZE, COUNT, ENROL, WAIT, SECRET, NOW, RETURN, GIVE = range(9)
NULL_ORIGINS = ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example")


def wav(samples: np.ndarray, rate_hz: int = 16_000, subtype: str = "PCM_16") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, rate_hz, format="WAV", subtype=subtype)
    return out.getvalue()


def tone(seconds: float = 2.0) -> np.ndarray:
    return 0.3 * np.sin(np.arange(int(16_000 * seconds)) * 0.2)


def alive(served: Served) -> bool:
    return served.anonymous().get("/healthz").text == "ok"


def leftovers(served: Served) -> list[str]:
    """Files in the upload folder."""
    folder = served.upload_folder
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# -- 1 ------------------------------------------------------------------------------------------------


def test_attack_01_files_of_the_machine_are_no_input(served: Served, ada: Visitor) -> None:
    settings = served.studio.settings
    wanted = ["/etc/passwd", "/proc/self/environ", str(settings.database_file.resolve()), str(Path(__file__))]
    for path in [*wanted, str(settings.master_key_file.resolve())]:
        for shape in (file_data(path), {"path": path}, [file_data(path)], json.dumps(file_data(path))):
            refused = ada.join(SIZE, shape)
            assert refused.status_code == 403 and "not one of your uploads" in refused.text, (path, shape)
    body = {"data": [file_data("/etc/passwd")], "fn_index": SIZE, "session_hash": ada.session}
    assert ada.client.post(f"{G}/run/predict", json=body).status_code == 403
    assert ada.client.post(f"{G}/api/predict", json=body).status_code == 404


def test_attack_01_a_doubled_key_hides_no_path(ada: Visitor) -> None:
    mine = ada.uploaded("mine.txt", b"mine")
    for first, second in (("/etc/passwd", mine), (mine, "/etc/passwd")):
        raw = (
            f'{{"data": [{{"path": "{first}", "path": "{second}", "meta": {{"_type": "gradio.FileData"}}}}],'
            f' "fn_index": {SIZE}, "session_hash": "{ada.session}"}}'
        )
        answer = ada.client.post(f"{G}/queue/join", content=raw, headers={"content-type": "application/json"})
        if answer.status_code == 200:
            assert ada.outcome(answer.json()["event_id"]) == "4 bytes"
        else:
            assert answer.status_code == 403


def test_attack_01_gradio_itself_refuses_them_when_the_gate_is_blind(served: Served, ada: Visitor) -> None:
    """The second wall: has_launched."""
    own_check, served.gate.bindings.foreign_file = served.gate.bindings.foreign_file, lambda *_: False
    try:
        outcomes = [
            ada.call(SIZE, file_data(path)) for path in ("/etc/passwd", __file__, "/proc/self/environ")
        ]
    finally:
        served.gate.bindings.foreign_file = own_check
    assert all(outcome.startswith("failed") for outcome in outcomes), outcomes


def test_attack_01_no_event_gives_out_a_file_of_the_machine(served: Served, ada: Visitor) -> None:
    """Whatever a handler answers: Gradio alone would let the working and the temp directory out."""
    settings, here = served.studio.settings, Path(__file__).parents[2]
    for path in (settings.database_file, settings.master_key_file, here / "pyproject.toml"):
        assert path.is_file()
        outcome = ada.call(GIVE, str(path.resolve()))
        assert str(outcome).startswith("failed"), (path, outcome)


def test_attack_01_file_route_serves_nothing_of_the_machine(served: Served, ada: Visitor) -> None:
    for path in ("/etc/passwd", "/proc/self/environ", str(served.studio.settings.database_file.resolve())):
        for way in (f"{G}/file={path}", f"{G}/file%3D{path}", f"{G}/file/{path}", f"{G}/file=//{path}"):
            assert ada.client.get(way).status_code == 404, way
    assert ada.client.get(f"{G}/file=http://127.0.0.1:1/").status_code == 404


# -- 2, 3 ---------------------------------------------------------------------------------------------


def test_attack_02_another_users_upload_is_neither_input_nor_readable(ada: Visitor, bob: Visitor) -> None:
    path = ada.uploaded("diary.txt", b"private words of ada")
    assert ada.call(SIZE, file_data(path)) == "20 bytes"
    assert ada.client.get(f"{G}/file={path}").content == b"private words of ada"
    assert bob.join(SIZE, file_data(path)).status_code == 403
    assert bob.join(RETURN, file_data(path)).status_code == 403
    assert bob.client.get(f"{G}/file={path}").status_code == 404


def test_attack_02_an_event_told_to_ada_gives_bob_nothing(ada: Visitor, bob: Visitor) -> None:
    returned = ada.call(RETURN, file_data(ada.uploaded("a.txt", b"for ada")))["path"]
    assert ada.client.get(f"{G}/file={returned}").content == b"for ada"
    assert bob.client.get(f"{G}/file={returned}").status_code == 404


def test_attack_03_another_users_sound_by_url(served: Served, ada: Visitor, bob: Visitor) -> None:
    sounds = served.sounds_of(ada)
    for url in sounds:
        assert ada.client.get(url).status_code in (200, 206), url
        theirs, missing = (
            bob.client.get(url),
            bob.client.get(f"{url.rsplit('/', 1)[0]}/none0{Path(url).suffix}"),
        )
        assert theirs.status_code == missing.status_code == 404, url
        assert theirs.text == missing.text
        assert served.anonymous().get(url).status_code == 401


# -- 4, 5 ---------------------------------------------------------------------------------------------


def test_attack_04_a_foreign_session_hash_opens_nothing(ada: Visitor, bob: Visitor) -> None:
    assert ada.call(SECRET, None).startswith("of acc_")
    assert bob.join(SECRET, None, session=ada.session).status_code == 403
    assert bob.client.get(f"{G}/queue/data", params={"session_hash": ada.session}).status_code == 403
    both = [("session_hash", bob.session), ("session_hash", ada.session)]
    assert bob.client.get(f"{G}/queue/data", params=both).status_code == 403
    assert bob.client.get(f"{G}/heartbeat/{ada.session}").status_code == 403
    assert bob.client.get(f"{G}/stream/{ada.session}/0/1/playlist.m3u8").status_code == 403
    body = {"data": [None], "fn_index": SECRET, "session_hash": ada.session}
    assert bob.client.post(f"{G}/run/predict", json=body).status_code == 403
    assert bob.client.post(f"{G}/component_server", json=body | {"component_id": 1}).status_code == 404
    assert bob.join(SECRET, None, session="x" * 65).status_code == 403
    assert bob.client.post(f"{G}/queue/join", json={"data": [None], "fn_index": SECRET}).status_code == 403


def test_attack_05_nobody_cancels_or_hears_anothers_job(served: Served, ada: Visitor, bob: Visitor) -> None:
    event = ada.join(WAIT).json()["event_id"]
    cancel = {"session_hash": ada.session, "fn_index": WAIT, "event_id": event}
    anonymous = served.anonymous()
    assert anonymous.post(f"{G}/cancel", json=cancel).status_code == 401
    assert bob.client.post(f"{G}/cancel", json=cancel).status_code == 403
    assert bob.client.post(f"{G}/cancel", json=cancel | {"session_hash": bob.session}).status_code == 403
    assert bob.client.post(f"{G}/stream/{event}/close").status_code == 403
    assert bob.client.post(f"{G}/stream/{event}", json={"data": []}).status_code == 403
    for path in (
        f"stream/{ada.session}/0/1/playlist.m3u8",
        f"heartbeat/{ada.session}",
        "startup-events",
        "app_id",
    ):
        assert anonymous.get(f"{G}/{path}").status_code == 401, path
    assert not served.studio.stopped
    assert ada.client.post(f"{G}/cancel", json=cancel).status_code == 200
    until(lambda: bool(served.studio.stopped))
    assert served.studio.stopped == [ada.account_id]


def test_attack_05_anonymous_reaches_only_the_sign_in_page(served: Served) -> None:
    anonymous = served.anonymous()
    closed = (
        "/",
        "/config",
        "/manifest.jsonx",
        "/openapi.json",
        "/docs",
        "/theme.css",
        f"{G}/info",
        "/assets/x.js",
    )
    for path in closed:
        assert anonymous.get(path).status_code == 401, path
    page = anonymous.get("/", headers={"accept": "text/html", "accept-language": "en"})
    assert page.status_code == 401 and "one-time link" in page.text and "gradio" not in page.text.lower()
    assert anonymous.post(f"{G}/upload", files=[("files", ("a", b"b"))]).status_code == 401


# -- 7, 8 ---------------------------------------------------------------------------------------------


def test_attack_07_foreign_and_null_origins_are_refused(served: Served, ada: Visitor) -> None:
    body = {"data": ["x"], "fn_index": GREET, "session_hash": ada.session}
    for origin in NULL_ORIGINS:
        answer = ada.client.post(f"{G}/queue/join", json=body, headers={"origin": origin})
        assert answer.status_code == 403, origin
        assert "access-control-allow-origin" not in answer.headers
        assert ada.client.get("/config", headers={"origin": origin}).status_code == 403
        assert ada.client.options("/config", headers={"origin": origin}).status_code == 403
    for site in ("cross-site", "same-site"):
        marks = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
        assert ada.client.get("/config", headers=marks).status_code == 403
        assert ada.client.post("/logout", headers=marks).status_code == 403
    arriving = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert ada.client.get("/en", headers=arriving).status_code == 200
    own = ada.client.get("/config", headers={"origin": served.url})
    assert own.status_code == 200 and "access-control-allow-origin" not in own.headers


def test_attack_08_foreign_hosts_are_not_answered(served: Served, ada: Visitor) -> None:
    port = served.url.rsplit(":", 1)[1]
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        "169.254.169.254",
        "[::",
        "",
    ):
        for path in ("/", "/healthz", "/config"):
            answer = ada.client.get(path, headers={"host": host})
            assert answer.status_code in (400, 421), (host, path)
    for host in (f"localhost:{port}", f"127.0.0.1:{port}"):
        assert served.anonymous().get("/healthz", headers={"host": host}).status_code == 200
    told = ada.client.get("/en", headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"})
    assert "evil.example" not in told.text


# -- 9 ------------------------------------------------------------------------------------------------


def _age(served: Served, **columns: str) -> None:
    with served.database.write() as session:
        for link in session.query(SignInLink):
            for name, value in columns.items():
                setattr(link, name, value)


def test_attack_09_traversal_and_bad_tokens(served: Served) -> None:
    anonymous = served.anonymous()
    for path in (
        "/listen/../config",
        "/listen/x/../../config",
        "/listen/..%2fconfig",
        "/assets/..%2f..%2frequirements.txt",
    ):
        assert anonymous.get(path).status_code == 401, path
    english = {"accept": "text/html", "accept-language": "en"}

    def meaning(token: str) -> tuple[int, str]:
        answer = anonymous.post(f"/login/{token}", headers=english)
        assert "set-cookie" not in answer.headers
        return answer.status_code, answer.text

    accounts = served.studio.accounts
    account = accounts.ensure_administrator()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="milliseconds")
    token = accounts.sign_in_link(account.id)
    for short in (token[:20], token[:-1]):
        assert meaning(short)[0] == 401 and "not complete" in meaning(short)[1]
    assert "opens nothing" in meaning(secrets.token_urlsafe(32))[1]
    _age(served, expires_at=past)
    assert "has expired" in meaning(token)[1]
    revoked = accounts.sign_in_link(account.id)
    assert accounts.revoke_links(account.id) >= 1
    assert "withdrawn" in meaning(revoked)[1]
    served.gate.limits._levels.clear()
    used = accounts.sign_in_link(account.id)
    assert served.anonymous().post(f"/login/{used}").status_code == 303
    assert "has been used" in meaning(used)[1]


@pytest.mark.parametrize(
    "path",
    [
        "/listen/../config",
        "/assets/../../../routes.py",
        "/assets/..%2f..%2f..%2froutes.py",
        "/static/..%2f..%2fpackage.json",
        "/static/../../../../../../../../etc/passwd",
        "/media/take/../../config.wav",
        "/media/take/%00.wav",
        "//config",
        "/%2e%2e/config",
        "/svelte/x.js",
    ],
)
def test_attack_09_traversal_while_signed_in(served: Served, ada: Visitor, path: str) -> None:
    """Sent as it is: ordinary clients tidy such paths up before they send them."""
    connection = HTTPConnection(served.url.removeprefix("http://"), timeout=60)
    connection.request("GET", path, headers={"cookie": ada.cookie})
    assert connection.getresponse().status == 404
    connection.close()


# -- 12 -----------------------------------------------------------------------------------------------


def test_attack_12_one_file_of_51_mb_leaves_nothing(served: Served, ada: Visitor) -> None:
    before = leftovers(served)
    answer = ada.upload("big.wav", bytes(51_000_000))
    assert answer.status_code == 413 and "at most 50 MB" in answer.text
    assert leftovers(served) == before and alive(served)


def test_attack_12_a_thousand_files_at_once_leave_nothing(served: Served, ada: Visitor) -> None:
    before = leftovers(served)
    answer = ada.client.post(f"{G}/upload", files=[("files", (f"{n}.wav", b"x")) for n in range(1000)])
    assert answer.status_code == 413 and "At most 100 files" in answer.text
    assert leftovers(served) == before and alive(served)


@pytest.mark.parametrize("declared", [True, False])
def test_attack_12_many_files_over_the_whole_limit_leave_nothing(
    served: Served, ada: Visitor, declared: bool
) -> None:
    before, piece = leftovers(served), bytes(1_000_000)
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="%d.wav"\r\n\r\n'

    def body() -> Iterator[bytes]:
        for number in range(5):
            yield head % number
            yield from [piece] * 30
            yield b"\r\n"
        yield b"--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"}
    if declared:
        headers["content-length"] = str(sum(map(len, body())))
    answer = ada.client.post(f"{G}/upload", content=body(), headers=headers)
    assert answer.status_code == 413 and "at most 120 MB" in answer.text
    assert leftovers(served) == before and alive(served)


def test_attack_12_an_upload_that_breaks_off_leaves_nothing(served: Served, ada: Visitor) -> None:
    before = leftovers(served)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(
            f"POST {G}/upload HTTP/1.1\r\nHost: {host}\r\nCookie: {ada.cookie}\r\nContent-Length: 90000\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\nhalf a file'.encode()
        )
        until(lambda: leftovers(served) != before)
    until(lambda: leftovers(served) == before, 20.0)  # before the sweeper comes


# -- 13 to 17: through the upload route and the decoder ---------------------------------------------------


def enrolled(served: Served, who: Visitor, name: str, content: bytes) -> str:
    """What the service says of an uploaded recording; nothing of it may stay."""
    stored, before = list(served.studio.stored), leftovers(served)
    outcome = str(who.call(ENROL, file_data(who.uploaded(name, content))))
    if not outcome.startswith("stored"):
        assert served.studio.stored == stored
        assert leftovers(served) == before
    assert alive(served)
    return outcome


def bomb(kind: str) -> bytes:
    """Sixteen minutes of silence in a small file: 85 MB of samples out of well under a megabyte."""
    out = io.BytesIO()
    subtype, rate = {"FLAC": ("PCM_16", 44_100), "OGG": ("VORBIS", 8_000)}[kind]
    with soundfile.SoundFile(out, "w", rate, 1, subtype, format=kind) as file:
        for _ in range(16):
            file.write(np.zeros(rate * 60, np.int16))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["FLAC", "OGG"])
def test_attack_13_decode_bombs(served: Served, ada: Visitor, kind: str) -> None:
    content = bomb(kind)
    assert len(content) < 1_000_000
    outcome = enrolled(served, ada, f"bomb.{kind.lower()}", content)
    assert outcome.startswith("refused audio.too_long"), outcome


def riff(
    rate_hz: int = 16_000, channels: int = 1, data: bytes = bytes(32_000), declared: int = 32_000
) -> bytes:
    form = struct.pack(
        "<HHIIHH", 1, channels, rate_hz, rate_hz * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF, 16
    )
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", declared) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("lying.wav", riff(declared=2_000_000), "audio.lying_header"),
        ("slow.wav", riff(rate_hz=1), "audio.silly_rate"),
        ("wide.wav", riff(channels=65_535), "audio.too_many_channels"),
        ("empty.wav", b"", "audio.no_bytes"),
        ("page.wav", b"<!doctype html><script>alert(1)</script>", "audio.not_audio_text"),
    ],
)
def test_attack_14_files_that_are_not_what_they_say(
    served: Served, ada: Visitor, name: str, content: bytes, reason: str
) -> None:
    assert enrolled(served, ada, name, content).startswith(f"refused {reason}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_attack_15_samples_that_are_not_numbers(served: Served, ada: Visitor, value: float) -> None:
    samples = tone().astype(np.float32)
    samples[1000] = value
    assert enrolled(served, ada, "odd.wav", wav(samples, subtype="FLOAT")).startswith(
        "refused audio.not_finite"
    )


def test_attack_16_a_decoder_that_crashes_takes_nobody_along(
    served: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.audio import decode

    crash = (sys.executable, "-c", "import os; os.kill(os.getpid(), 11)")
    monkeypatch.setattr(decode.decode_file, "__defaults__", (None, crash))
    outcome = enrolled(served, ada, "crash.wav", wav(tone()))
    assert outcome.startswith("refused audio.decoder_crashed"), outcome
    monkeypatch.undo()
    assert enrolled(served, ada, "fine.wav", wav(tone())).startswith("stored 2.00 s")


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/escaped.wav",
        "..\\..\\escaped.wav",
        "nul\x00byte.wav",
        "a" * 400 + ".wav",
        "$(id);`id`.wav",
        "..",
        ".",
        "/etc/cron.d/x",
        "-rf.wav",
        "con.wav\r\nX-Evil: 1",
    ],
)
def test_attack_17_file_names_go_nowhere(served: Served, ada: Visitor, name: str) -> None:
    folder, content = served.upload_folder, wav(tone())
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode() + b'"\r\n\r\n'
    answer = ada.client.post(
        f"{G}/upload",
        content=head + content + b"\r\n--b--\r\n",
        headers={"content-type": "multipart/form-data; boundary=b"},
    )
    assert alive(served)
    if answer.status_code != 200:
        assert answer.status_code == 400
        return
    path = Path(answer.json()[0])
    assert path.resolve().is_relative_to(folder) and len(path.name) <= 255
    assert path.is_file() and path.read_bytes() == content
    assert ada.call(ENROL, file_data(str(path))).startswith("stored 2.00 s")
    assert not path.exists() and not Path("/tmp/escaped.wav").exists()
