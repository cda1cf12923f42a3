"""Fuzzing over real HTTP: schemathesis over the API's description, Hypothesis over forms and uploads.

No answer is a 500, none takes long, and the server's memory stays bounded.
"""

import base64
import contextlib
import io
import json
import resource
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from studio.audio.encode import AudioFormat, encode
from studio.consent.documents import KINDS
from studio.consent.purposes import Category
from studio.errors import InputRefused, StudioError
from studio.privacy.access import Actor
from studio.voices.forms import VoiceView
from studio.voices.speakers import Invitation
from studio.web.limits import RATES, Budget, Rate
from tests.datasets.making import brought, request_for, trainable
from tests.enrolling import real_speech
from tests.listening.taking_part import form as listening_form
from tests.listening.taking_part import opened
from tests.web.conftest import Served
from tests.web.test_attacks import ENROL, GREET, RETURN, SIZE
from tests.web.test_speech_api import PRESET, caller
from tests.web.visitor import G, Visitor

QUICK_S = 20.0  # a loaded machine is slow; a hang is longer
MOST_GROWTH_MB = 600
FEW = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck], database=None
)
SOME = settings(FEW, max_examples=12)  # of what takes a while each
TEXT = st.text(max_size=200)
RAW = st.binary(max_size=2000)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


EVENT_FIELDS = st.sampled_from(
    ["fn_index", "session_hash", "event_id", "trigger_id", "batched", "event_data"]
)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.fixture(scope="module", autouse=True)
def bounded_memory(served: Served) -> Iterator[None]:
    """The server lives in this process: its peak is ours."""
    before = peak_mb()
    yield
    assert peak_mb() - before < MOST_GROWTH_MB


@pytest.fixture(autouse=True)
def no_limits(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fuzzed lies behind the rate limits."""
    monkeypatch.setattr(served.gate.limits, "rates", {budget: Rate(1e9, 1e9) for budget in Budget} | {})
    assert set(RATES) == set(Budget)


def looked_at(answer: httpx.Response) -> httpx.Response:
    assert answer.status_code < 500, (answer.status_code, answer.text[:300])
    assert answer.elapsed.total_seconds() < QUICK_S
    return answer


# -- The speech API -----------------------------------------------------------------------------------


def test_schemathesis_finds_no_server_error_in_the_described_api(served: Served, ada: Visitor) -> None:
    boss = served.visitor("boss", "administrator")
    document = boss.client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    with caller(served, ada, "speak", "voices:read", "listen:read") as client:
        for found in schema.get_all_operations():
            probe_operation(client, found.ok())


def probe_operation(client: httpx.Client, operation: Any) -> None:
    """Every answer is one that the description names, and a refusal has its parts."""
    named = operation.definition.raw["responses"]

    @FEW
    @given(case=operation.as_strategy())
    def probe(case: Any) -> None:
        answer = ask(client, case)
        assert str(answer.status_code) in named, answer.status_code
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/json"
            assert {"message", "what", "why", "next"} <= set(answer.json()["error"])

    probe()


def ask(client: httpx.Client, case: Any) -> httpx.Response:
    """Send a generated case as a client would, with the key's own header."""
    told = case.as_transport_kwargs(base_url=str(client.base_url))
    told["headers"] = {"authorization": client.headers["authorization"]}
    if isinstance(told.get("json"), dict) and isinstance(told["json"].get("input"), str):
        told["json"]["input"] = told["json"]["input"][:300]  # what is spoken takes time
    kept = {name: told[name] for name in ("params", "json", "data", "headers") if told.get(name) is not None}
    try:
        return looked_at(client.request(told["method"], told["url"], **kept))
    except (httpx.InvalidURL, UnicodeError):
        return client.get("/v1/voices")  # no client can send this


@FEW
@given(body=st.fixed_dictionaries({}, optional={
    "input": JSON, "voice": st.just(PRESET) | JSON, "model": st.sampled_from(["fake", "auto"]) | JSON,
    "response_format": st.sampled_from(["mp3", "pcm", "mulaw", "flac"]) | JSON, "speed": JSON, "stream": JSON,
    "language": JSON, "purpose": JSON, "options": JSON, "surprise": JSON,
}))  # fmt: skip
def test_no_body_of_a_call_breaks_the_api(served: Served, ada: Visitor, body: dict[str, Any]) -> None:
    with key_of(served, ada) as client:
        raw = json.dumps(body).encode()  # NaN and lone surrogates included, as a hostile client can
        looked_at(client.post("/v1/audio/speech", content=raw, headers={"content-type": "application/json"}))


@FEW
@given(
    raw=RAW, kind=st.sampled_from(["application/json", "text/plain", "", "multipart/form-data; boundary=x"])
)
def test_no_bytes_break_the_api(served: Served, ada: Visitor, raw: bytes, kind: str) -> None:
    with key_of(served, ada) as client:
        answer = looked_at(client.post("/v1/audio/speech", content=raw, headers={"content-type": kind}))
        assert answer.status_code in (400, 404), answer.text


def key_of(served: Served, visitor: Visitor) -> httpx.Client:
    """One key for all examples."""
    kept = getattr(served, "fuzz_key", "")
    if not kept:
        with caller(served, visitor) as made:
            kept = made.headers["authorization"]
        served.fuzz_key = kept  # type: ignore[attr-defined]
    return httpx.Client(base_url=served.url, timeout=60, headers={"authorization": kept})


# -- Forms --------------------------------------------------------------------------------------------


@FEW
@given(name=TEXT, password=TEXT, raw=RAW)
def test_no_form_breaks_signing_in(served: Served, name: str, password: str, raw: bytes) -> None:
    served.studio.accounts.sign_ins._passwords = cheap_passwords()
    client = served.anonymous()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    looked_at(client.post("/login", data={"name": name, "password": password}))
    looked_at(client.post("/login", content=raw, headers=kind))
    looked_at(client.get("/oidc/callback", params={"state": name, "code": password}))


def cheap_passwords() -> Any:
    from argon2 import PasswordHasher

    from studio.privacy.passwords import Passwords

    return Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@FEW
@given(path=st.sampled_from(["state", "join", "rate", "headphones"]), body=JSON, raw=RAW)
def test_no_body_breaks_the_listeners_page(served: Served, path: str, body: Any, raw: bytes) -> None:
    client, address = served.anonymous(), f"/listen/{'x' * 43}/{path}"
    if path == "state":
        looked_at(client.get(address))
        return
    kind = {"content-type": "application/json"}
    for content in (json.dumps(body).encode(), raw):
        looked_at(client.post(address, content=content, headers=kind))


@pytest.fixture(scope="module")
def administrator(served: Served) -> Actor:
    return served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)


@pytest.fixture(scope="module")
def listening_token(served: Served, administrator: Actor) -> str:
    """Of a test that is open: what is fuzzed is behind the door, not the door."""
    return opened(served.studio.studio, administrator, listening_form(), quota=1000).link


@FEW
@given(
    path=st.sampled_from(["join", "rate", "headphones"]),
    body=st.fixed_dictionaries({}, optional={
        "agreed": JSON, "language": JSON, "answers": JSON, "page": JSON, "replays": JSON, "response_ms": JSON,
        "heard": JSON, "values": JSON | st.lists(st.floats(), max_size=4),
    }) | JSON,
)  # fmt: skip
def test_no_body_breaks_an_open_listening_test(
    served: Served, listening_token: str, path: str, body: Any
) -> None:
    client, address = served.anonymous(), f"/listen/{listening_token}"
    looked_at(client.post(f"{address}/join", json={"agreed": True, "language": "en"}))
    page = client.get(f"{address}/state").json().get("page")
    for sent in (body, body | {"page": page} if isinstance(body, dict) else body):
        looked_at(client.post(f"{address}/{path}", content=json.dumps(sent).encode()))
    assert looked_at(client.get(f"{address}/state")).status_code == 200


@pytest.fixture(scope="module")
def consent_link(served: Served, administrator: Actor) -> str:
    """A speaker's link that opens."""
    invitation = Invitation("Fuzzed", "en", Category.CUSTOMER, "", "")
    return f"/consent/{served.studio.speakers.invite(administrator, invitation)}"


SPOKEN = base64.b64encode(encode(real_speech(8.0), AudioFormat.WAV)).decode()
BASE64 = st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()) | st.text(max_size=60)
ANSWER = st.fixed_dictionaries({}, optional={
    "purposes": st.just(["zero_shot", "internal_use"]) | JSON, "notice": JSON, "challenge": TEXT | JSON,
    "attestations": st.just(["adult", "not_public_figure", "notice_read"]) | JSON,
    "source": st.sampled_from(["microphone", "upload"]) | JSON, "statement": BASE64 | JSON,
    "clips": st.lists(BASE64, max_size=8) | JSON, "sure": st.none() | st.text(max_size=3),
})  # fmt: skip


@FEW
@given(path=st.sampled_from(["challenge", "answer", "withdraw"]), body=ANSWER | JSON, raw=RAW)
@example(path="answer", raw=b"", body={
    "purposes": ["zero_shot"], "challenge": "\ud800", "source": "microphone", "statement": SPOKEN,
    "clips": [SPOKEN], "attestations": ["adult", "not_public_figure", "notice_read"],
})  # fmt: skip
def test_no_body_breaks_the_speakers_page(
    served: Served, consent_link: str, path: str, body: Any, raw: bytes
) -> None:
    with served.anonymous() as client:
        for content in (json.dumps(body).encode(), raw):
            answer = looked_at(client.post(f"{consent_link}/{path}", content=content))
            assert answer.status_code in (200, 400, 403, 409), answer.text
        assert looked_at(client.get(f"{consent_link}/state")).json()["phase"] == "invited"


@FEW
@given(query=st.dictionaries(st.sampled_from(["text", "actor", "action", "since", "until"]), TEXT))
def test_no_search_breaks_the_log(served: Served, query: dict[str, str]) -> None:
    boss = served.visitor("boss", "administrator") if not hasattr(served, "boss") else served.boss
    served.boss = boss  # type: ignore[attr-defined]
    clean = {name: value.encode("utf-8", "ignore").decode() for name, value in query.items()}
    looked_at(boss.client.get("/audit/log.csv", params=clean))


@FEW
@given(data=st.lists(JSON, max_size=4), more=st.dictionaries(EVENT_FIELDS, JSON))
def test_no_event_breaks_the_queue(
    served: Served, ada: Visitor, data: list[Any], more: dict[str, Any]
) -> None:
    body = {"data": data, "fn_index": GREET, "session_hash": ada.session} | more
    raw = json.dumps(body).encode()
    answer = ada.client.post(f"{G}/queue/join", content=raw, headers={"content-type": "application/json"})
    looked_at(answer)
    assert served.anonymous().get("/healthz").text == "ok"


# -- Uploads ------------------------------------------------------------------------------------------

SOUND = st.sampled_from(
    [b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC\x00\x00\x00\x22", b"OggS\x00\x02", b"ID3\x04", b""]
)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """Zips with odd names, odd content, and now and then a broken end."""
    out = io.BytesIO()
    with zipfile.ZipFile(
        out, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    ) as archive:
        for name in draw(
            st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), max_size=4, unique=True)
        ):
            archive.writestr(
                zipfile.ZipInfo(draw(st.sampled_from(["", "../", "/", "a/../../"])) + name), draw(RAW)
            )
    data = out.getvalue()
    return data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data


@SOME
@given(head=SOUND, tail=RAW)
def test_no_sound_breaks_the_speakers_check(
    served: Served, consent_link: str, head: bytes, tail: bytes
) -> None:
    with served.anonymous() as client:
        answer = looked_at(client.post(f"{consent_link}/check", content=head + tail))
        assert answer.status_code == 400, "none of them is a recording"


@SOME
@given(
    head=SOUND, tail=RAW, name=st.text(st.characters(codec="utf-8"), max_size=80),
    field=st.text(st.characters(codec="ascii"), min_size=1, max_size=20),
)  # fmt: skip
def test_no_file_breaks_the_verify_page(
    served: Served, head: bytes, tail: bytes, name: str, field: str
) -> None:
    with served.anonymous() as client:
        looked_at(client.post("/verify", files={field: (name, head + tail)}))
        kind = {"content-type": "multipart/form-data; boundary=x"}
        looked_at(client.post("/verify", content=b"--x\r\n" + tail, headers=kind))


@pytest.fixture(scope="module")
def own_voice(served: Served, administrator: Actor) -> VoiceView:
    """A voice that may be trained, whose speaker may bring documents."""
    return trainable(served.studio.studio, administrator, "Fuzzed papers")


@FEW
@given(head=st.sampled_from([*KINDS, b"", b"<svg", b"PK\x03\x04"]), tail=RAW)
def test_no_document_breaks_a_speakers_file(
    served: Served, administrator: Actor, own_voice: VoiceView, head: bytes, tail: bytes
) -> None:
    """Kept as it came or refused in words, and it is only ever handed out as a download."""
    documents = served.studio.consent.documents
    try:
        kept = documents.upload(administrator, own_voice.speaker_id, head + tail)
    except InputRefused:
        return
    boss = served.visitor("boss-of-papers", "administrator")
    answer = looked_at(boss.client.get(f"/privacy/document/{kept.id}"))
    assert answer.content == head + tail and answer.headers["content-disposition"].startswith("attachment")


NAMES = st.sampled_from(
    [
        "metadata.csv",
        "validated.tsv",
        "train.tsv",
        "asr_train.tsv",
        "a.wav",
        "wavs/a.wav",
        "clips/a.mp3",
        "x/y.txt",
    ]
)
TABLES = st.sampled_from([b"path,text\n", b"client_id\tpath\tsentence\n", b"a|", b"\xff\xfe", b""])


@SOME
@given(
    files=st.dictionaries(NAMES, st.tuples(TABLES, RAW).map(b"".join), max_size=4),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]),
    flips=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3),
)
def test_no_zip_breaks_the_import_of_a_dataset(
    served: Served, administrator: Actor, own_voice: VoiceView, files: dict[str, bytes], method: int,
    flips: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    data = bytearray(out.getvalue())
    for place, value in flips:
        data[place % len(data)] = value
    began, studio = time.monotonic(), served.studio.studio
    incoming = brought(tmp_path_factory.mktemp("zips"), bytes(data))
    with contextlib.suppress(StudioError):  # the only way it may fail: in words
        studio.datasets.build(administrator, request_for(own_voice, incoming)).wait()
    assert time.monotonic() - began < QUICK_S


@FEW
@given(head=SOUND, tail=RAW, name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
def test_no_sound_file_breaks_an_upload_or_its_decoding(
    served: Served, ada: Visitor, head: bytes, tail: bytes, name: str
) -> None:
    answer = looked_at(ada.upload(name, head + tail))
    if answer.status_code == 200:
        began = time.monotonic()
        outcome = str(ada.call(ENROL, {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}))
        assert outcome.startswith(("refused audio.", "stored", "nothing")), outcome
        assert time.monotonic() - began < QUICK_S


@FEW
@given(data=archives())
def test_no_zip_breaks_an_upload(served: Served, ada: Visitor, data: bytes) -> None:
    answer = looked_at(ada.upload("a.zip", data))
    if answer.status_code == 200:
        told = {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}
        assert ada.call(SIZE, told) == f"{len(data)} bytes"
        assert ada.join(RETURN, told).status_code == 200


@FEW
@given(raw=RAW, boundary=st.text(st.characters(codec="ascii", exclude_characters='"\\\r\n'), max_size=80))
def test_no_multipart_breaks_the_upload(served: Served, ada: Visitor, raw: bytes, boundary: str) -> None:
    kind = f'multipart/form-data; boundary="{boundary}"'
    try:
        answer = ada.client.post(f"{G}/upload", content=raw, headers={"content-type": kind})
    except (httpx.LocalProtocolError, httpx.InvalidURL):
        return  # no client can send this
    looked_at(answer)
