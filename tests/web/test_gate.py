"""The gate's everyday work: who gets in, what every answer carries, what the page may do."""

import re

import httpx
import pytest

from studio.audio.decode import decode
from studio.ui.mount import QUEUE_LOOK_S
from studio.web.limits import RATES, Budget, Rate
from tests.web.conftest import Served
from tests.web.test_attacks import RETURN
from tests.web.visitor import G, Visitor, file_data

PAGE = {"accept": "text/html", "accept-language": "en"}


def test_a_link_shows_a_button_and_only_posting_it_spends_it(served: Served) -> None:
    token = served.studio.accounts.sign_in_link(served.studio.accounts.ensure_administrator().id)
    for _ in range(3):  # a mail scanner, a chat's preview, the person
        page = served.anonymous().get(f"/login/{token}", headers=PAGE)
        assert page.status_code == 200 and '<form method="post">' in page.text
        assert "set-cookie" not in page.headers
    client = served.anonymous()
    entered = client.post(f"/login/{token}")
    assert entered.status_code == 303 and entered.headers["location"] == "/"
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "secure" not in cookie
    assert client.get("/").status_code == 200


def test_signing_out_ends_the_session_not_just_the_cookie(served: Served) -> None:
    carl = served.visitor("carl")
    kept = dict(carl.client.cookies)
    assert carl.client.get("/config").status_code == 200
    assert "signed out" in carl.client.post("/logout", headers=PAGE).text
    thief = httpx.Client(base_url=served.url, cookies=kept)
    assert thief.get("/config").status_code == 401
    assert carl.client.get("/logout").status_code in (401, 404)


def test_the_page_opens_in_the_accounts_language_and_in_the_browsers_until_one_is_chosen(
    served: Served,
) -> None:
    english = {**PAGE, "accept-language": "en-GB,it;q=0.5"}
    emma = served.visitor("emma")
    first = emma.client.get("/", headers=english)
    assert (first.status_code, first.headers["location"], first.content) == (303, "/en", b"")
    assert emma.client.get("/en", headers=english).status_code == 200
    accounts = served.studio.accounts
    accounts.set_language(accounts.actor_of(emma.account_id), "it")
    assert emma.client.get("/", headers=english).status_code == 200
    back = emma.client.get("/en", headers=english)
    assert back.status_code == 303 and back.headers["location"] == "/"
    assert "no-store" in back.headers["cache-control"]


def test_a_closed_account_is_out_at_once(served: Served) -> None:
    dora = served.visitor("dora")
    accounts = served.studio.accounts
    accounts.disable(accounts.actor_of(accounts.ensure_administrator().id), dora.account_id)
    answer = dora.client.get("/config")
    assert (
        answer.status_code == 401 and "terminato" in answer.text
    )  # no longer known, so in the studio's language


def test_refusals_speak_the_persons_language_and_look_like_pages_to_people(
    served: Served, ada: Visitor
) -> None:
    italian = served.anonymous().get(
        "/", headers={"accept": "text/html", "accept-language": "it-IT,it;q=0.9"}
    )
    assert (
        italian.status_code == 401 and '<html lang="it">' in italian.text and "link personale" in italian.text
    )
    assert "python app.py link" in italian.text
    data = ada.client.get("/nowhere")
    assert data.status_code == 404 and data.json()["error"].startswith("There is nothing here")


def test_too_many_requests_are_told_when_to_come_back(
    served: Served, ada: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.gate.limits, "clock", lambda: 0.0)  # nothing refills meanwhile
    monkeypatch.setattr(served.gate.limits, "rates", {**RATES, Budget.EVENT: Rate(burst=30, per_s=1)})
    anonymous = served.anonymous()
    burst = int(RATES[Budget.SIGN_IN].burst)
    answers = [anonymous.post(f"/login/{'x' * 43}") for _ in range(burst + 1)]
    assert [answer.status_code for answer in answers] == [401] * burst + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 6
    flood = [ada.client.post(f"{G}/queue/join", json={}).status_code for _ in range(31)]
    assert set(flood[:-1]) == {403} and flood[-1] == 429
    assert served.anonymous().get("/healthz").status_code == 200
    assert ada.client.get("/config").status_code == 200  # other budgets are not touched


def test_every_answer_is_hardened(served: Served, ada: Visitor) -> None:
    answers = [
        ada.client.get("/en"),
        ada.client.get("/nowhere"),
        served.anonymous().get("/"),
        ada.client.get("/config"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        scripts = re.search(r"script-src ([^;]*)", policy)
        assert scripts and "'unsafe-inline'" not in scripts[1] and "https:" not in policy
        assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]
        assert "no-store" in answer.headers["cache-control"]


def test_an_idle_studio_does_not_look_into_its_queues_a_thousand_times_a_second(served: Served) -> None:
    assert served.demo._queue.sleep_when_free == QUEUE_LOOK_S >= 0.01


def test_the_page_gets_a_new_nonce_each_time(ada: Visitor) -> None:
    nonces = set()
    for _ in range(2):
        page = ada.client.get("/en")
        used = set(re.findall(r'<script nonce="([^"]+)"', page.text))
        assert len(used) == 1 and f"'nonce-{next(iter(used))}'" in page.headers["content-security-policy"]
        assert "<script>" not in page.text
        nonces |= used
    assert len(nonces) == 2


@pytest.mark.parametrize(
    "path",
    ["/proxy=http://127.0.0.1:1/", f"{G}/proxy=http://127.0.0.1:1/", f"{G}/deep_link?session_hash=x", f"{G}/mcp/sse",
     "/monitoring", "/monitoring/summary", "/docs", "/redoc", "/openapi.json", f"{G}/openapi.json", f"{G}/info",
     f"{G}/runs", f"{G}/user", f"{G}/token", f"{G}/vibe-code", f"{G}/startup-events", "/pwa_icon"],
)  # fmt: skip
def test_attack_10_doors_nobody_needs_are_closed(ada: Visitor, path: str) -> None:
    assert ada.client.get(path).status_code == 404


def test_attack_18_a_page_or_drawing_that_was_uploaded_is_never_shown_as_one(ada: Visitor) -> None:
    for name in ("a.svg", "a.html", "a.xhtml", "a.js", "a.pdf"):
        path = ada.uploaded(name, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
        returned = ada.call(RETURN, file_data(path))["path"]
        for address in (path, returned):
            answer = ada.client.get(f"{G}/file={address}")
            assert answer.status_code == 200 and answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"].startswith("attachment")
            assert "sandbox" in answer.headers["content-security-policy"]


def test_sounds_can_be_sought_in_and_saved(served: Served, ada: Visitor) -> None:
    take, _clip, live, batch = served.sounds_of(ada)
    whole = ada.client.get(take)
    sound = whole.content
    assert sound[:4] == b"RIFF" and whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-disposition"].startswith("inline")
    for wish, status, part in (
        ("bytes=0-", 200, sound), ("bytes=10-19", 206, sound[10:20]), ("bytes=-5", 206, sound[-5:]),
        ("bytes=9-4", 200, sound), ("bytes=99999999-", 416, b""), ("bytes=5-99999999", 206, sound[5:]),
    ):  # fmt: skip
        answer = ada.client.get(take, headers={"range": wish})
        assert (answer.status_code, answer.content) == (status, part), wish
    saved = ada.client.get(take, params={"download": "1"}).headers["content-disposition"]
    assert saved.startswith('attachment; filename="')
    length = decode(sound, "wav").duration_s
    # The manifest of a FLAC lies in an ID3 tag before it, as C2PA has it.
    starts = {"mp3": (b"ID3", b"\xff\xfb"), "ogg": b"OggS", "flac": (b"ID3", b"fLaC"), "ulaw.wav": b"RIFF"}
    for ending, start in starts.items():
        answer = ada.client.get(take.removesuffix("wav") + ending)
        assert answer.content.startswith(start), ending
        assert answer.headers["content-type"].startswith("audio/"), ending
        assert decode(answer.content, ending).duration_s == pytest.approx(length, abs=0.1), ending
    assert ada.client.get(take.removesuffix("wav") + "exe").status_code == 404
    zipped = ada.client.get(batch)
    assert zipped.headers["content-disposition"].startswith("attachment") and zipped.content[:2] == b"PK"
    assert ada.client.get(live).headers["content-type"] == "audio/mpeg"


def test_an_upload_that_was_taken_is_found_by_name_and_gone_after_use(served: Served, ada: Visitor) -> None:
    path = ada.uploaded("perché (1).txt", b"abc")
    assert ada.client.get(f"{G}/file={path}").content == b"abc"
    assert (served.upload_folder.stat().st_mode & 0o777) == 0o700
