"""Attacks 23 to 29 of the security notes against the served app: by the speaker's link and as a producer."""

import base64
import io
import json
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from anyio import fail_after
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode
from studio.consent.matching import WINDOW_S
from studio.consent.purposes import Category
from studio.db.tables import Asset, ConsentChallenge, ConsentLink, ConsentRecord, Voice
from studio.errors import Cancelled, ConsentMissing, NotFound, NotPermitted
from studio.privacy.access import Actor
from studio.voices.speakers import Invitation
from studio.web.consent import reading, routes
from studio.web.consent.routes import SENDING
from tests.enrolling import fresh_recording, real_speech
from tests.fakes import FakeJudges
from tests.waiting import until
from tests.web.conftest import Served

ATTEST = ["adult", "not_public_figure", "notice_read"]
PURPOSES = ["zero_shot", "internal_use"]
OTHER = 7  # a speaker of the scripted judges


def b64(clip: AudioClip) -> str:
    return base64.b64encode(encode(clip, AudioFormat.WAV)).decode()


def heard(clip: AudioClip) -> AudioClip:
    """The clip as it arrives: 16 bits."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(encode(clip, AudioFormat.WAV)), dtype="float32")
    return AudioClip(samples, rate)


class Phone:
    """A speaker's browser on their link."""

    def __init__(self, served: Served, token: str) -> None:
        self.client, self.token, self.base = served.anonymous(), token, f"/consent/{token}"
        self.client.headers["accept-language"] = "en"

    def state(self) -> dict[str, Any]:
        answer = self.client.get(f"{self.base}/state", params={"language": "en"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def challenge(self, purposes: list[str] = PURPOSES) -> dict[str, Any]:
        notice = self.client.get(f"{self.base}/state", params={"language": "en"}).json()["notice"]["hash"]
        body = {"purposes": purposes, "notice": notice}
        answer = self.client.post(f"{self.base}/challenge", params={"language": "en"}, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def answer(
        self,
        challenge: str,
        statement: AudioClip | None = None,
        clips: list[AudioClip] | None = None,
        sounds: list[str] | None = None,
        **changes: Any,
    ) -> httpx.Response:
        given = [real_speech(8.0)] if clips is None else clips
        body = {
            "purposes": PURPOSES, "attestations": ATTEST, "challenge": challenge, "source": "microphone",
            "statement": b64(statement or fresh_recording()), "clips": sounds or [b64(clip) for clip in given],
            **changes,
        }  # fmt: skip
        return self.client.post(f"{self.base}/answer", params={"language": "en"}, json=body)

    def consent(self) -> dict[str, Any]:
        answer = self.answer(self.challenge()["token"])
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def owner(served: Served) -> Actor:
    return served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)


@pytest.fixture
def judges(served: Served) -> Iterator[FakeJudges]:
    found = served.studio.studio.judges
    assert isinstance(found, FakeJudges)
    yield found
    found.hears, found.voices = None, {}


def invited(
    served: Served, owner: Actor, name: str = "Rosa", category: Category = Category.CUSTOMER
) -> Phone:
    token = served.studio.speakers.invite(
        owner, Invitation(name, "en", category, "Rosa Bianchi", "rosa@x.example")
    )
    return Phone(served, token)


def consents(served: Served, phone: Phone) -> int:
    with served.database.read() as session:
        link = session.scalars(select(ConsentLink).order_by(ConsentLink.created_at.desc())).first()
        assert link is not None
        rows = session.scalars(select(ConsentRecord).where(ConsentRecord.speaker_id == link.speaker_id))
        return len(list(rows))


def test_a_speaker_consents_looks_downloads_and_withdraws_by_their_link(served: Served, owner: Actor) -> None:
    phone = invited(served, owner)
    page = phone.client.get(phone.base)
    assert page.status_code == 200 and "script-src 'self';" in page.headers["content-security-policy"]
    assert phone.state()["phase"] == "invited"
    checked = phone.client.post(f"{phone.base}/check", content=encode(real_speech(6.0), AudioFormat.WAV))
    assert checked.json() == {"seconds": 6.0, "refusal": ""}
    after = phone.consent()
    assert after["phase"] == "granted" and after["consent"]["samples"] == 1
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Rosa"]
    assert view.usable and view.owner_id == owner.account_id

    with zipfile.ZipFile(io.BytesIO(phone.client.get(f"{phone.base}/file.zip").content)) as archive:
        told = json.loads(archive.read("file.json"))
        assert told["speaker"]["name"] == "Rosa Bianchi" and told["consents"][0]["purposes"] == sorted(
            PURPOSES
        )
        assert {name.split("/")[0] for name in archive.namelist()} == {
            "file.json",
            "reference_clip",
            "consent_recording",
        }
        assert all(archive.read(name)[:4] == b"fLaC" for name in archive.namelist() if "/" in name)

    renewed = phone.answer(phone.challenge(["zero_shot"])["token"], purposes=["zero_shot"], clips=[]).json()
    assert renewed["consent"]["version"] == 2 and renewed["consent"]["purposes"] == ["zero_shot"]

    assert phone.client.post(f"{phone.base}/withdraw", json={}).status_code == 400
    receipt = phone.client.post(f"{phone.base}/withdraw", json={"sure": True}).json()
    assert receipt["erased"]["reference_clip"] == 1 and receipt["erased"]["consent"] == 2
    assert phone.state()["phase"] == "erased" and phone.state()["receipt"] == receipt
    assert phone.client.post(f"{phone.base}/withdraw", json={"sure": True}).json() == receipt
    assert not [v for v in served.studio.voices.browse(owner) if v.name == "Rosa"]
    assert phone.client.get(f"{phone.base}/file.zip").status_code == 404


# -- the link itself -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["expired", "revoked", "short", "unknown"])
def test_a_link_that_does_not_hold_opens_nothing(served: Served, owner: Actor, what: str) -> None:
    phone = invited(served, owner)
    token = {"short": phone.token[:-1], "unknown": "A" * 43}.get(what, phone.token)
    with served.database.write() as session:
        link = _newest_link(session)
        if what == "expired":
            link.expires_at = "2020-01-01T00:00:00.000+00:00"
        link_id = link.id
    if what == "revoked":
        served.studio.speakers.links.revoke(owner, link_id)
    for path in ("", "/state", "/file.zip"):
        assert phone.client.get(f"/consent/{token}{path}").status_code == 404
    for path in ("check", "challenge", "answer", "withdraw"):
        assert phone.client.post(f"/consent/{token}/{path}", json={"sure": True}).status_code == 404


def _newest_link(session: Session) -> ConsentLink:
    link = session.scalars(select(ConsentLink).order_by(ConsentLink.created_at.desc())).first()
    assert link is not None
    return link


def test_a_producer_cannot_take_the_speakers_own_way_out(served: Served) -> None:
    """A new link leaves the speaker's alive, for looking, data and withdrawal; revoking it is the office's."""
    producer = served.studio.accounts.actor_of(served.visitor("rosa-of-links").account_id)
    phone = invited(served, producer, "Kept")
    with served.database.read() as session:
        link_id = _newest_link(session).id
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(producer) if v.name == "Kept"]
    desk = served.studio.speakers
    second = Phone(served, desk.link_for(producer, view.id))
    third = Phone(served, desk.link_to(producer, view.speaker_id))
    with pytest.raises(NotPermitted):
        desk.links.revoke(producer, link_id)
    with pytest.raises(NotFound):
        desk.links.revoke(served.studio.accounts.actor_of(served.visitor("ugo-of-links").account_id), link_id)
    for each in (phone, second, third):
        assert each.state()["phase"] == "granted"
        assert each.client.get(f"{each.base}/file.zip").status_code == 200
    assert phone.client.post(f"{phone.base}/withdraw", json={"sure": True}).status_code == 200
    assert phone.state()["phase"] == "erased"


def test_a_renewal_by_one_link_prolongs_the_speakers_others(served: Served, owner: Actor) -> None:
    phone = invited(served, owner, "Lasting")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Lasting"]
    newer = Phone(served, served.studio.speakers.link_for(owner, view.id))
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="milliseconds")
    with served.database.write() as session:
        mine = update(ConsentLink).where(ConsentLink.speaker_id == view.speaker_id)
        session.execute(mine.values(expires_at=soon))
    assert newer.answer(newer.challenge()["token"], clips=[]).status_code == 200
    with served.database.read() as session:
        ends = session.scalars(
            select(ConsentLink.expires_at).where(ConsentLink.speaker_id == view.speaker_id)
        )
        assert len(set(ends)) == 1 and newer.state()["consent"]["version"] == 2
        assert phone.state()["phase"] == "granted"
    assert all(end > soon for end in [*_ends(served, view.speaker_id)])


def _ends(served: Served, speaker_id: str) -> list[str]:
    with served.database.read() as session:
        return [*session.scalars(select(ConsentLink.expires_at).where(ConsentLink.speaker_id == speaker_id))]


def test_a_speaker_sets_limits_and_takes_them_away(served: Served, owner: Actor) -> None:
    phone = invited(served, owner, "Limited")
    offer = phone.state()["offer"]
    assert "it" in offer["languages"] and "fake" in offer["engines"]
    token = phone.challenge()["token"]
    odd = phone.answer(token, languages=["xx"])
    assert odd.status_code == 400 and phone.state()["phase"] == "invited"
    consent = phone.answer(token, languages=["it"], engines=["fake"]).json()["consent"]
    assert (consent["languages"], consent["engines"]) == (["it"], ["fake"])
    with zipfile.ZipFile(io.BytesIO(phone.client.get(f"{phone.base}/file.zip").content)) as archive:
        assert json.loads(archive.read("file.json"))["consents"][0]["languages"] == ["it"]
    wider = phone.answer(phone.challenge()["token"], clips=[], languages=[], engines=[]).json()["consent"]
    assert (wider["version"], wider["languages"], wider["engines"]) == (2, [], [])


def test_a_renewal_that_waits_leaves_the_consent_standing(served: Served, owner: Actor) -> None:
    """Attack by accident: an unclear new recording must not silence a voice whose consent holds."""
    phone = invited(served, owner, "Renewing")
    phone.consent()
    told = phone.answer(
        phone.challenge(["zero_shot"])["token"], clips=[], purposes=["zero_shot"], source="upload"
    )
    consent = told.json()["consent"]
    assert told.json()["phase"] == "granted" and consent["version"] == 1
    assert (consent["renewal"], consent["purposes"]) == ("review", ["zero_shot"])
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Renewing"]
    assert view.usable


def test_the_office_may_end_a_speakers_link(served: Served, owner: Actor) -> None:
    phone = invited(served, owner, "Ended")
    phone.consent()
    with served.database.read() as session:
        link_id = _newest_link(session).id
    served.studio.speakers.links.revoke(owner, link_id)  # an administrator
    assert phone.client.get(f"{phone.base}/state").status_code == 404


# -- what is sent ---------------------------------------------------------------------------------------


def _half_sent(served: Served, path: str, declared: int) -> socket.socket:
    """A request whose body never comes."""
    host, port = served.url.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)), timeout=20)
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {declared}\r\n\r\n"
    sock.sendall(head.encode())
    return sock


@pytest.mark.parametrize("path", ["check", "answer", "challenge", "withdraw"])
def test_without_a_link_that_opens_not_a_byte_is_read(served: Served, path: str) -> None:
    """The answer comes while the body is still outstanding."""
    sock = _half_sent(served, f"/consent/{'A' * 43}/{path}", 8_000_000)
    with sock:
        assert sock.recv(200).startswith(b"HTTP/1.1 404")


def test_a_sender_who_dawdles_gives_the_place_back(
    served: Served, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every place is taken by a body that never ends; in time each is told so, and the next one is let in."""
    limits: list[float] = []

    def limited(seconds: float) -> Any:
        limits.append(seconds)
        return fail_after(seconds)

    monkeypatch.setattr(reading, "fail_after", limited)
    monkeypatch.setattr(reading, "WITHIN_S", 1.0)
    phone = invited(served, owner)
    slow = [_half_sent(served, f"{phone.base}/check", 5_000_000) for _ in range(SENDING)]
    until(lambda: limits == [1.0] * SENDING)  # every one of them is inside
    monkeypatch.setattr(reading, "WITHIN_S", 60.0)
    checked = phone.client.post(f"{phone.base}/check", content=encode(real_speech(6.0), AudioFormat.WAV))
    assert checked.status_code == 200
    for sock in slow:
        with sock:
            assert sock.recv(200).startswith(b"HTTP/1.1 408")


def test_a_sender_who_leaves_is_no_failure(
    served: Served, owner: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    phone = invited(served, owner)
    for path in ("check", "answer", "challenge", "withdraw"):
        with _half_sent(served, f"{phone.base}/{path}", 9000) as sock:
            sock.sendall(b"{")
        time.sleep(0.1)
    assert phone.state()["phase"] == "invited"
    assert "failed" not in caplog.text and "Traceback" not in caplog.text


def test_bodies_of_many_speakers_are_held_a_few_at_a_time(
    served: Served, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, most, lock = [0], [0], threading.Lock()
    plain = reading.read_answer

    def counting(raw: bytes) -> Any:
        with lock:
            held[0] += 1
            most[0] = max(most[0], held[0])
        time.sleep(0.2)
        with lock:
            held[0] -= 1
        return plain(raw)

    monkeypatch.setattr(routes, "read_answer", counting)
    phone = invited(served, owner)
    body = json.dumps({"clips": ["A" * 1000]}).encode()
    with ThreadPoolExecutor(12) as pool:
        sent = [
            pool.submit(httpx.post, f"{served.url}{phone.base}/answer", content=body, timeout=30)
            for _ in range(12)
        ]
    assert {one.result().status_code for one in sent} == {400} and most[0] <= SENDING


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"challenge": "\ud800"}, 400),
        ({"challenge": "x" * 101}, 400),
        ({"attestations": ["x" * 1000]}, 400),
        ({"statement": "A" * 11_000_000}, 400),
        ({"clips": ["A" * 4] * 7}, 400),
        ({"clips": ["A" * 9_000_000] * 4}, 413),
        ({"source": ["microphone"]}, 400),
        ({"source": {}}, 400),
    ],
)
def test_a_field_that_is_odd_or_too_large_is_refused_in_words(
    served: Served, owner: Actor, change: dict[str, Any], status: int
) -> None:
    phone = invited(served, owner)
    body = {
        "purposes": PURPOSES, "attestations": ATTEST, "challenge": "x", "source": "microphone",
        "statement": b64(fresh_recording()), "clips": [b64(real_speech(8.0))],
    }  # fmt: skip
    answer = phone.client.post(f"{phone.base}/answer", content=json.dumps(body | change).encode())
    assert answer.status_code == status and answer.json()["error"], answer.text


def test_another_sites_page_can_neither_answer_nor_withdraw(served: Served, owner: Actor) -> None:
    phone = invited(served, owner)
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        for path in ("withdraw", "answer", "challenge"):
            answer = phone.client.post(f"{phone.base}/{path}", json={"sure": True}, headers=headers)
            assert answer.status_code == 403
    assert phone.state()["phase"] == "invited"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"{", b'{"purposes": 3}', b'{"purposes": ["eternal_use"], "notice": "x"}',
        b'{"purposes": ["zero_shot"], "challenge": [], "source": "microphone"}',
        b'{"purposes": ["zero_shot"], "challenge": "x", "source": "microphone", "clips": ["%%%"], "statement": ""}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_the_page_would_not_send_is_refused_in_words(served: Served, owner: Actor, body: bytes) -> None:
    phone = invited(served, owner)
    for path in ("challenge", "answer", "withdraw"):
        answer = phone.client.post(f"{phone.base}/{path}", content=body)
        assert answer.status_code in (400, 413) and answer.json()["error"], (path, answer.text)


def test_a_flood_of_recordings_is_slowed_down(served: Served, owner: Actor) -> None:
    phone = invited(served, owner)
    seen = {phone.client.post(f"{phone.base}/challenge", json={}).status_code for _ in range(60)}
    assert seen == {400, 429}


# -- 23 ------------------------------------------------------------------------------------------------


def test_attack_23_a_replayed_recording_is_refused(served: Served, owner: Actor) -> None:
    first, statement = invited(served, owner), fresh_recording()
    assert first.answer(first.challenge()["token"], statement).status_code == 200
    second = invited(served, owner, "Again")
    answer = second.answer(second.challenge()["token"], statement)
    assert answer.status_code == 400 and "was given before" in answer.text
    assert consents(served, second) == 0


def test_attack_23_an_old_reading_lacks_the_new_words(
    served: Served, owner: Actor, judges: FakeJudges
) -> None:
    phone = invited(served, owner)
    old = phone.challenge()["statement"]
    asked = phone.challenge()
    judges.hears = old
    answer = phone.answer(asked["token"])
    assert answer.status_code == 403 and consents(served, phone) == 0


def test_attack_23_an_expired_challenge_is_refused(served: Served, owner: Actor) -> None:
    phone = invited(served, owner)
    asked = phone.challenge()
    _age_challenges(served, seconds=301)
    answer = phone.answer(asked["token"])
    assert answer.status_code == 403 and "older than 5 minutes" in answer.text
    assert consents(served, phone) == 0


def test_attack_23_a_challenge_is_used_once_by_whom_it_was_given(served: Served, owner: Actor) -> None:
    phone, thief = invited(served, owner), invited(served, owner, "Thief")
    asked = phone.challenge()
    assert thief.answer(asked["token"]).status_code == 403
    assert phone.answer(asked["token"]).status_code == 200
    again = phone.answer(asked["token"], clips=[])
    assert again.status_code == 403 and "used already" in again.text


def test_attack_23_three_tries_and_no_more(served: Served, owner: Actor, judges: FakeJudges) -> None:
    phone = invited(served, owner)
    asked = phone.challenge()
    judges.hears = "something else entirely"
    for _ in range(3):
        assert "not heard in the recording" in phone.answer(asked["token"]).text
    judges.hears = None
    answer = phone.answer(asked["token"])
    assert answer.status_code == 403 and "tries" in answer.text and consents(served, phone) == 0


def _age_challenges(served: Served, seconds: int) -> None:
    with served.database.write() as session:
        for row in session.scalars(select(ConsentChallenge)):
            ended = datetime.fromisoformat(row.expires_at) - timedelta(seconds=seconds)
            row.expires_at = ended.isoformat(timespec="milliseconds")


# -- 24 ------------------------------------------------------------------------------------------------


def test_attack_24_consent_by_one_with_samples_of_another(
    served: Served, owner: Actor, judges: FakeJudges
) -> None:
    phone, sample = invited(served, owner), real_speech(8.0, 3.0)
    judges.voices[heard(sample).content_id] = OTHER
    answer = phone.answer(phone.challenge()["token"], clips=[sample])
    assert answer.status_code == 400 and "another voice than clip 1" in answer.text
    assert consents(served, phone) == 0


def test_attack_24_a_foreign_stretch_within_a_long_sample(
    served: Served, owner: Actor, judges: FakeJudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole sounds like the speaker; one window in it does not."""
    phone, sample = invited(served, owner), real_speech(20.0)
    plain = FakeJudges.embed

    def embed(self: FakeJudges, clip: AudioClip) -> np.ndarray:
        if 3.9 < clip.duration_s < 4.0001 and not embed_seen:
            embed_seen.append(clip.content_id)
            self.voices[clip.content_id] = OTHER
        return plain(self, clip)

    embed_seen: list[str] = []
    # The statement lasts four seconds as well: it is looked at first, so it is made longer here.
    statement = AudioClip(np.concatenate([fresh_recording().samples] * 2), fresh_recording().sample_rate_hz)
    monkeypatch.setattr(FakeJudges, "embed", embed)
    answer = phone.answer(phone.challenge()["token"], statement, clips=[sample])
    assert embed_seen and answer.status_code == 400 and "another voice than clip 1" in answer.text
    assert consents(served, phone) == 0


def _ear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever judges tells two voices apart, but for the report card's shorter windows: its guard is another."""
    from tests.consent.ear import Ear

    plain = FakeJudges.embed

    def embed(self: FakeJudges, clip: AudioClip) -> np.ndarray:
        return Ear.embed(self, clip) if clip.duration_s > WINDOW_S - 0.01 else plain(self, clip)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeJudges, "embed", embed)


def test_attack_24_one_foreign_sample_in_twenty(
    served: Served, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a voice's own but one, and there the other speaks for ten seconds of sixteen."""
    from studio.errors import AudioRefused
    from tests.consent.ear import foreign
    from tests.enrolling import checked_speech, enrol

    _ear(monkeypatch)
    studio = served.studio.studio
    first = checked_speech(studio, owner, seconds=16.0)
    samples = [replace(first, clip=real_speech(16.0, n / 10)) for n in range(20)]
    mixed = replace(samples[12], clip=foreign(samples[12].clip, 3.0, 12.0))
    with pytest.raises(AudioRefused) as refusal:
        enrol(studio, owner, "Twenty", clips=(*samples[:12], mixed, *samples[13:]))
    assert refusal.value.key == "consent.other_voice" and refusal.value.facts["number"] == 13
    assert not [v for v in served.studio.voices.browse(owner) if v.name == "Twenty"]


def test_attack_24_ten_foreign_seconds_inside_ten_minutes(
    served: Served, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.consent.ear import foreign

    _ear(monkeypatch)
    once = real_speech(24.0)
    long = AudioClip(np.resize(once.samples, 600 * once.sample_rate_hz), once.sample_rate_hz)
    mixed = base64.b64encode(encode(foreign(long, 391.0, 12.0), AudioFormat.MP3)).decode()
    phone = invited(served, owner)
    phone.client.timeout = httpx.Timeout(180)
    answer = phone.answer(phone.challenge()["token"], sounds=[mixed])
    assert answer.status_code == 400 and "another voice than clip 1" in answer.text, answer.text
    assert consents(served, phone) == 0


def test_attack_24_a_foreign_sample_added_later(served: Served, owner: Actor, judges: FakeJudges) -> None:
    from studio.errors import AudioRefused
    from studio.voices.forms import Upload

    phone = invited(served, owner, "Later")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Later"]
    checked = served.studio.voices.check(
        owner, Upload("more.wav", encode(real_speech(8.0, 9.0), AudioFormat.WAV))
    )
    judges.voices[checked.clip.content_id] = OTHER
    with pytest.raises(AudioRefused):
        served.studio.voices.add_clip(owner, view.id, checked)
    assert len(served.studio.voices.view(owner, view.id).clips) == 1


def test_attack_24_a_clip_slipped_in_beside_the_consent_silences_the_voice(
    served: Served, owner: Actor
) -> None:
    """What was never compared with the consent in force is not spoken with: the record binds by SHA-256."""
    phone = invited(served, owner, "Slipped")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Slipped"]
    from studio.db.tables import ReferenceClip

    with served.database.write() as session:
        session.execute(
            update(ReferenceClip).where(ReferenceClip.voice_id == view.id).values(content_id="f" * 64)
        )
    assert not served.studio.voices.view(owner, view.id).usable


# -- 25 ------------------------------------------------------------------------------------------------


def test_attack_25_a_statement_spoken_by_the_studio_itself(served: Served, owner: Actor) -> None:
    phone, marker = invited(served, owner), served.studio.studio.marker
    answer = phone.answer(phone.challenge()["token"], marker.clip(fresh_recording()))
    assert answer.status_code == 400 and "a machine spoke it" in answer.text
    sample = marker.clip(real_speech(8.0))
    answer = phone.answer(phone.challenge()["token"], clips=[real_speech(8.0, 9.0), sample])
    assert answer.status_code == 400 and "Recording 2 carries the watermark" in answer.text
    assert consents(served, phone) == 0


# -- 26 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [("I agree", "I do not agree"), ("may make", "may never make")])
def test_attack_26_a_not_put_into_the_statement(
    served: Served, owner: Actor, judges: FakeJudges, before: str, after: str
) -> None:
    phone = invited(served, owner)
    asked = phone.challenge()
    judges.hears = asked["statement"].replace(before, after)
    assert judges.hears != asked["statement"]
    answer = phone.answer(asked["token"])
    assert answer.status_code == 403 and "denial was heard" in answer.text
    assert consents(served, phone) == 0


# -- 27 ------------------------------------------------------------------------------------------------


def test_attack_27_a_withdrawal_during_generation(served: Served, owner: Actor) -> None:
    """The take that is being spoken ends, is not stored, and can no longer be listened to."""
    from studio.db.tables import Synthesis
    from studio.synthesis.requests import SynthesisRequest, VoiceChoice

    phone = invited(served, owner, "Speaking")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Speaking"]
    text = "This sentence is long enough to be a piece of its own, and there are many of them here. " * 40
    request = SynthesisRequest(VoiceChoice(view.id), text, "en", "fake", {"delay_s": 5.0})
    live = served.studio.synthesis.preview(owner, request)
    until(lambda: live.latest is not None and live.latest.stage == "speaking")
    # Only now: two that wait for one enrolment are served in either order.
    queued = served.studio.synthesis.preview(owner, request)
    until(lambda: queued.latest is not None and queued.latest.stage == "queued")
    withdrawn = phone.client.post(f"{phone.base}/withdraw", json={"sure": True})
    assert withdrawn.status_code == 200
    for work in (live, queued):
        with pytest.raises((Cancelled, NotFound)):
            work.wait()
    assert not list(live.pieces()), "nothing of the voice is left in memory"
    with pytest.raises(NotFound):
        served.studio.synthesis.live(owner, live.token)
    with served.database.read() as session:
        assert not list(session.scalars(select(Synthesis).where(Synthesis.voice_id == view.id)))
        assert not list(session.scalars(select(Asset).where(Asset.keyset_id == view.speaker_id)))


def test_attack_27_a_finished_preview_falls_silent_with_the_consent(served: Served) -> None:
    """It still stands on the board; the withdrawal was another process's, so nobody took it away."""
    from studio.synthesis.requests import SynthesisRequest, VoiceChoice

    visitor = served.visitor("rosa-of-27")
    producer = served.studio.accounts.actor_of(visitor.account_id)
    phone = invited(served, producer, "Heard")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(producer) if v.name == "Heard"]
    request = SynthesisRequest(VoiceChoice(view.id), "It is done.", "en", "fake")
    live = served.studio.synthesis.preview(producer, request)
    live.wait()
    assert visitor.client.get(f"/media/live/{live.token}.mp3").status_code == 200
    with served.database.write() as session:
        ended = update(ConsentRecord).where(ConsentRecord.speaker_id == view.speaker_id)
        session.execute(ended.values(expires_at="2026-01-01T00:00:00.000+00:00"))
    assert visitor.client.get(f"/media/live/{live.token}.mp3").status_code == 403
    with served.database.write() as session:
        session.execute(ended.values(withdrawn_at="2026-01-01T00:00:00.000+00:00"))
    assert visitor.client.get(f"/media/live/{live.token}.mp3").status_code == 403


def test_attack_27_the_gate_is_asked_while_the_engine_speaks(served: Served, owner: Actor) -> None:
    """Nobody cancels here: the consent alone ends, between two sentences."""
    from studio.synthesis.requests import SynthesisRequest, VoiceChoice

    phone = invited(served, owner, "Ending")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Ending"]
    text = "This sentence is long enough to be a piece of its own, and there are many of them here. " * 12
    live = served.studio.synthesis.preview(
        owner, SynthesisRequest(VoiceChoice(view.id), text, "en", "fake", {"delay_s": 2.0})
    )
    while live.latest is None or live.latest.stage != "speaking":
        assert not live.finished
        time.sleep(0.01)
    with served.database.write() as session:
        ended = update(ConsentRecord).where(ConsentRecord.speaker_id == view.speaker_id)
        session.execute(ended.values(withdrawn_at="2026-01-01T00:00:00.000+00:00"))
    with pytest.raises(ConsentMissing):
        live.wait()
    assert sum(piece.duration_s for piece in live.pieces()) < 8, "the other sentences were never spoken"


# -- 28 ------------------------------------------------------------------------------------------------


def test_attack_28_a_consent_ends_with_its_day(
    served: Served, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One millisecond before its end it holds, at its end it does not: for new takes and for stored ones."""
    import studio.consent.gate as gate
    from studio.synthesis.requests import SynthesisRequest, VoiceChoice

    phone = invited(served, owner, "Midnight")
    phone.consent()
    (view,) = [v for v in served.studio.voices.browse(owner) if v.name == "Midnight"]
    request = SynthesisRequest(VoiceChoice(view.id), "Mezzanotte.", "it", "fake")
    take = served.studio.synthesis.preview(owner, request).take()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    with served.database.write() as session:
        record = session.scalars(
            select(ConsentRecord).where(ConsentRecord.speaker_id == view.speaker_id)
        ).one()
        record.expires_at = midnight.isoformat(timespec="milliseconds")

    def at(moment: datetime) -> bool:
        monkeypatch.setattr(gate, "now", lambda: moment.isoformat(timespec="milliseconds"))
        return served.studio.voices.view(owner, view.id).usable

    visitor = served.visitor("admin-of-28", "administrator")
    assert at(midnight - timedelta(milliseconds=1))
    assert visitor.client.get(f"/media/take/{take.id}.wav").status_code == 200
    assert not at(midnight)
    assert visitor.client.get(f"/media/take/{take.id}.wav").status_code == 403
    with pytest.raises(Exception, match="expired"):
        served.studio.synthesis.preview(owner, request)


def test_attack_28_nobody_prolongs_a_consent_in_the_database(served: Served, owner: Actor) -> None:
    from sqlalchemy.exc import IntegrityError

    phone = invited(served, owner, "Prolonged")
    phone.consent()
    for change in ({"expires_at": "2099-01-01T00:00:00.000+00:00"}, {"purposes": ["commercial_use"]}):
        with pytest.raises(IntegrityError, match="never changed"), served.database.write() as session:
            session.execute(update(ConsentRecord).values(**change))
    with served.database.read() as session:
        assert session.scalars(select(Voice).where(Voice.name == "Prolonged")).one()
