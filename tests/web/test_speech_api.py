"""The speech API over real HTTP: formats, streams, keys and their limits, what it refuses and how."""

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import av
import httpx
import numpy as np
import pytest
import soundfile

from studio.privacy.access import Actor
from studio.privacy.api_keys import Scope
from studio.synthesis.speech import MOST_AT_ONCE
from studio.web.limits import RATES, Budget, Rate
from tests.waiting import until
from tests.web.conftest import Served
from tests.web.visitor import Visitor

PRESET = "preset:fake:tone"
TEXT = "Buongiorno, questa è una prova."

ROOM = 20  # open keys of a visitor; an account has 50 at most


def actor_of(served: Served, visitor: Visitor) -> Actor:
    return served.studio.accounts.actor_of(visitor.account_id)


def caller(served: Served, visitor: Visitor, *scopes: str, **more: Any) -> httpx.Client:
    """A program with a new key of the visitor's; those of earlier tests make room."""
    keys, actor = served.studio.api_keys, actor_of(served, visitor)
    mine = [key for key in keys.keys(actor) if key.name == "prog" and not key.revoked_at]
    for old in mine[ROOM:]:
        keys.revoke(actor, old.id)
    made = keys.create(actor, "prog", scopes or ("speak",), **more)
    return httpx.Client(base_url=served.url, timeout=30, headers={"authorization": f"Bearer {made[1]}"})


@pytest.fixture
def program(served: Served, ada: Visitor) -> Iterator[httpx.Client]:
    with caller(served, ada) as client:
        yield client


def say(client: httpx.Client, **body: Any) -> httpx.Response:
    return client.post("/v1/audio/speech", json={"input": TEXT, "voice": PRESET, **body})


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, str]:
    """The refusal's parts, after its shape was looked at."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert all(error[part] for part in ("message", "type", "what", "why", "next"))
    return error


def actions(served: Served) -> list[str]:
    log = served.studio.studio.audit
    admin = served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)
    return [event.action for event in log.read(admin, 400)]


@pytest.mark.parametrize("format_name", ["mp3", "opus", "wav", "flac", "mulaw_wav"])
def test_every_file_format_holds_the_whole_take(program: httpx.Client, format_name: str) -> None:
    answer = say(program, response_format=format_name)
    assert answer.status_code == 200, answer.text
    with av.open(io.BytesIO(answer.content)) as file:
        stream = file.streams.audio[0]
        seconds = sum(frame.samples for frame in file.decode(stream)) / stream.rate
        if format_name == "mulaw_wav":
            assert (stream.codec_context.name, stream.rate) == ("pcm_mulaw", 8000)
    whole = soundfile.info(io.BytesIO(say(program, response_format="flac").content)).duration
    assert seconds == pytest.approx(whole, abs=0.1) and whole > 0.5
    assert answer.headers["x-timbro-take"].startswith("tak_")


def test_bare_samples_are_what_they_say(program: httpx.Client) -> None:
    flac, rate = soundfile.read(io.BytesIO(say(program, response_format="flac").content))
    pcm = say(program, response_format="pcm")
    assert pcm.headers["content-type"].startswith("audio/pcm")
    heard = np.frombuffer(pcm.content, "<i2") / 32768
    assert rate == 24_000 and len(heard) == len(flac)
    assert np.abs(heard - flac).max() < 0.02
    mulaw = say(program, response_format="mulaw")
    assert mulaw.headers["content-type"] == "audio/basic"
    assert len(mulaw.content) == pytest.approx(len(flac) / 3, abs=4)
    phone, _ = soundfile.read(
        io.BytesIO(mulaw.content), samplerate=8000, channels=1, format="RAW", subtype="ULAW"
    )
    assert np.sqrt((phone**2).mean()) == pytest.approx(np.sqrt((flac**2).mean()), rel=0.35)


def test_a_stream_begins_before_the_take_is_made(served: Served, program: httpx.Client, ada: Visitor) -> None:
    body = {"input": "Una frase che dura. " * 30, "voice": PRESET, "options": {"delay_s": 0.5}}
    with program.stream("POST", "/v1/audio/speech", json={**body, "stream": True}) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_bytes()
        sound = next(pieces)
        assert served.studio.synthesis.running(actor_of(served, ada)), (
            "the sound came only with the whole take"
        )
        sound += b"".join(pieces)
    with av.open(io.BytesIO(sound)) as file:
        assert sum(frame.samples for frame in file.decode(file.streams.audio[0])) > 24_000


def test_a_streamed_wav_can_be_read(program: httpx.Client) -> None:
    answer = say(program, response_format="wav", stream=True)
    with av.open(io.BytesIO(answer.content)) as file:
        samples = sum(frame.samples for frame in file.decode(file.streams.audio[0]))
    assert samples == (len(answer.content) - 44) // 2 > 10_000


def test_a_caller_who_leaves_stops_the_work(served: Served, program: httpx.Client, ada: Visitor) -> None:
    body = {"input": "Una frase che dura. " * 60, "voice": PRESET, "options": {"delay_s": 3.0}}
    with program.stream("POST", "/v1/audio/speech", json={**body, "stream": True}) as answer:
        next(answer.iter_bytes())
    synthesis, actor = served.studio.synthesis, actor_of(served, ada)
    until(lambda: not synthesis.running(actor), 20.0)  # it would speak for longer
    with pytest.raises(httpx.ReadTimeout):
        program.post("/v1/audio/speech", json={**body, "input": body["input"] + "Fine."}, timeout=1.0)
    until(lambda: not synthesis.running(actor), 20.0)  # it would speak for longer


def test_voices_and_models_are_listed_and_a_name_is_enough(served: Served, ada: Visitor) -> None:
    with caller(served, ada, "voices:read", "speak") as client:
        voices = client.get("/v1/voices").json()["data"]
        assert PRESET in [voice["id"] for voice in voices]
        models = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
        assert models["fake"]["ready"] and models["fake-nc"]["commercial"] is False
        several = refused(say(client, voice="tone"), 400, "access.voice_ambiguous")
        assert PRESET in several["why"]
        assert say(client, voice={"id": PRESET}, model="tts-1").status_code == 200


def test_speed_and_options_reach_the_engine(program: httpx.Client) -> None:
    def seconds(**body: Any) -> float:
        return float(
            soundfile.info(io.BytesIO(say(program, response_format="flac", **body).content)).duration
        )

    assert seconds(speed=2.0) == pytest.approx(seconds() / 2, rel=0.1)
    assert "speed" in refused(say(program, speed=4.0), 400, "synthesis.option")["message"]
    refused(say(program, options={"warp": 1}), 400, "synthesis.option")


@pytest.mark.parametrize(
    "body",
    [
        {"input": ""},
        {"voice": ""},
        {"response_format": "aac"},
        {"speed": 0.1},
        {"speed": "fast"},
        {"purpose": "anything"},
        {"instructions": "whisper"},
        {"stream_format": "sse"},
        {"surprise": 1},
        {"input": ["a"]},
        {"options": {"a": {"b": 1}}},
        {"input": "a" * 50_001},
    ],
)
def test_a_call_that_cannot_be_right_says_which_field(program: httpx.Client, body: dict[str, Any]) -> None:
    name = next(iter(body))
    assert name in refused(say(program, **body), 400, "access.api_body")["why"]


def test_what_is_not_json_is_refused(program: httpx.Client) -> None:
    for raw in (
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b'{"input": "\\ud800", "voice": "x"}',
        b'{"speed": NaN}',
        b"\xff" * 9,
    ):
        answer = program.post("/v1/audio/speech", content=raw, headers={"content-type": "application/json"})
        assert answer.status_code == 400 and answer.json()["error"]["next"], raw
    long = b'{"input": "' + b"a" * 1_100_000 + b'"}'
    answer = program.post("/v1/audio/speech", content=long, headers={"content-type": "application/json"})
    refused(answer, 413, "web.event_too_large")


def test_refusals_come_from_consent_and_licence_too(served: Served, program: httpx.Client) -> None:
    refused(say(program, voice="voice:voc_none"), 404, "access.voice_unknown")
    refused(say(program, model="none"), 404, "registry.unknown")
    nc = "preset:fake-nc:tone"
    refused(say(program, voice=nc, purpose="commercial_use"), 403, "consent.licence_forbids")
    refused(say(program, response_format="flac", stream=True), 400, "access.no_stream")
    assert "api.refused" in actions(served) and "api.speech" not in actions(served)[:1]


def test_a_key_speaks_with_its_own_voices_only(served: Served, ada: Visitor, bob: Visitor) -> None:
    with caller(served, ada, voices=("preset:fake-nc:tone",)) as client:
        refused(say(client), 404, "access.voice_unknown")
        assert say(client, voice="preset:fake-nc:tone", model="fake-nc").status_code == 200
        assert [v["id"] for v in client.get("/v1/voices").json()["data"]] == ["preset:fake-nc:tone"]


def test_scopes_hold(served: Served, ada: Visitor, program: httpx.Client) -> None:
    with caller(served, ada, "listen:read") as client:
        refused(say(client), 403, "access.scope")
        refused(client.get("/v1/voices"), 403, "access.scope")
        assert client.get("/v1/listening-tests").json()["object"] == "list"
        refused(client.get("/v1/listening-tests/tst_none"), 404, "listening.unknown")
    refused(program.get("/v1/listening-tests"), 403, "access.scope")


def test_keys_open_the_api_alone_and_cookies_do_not_open_it(
    served: Served, ada: Visitor, program: httpx.Client
) -> None:
    refused(ada.client.get("/v1/voices"), 401, "access.key_refused")
    refused(served.anonymous().get("/v1/voices"), 401, "access.key_refused")
    refused(served.anonymous().get("/v1/no-such-door"), 401, "access.key_refused")
    assert program.get("/config").status_code == 401
    assert program.get("/openapi.json").status_code == 401
    refused(program.get("/v1/no-such-door"), 404, "web.closed")
    refused(program.get("/v1/audio/speech"), 404, "web.closed")


def test_revoked_and_expired_keys_and_closed_accounts_are_out_at_once(served: Served) -> None:
    eve = served.visitor("eve")
    actor, keys = actor_of(served, eve), served.studio.api_keys
    client = caller(served, eve)
    assert say(client).status_code == 200
    keys.revoke(actor, keys.keys(actor)[0].id)
    refused(say(client), 401, "access.key_refused")
    other = caller(served, eve)
    admin = served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)
    served.studio.accounts.disable(admin, eve.account_id)
    refused(say(other), 401, "access.key_refused")


def test_every_call_is_in_the_audit_log(served: Served, program: httpx.Client) -> None:
    assert say(program).status_code == 200
    assert actions(served)[0] in ("api.speech", "take.made")
    before = actions(served).count("api.refused")
    say(program, voice="nobody")
    assert actions(served).count("api.refused") == before + 1


def test_the_description_is_for_administrators(served: Served, ada: Visitor) -> None:
    boss = served.visitor("boss", "administrator")
    document = boss.client.get("/openapi.json").json()
    assert "/v1/audio/speech" in document["paths"] and document["openapi"].startswith("3.")
    assert not [path for path in document["paths"] if not path.startswith("/v1/")]
    assert ada.client.get("/openapi.json").status_code == 404
    assert served.anonymous().get("/openapi.json").status_code == 401


def test_attack_34_a_flood_of_calls_is_slowed(
    served: Served, program: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.gate.limits, "clock", lambda: 0.0)
    monkeypatch.setattr(served.gate.limits, "rates", {**RATES, Budget.SPEAK: Rate(burst=3, per_s=0.5)})
    answers = [say(program, voice="nobody") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404] * 3 + [429]
    assert answers[-1].headers["retry-after"] == "2"
    refused(answers[-1], 429, "web.too_many")


def test_attack_34_more_jobs_than_the_queue_takes_are_refused(served: Served) -> None:
    flo = served.visitor("flo")
    body = {"input": "Una frase che dura. " * 40, "voice": PRESET, "options": {"delay_s": 4.0}}
    statuses: list[int] = []
    clients = [caller(served, flo) for _ in range(MOST_AT_ONCE)]

    def hold(client: httpx.Client, number: int) -> None:
        try:
            client.post("/v1/audio/speech", json={**body, "input": f"{number} {body['input']}"}, timeout=20.0)
        except httpx.ReadTimeout:
            statuses.append(0)

    threads = [threading.Thread(target=hold, args=(c, n)) for n, c in enumerate(clients)]
    for thread in threads:
        thread.start()
    try:
        # All are on their way, and none of them has given up yet.
        until(lambda: len(served.studio.synthesis.running(actor_of(served, flo))) == MOST_AT_ONCE, 18.0)
        answer = say(clients[0])
        refused(answer, 429, "access.busy")
        assert int(answer.headers["retry-after"]) > 0
    finally:
        for thread in threads:
            thread.join()
    assert statuses == [0] * MOST_AT_ONCE
    until(lambda: not served.studio.synthesis.running(actor_of(served, flo)))


def test_attack_34_guessing_keys_is_slowed(served: Served, program: httpx.Client) -> None:
    guess = httpx.Client(base_url=served.url, headers={"authorization": f"Bearer tmb_{'x' * 43}"})
    statuses = [guess.get("/v1/voices").status_code for _ in range(int(RATES[Budget.SIGN_IN].burst) + 2)]
    assert statuses[0] == 401 and statuses[-1] == 429
    assert program.get("/v1/voices").status_code == 200  # a good key from the same address still works


def test_no_key_is_stored_or_listed(served: Served, ada: Visitor) -> None:
    actor = actor_of(served, ada)
    view, text = served.studio.api_keys.create(actor, "secret", ["speak"])
    assert text not in str(served.studio.api_keys.keys(actor)) and text.startswith(view.hint)
    for file in served.studio.settings.storage.glob("studio.db*"):
        assert text.encode() not in file.read_bytes()
    assert json.dumps(text) not in str(actions(served))
    assert Scope.SPEAK in view.scopes
