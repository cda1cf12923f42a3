"""The listeners' link over real HTTP: a whole session, what it gives away (nothing), and who is turned away."""

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import pytest

from studio.listening.forms import LinkForm, ListeningView
from studio.listening.hearing import FetchLog
from studio.listening.kinds import Kind
from studio.privacy.access import Actor
from studio.web.limits import Budget
from tests.listening.taking_part import Clock, brought, form, made, opened
from tests.web.conftest import Served
from tests.web.visitor import Visitor

SECRETS = (
    "secret",
    "kokoro",
    "xtts",
    "fake",
    "preset",
    "sys_",
    "lst_",
    "sti_",
    "tri_",
    "lsn_",
    "ast_",
    "voc_",
    ".flac",
)


@pytest.fixture
def clock(served: Served) -> Iterator[Clock]:
    booth = served.studio.listening.booth
    before, mine = booth._fetched, Clock()
    booth._fetched = FetchLog(mine)
    yield mine
    booth._fetched = before


@pytest.fixture
def owner(served: Served) -> Actor:
    return served.studio.accounts.actor_of(served.studio.accounts.ensure_administrator().id)


def asked(
    served: Served, owner: Actor, kind: Kind = Kind.MOS, *, quota: int = 100, **changes: object
) -> ListeningView:
    return opened(served.studio, owner, form(kind, **changes), quota=quota)  # type: ignore[arg-type]


class Taker:
    """A listener's browser, which remembers everything it was sent."""

    def __init__(self, served: Served, token: str, clock: Clock, client: httpx.Client | None = None) -> None:
        self.client = client or served.anonymous()
        self.base, self.clock = f"/listen/{token}", clock
        self.received: list[bytes] = []
        self.sounds: list[bytes] = []
        self.client.event_hooks = {"response": [self._note]}

    def _note(self, answer: httpx.Response) -> None:
        answer.read()
        head = "\n".join(f"{k}: {v}" for k, v in answer.headers.items())
        sound = answer.content.startswith(b"RIFF")
        # Of sounds the header: among millions of samples any four letters turn up sooner or later.
        self.received.append(
            f"{answer.url}\n{head}\n".encode() + (answer.content[:44] if sound else answer.content)
        )

    def state(self) -> dict[str, object]:
        return self.client.get(f"{self.base}/state").json()

    def join(self) -> dict[str, object]:
        answer = self.client.post(f"{self.base}/join", json={"agreed": True, "language": "en"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def hear(self, state: dict[str, object]) -> None:
        for slot in state["slots"]:  # type: ignore[attr-defined]
            answer = self.client.get(slot["sound"])
            assert answer.status_code == 200
            self.sounds.append(answer.content)
            self.clock.now += 60

    def rate(self, state: dict[str, object], *values: float) -> httpx.Response:
        body = {
            "page": state["page"],
            "values": list(values),
            "replays": [0],
            "response_ms": 700,
            "heard": True,
        }
        return self.client.post(f"{self.base}/rate", json=body)

    def finish(self, *values: float) -> int:
        state, pages = self.state(), 0
        while state["phase"] == "trial":
            self.hear(state)
            answer = self.rate(state, *values)
            assert answer.status_code == 200, answer.text
            state, pages = answer.json(), pages + 1
        assert state["phase"] == "done"
        return pages


ANSWERS = {Kind.CMOS: (0.0,), Kind.MUSHRA: (50.0,) * 5}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_session_gives_nothing_away(served: Served, owner: Actor, clock: Clock, kind: Kind) -> None:
    reference = brought("Secret person", 180.0) if kind.facts.needs_reference else None
    view = asked(served, owner, kind, reference=reference, attested=True, training=2)
    one = Taker(served, view.link, clock)
    page = one.client.get(one.base, headers={"accept": "text/html"})
    assert page.status_code == 200 and "<script defer src=" in page.text
    assert one.state()["phase"] == "welcome"
    one.join()
    one.finish(*ANSWERS.get(kind, (1.0,)))
    one.state()
    received = b"\n".join(one.received).lower()
    spoken = re.sub(
        rb"[\w-]{40,}", b"", received
    )  # not in random tokens: any four letters turn up there, too
    given = [word for word in SECRETS if word.encode() in spoken]
    assert given == []
    assert view.config_hash.encode() not in received
    assert len(set(one.sounds)) == len(one.sounds) > 6
    lengths = [(int.from_bytes(sound[40:44], "little"), len(sound) - 44) for sound in one.sounds]
    assert all(told == there for told, there in lengths)  # a header and samples: no room for a tag
    addresses = re.findall(rb"/sound/([\w-]+)\.wav", received)
    assert all(len(address) == 43 for address in addresses)


def test_a_listener_comes_back_and_goes_on(served: Served, owner: Actor, clock: Clock) -> None:
    view = asked(served, owner)
    one = Taker(served, view.link, clock)
    state = one.join()
    one.hear(state)
    assert one.rate(state, 4).json()["done"] == 1
    assert one.rate(state, 1).json()["done"] == 1  # sent twice, stored once
    again = Taker(served, view.link, clock)
    again.client.cookies = httpx.Cookies(one.client.cookies)
    assert again.state()["done"] == 1
    assert again.finish(3) == 7
    assert Taker(served, view.link, clock).state()["phase"] == "welcome"
    outcome = served.studio.listening.results.of(owner, view.id).report
    counts = [sum(column) for column in zip(*(s.counts for s in outcome.everybody.systems), strict=True)]
    assert counts == [0, 0, 7, 1, 0]


def test_the_cookie_is_out_of_the_scripts_reach_and_stays_on_its_path(
    served: Served, owner: Actor, clock: Clock
) -> None:
    view = asked(served, owner)
    one = Taker(served, view.link, clock)
    answer = one.client.post(f"{one.base}/join", json={"agreed": True})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/listen/" in cookie


def test_with_many_cookies_of_earlier_tests_a_listener_still_takes_part(
    served: Served, owner: Actor, clock: Clock
) -> None:
    view = asked(served, owner, quota=1)
    one = Taker(served, view.link, clock)
    for number in range(40):  # the browser sends those that came first, first
        one.client.cookies.set(f"timbro_listener_{number:08x}", f"{number:043d}", path="/listen/")
    state = one.join()
    one.hear(state)
    assert one.rate(state, 4).json()["done"] == 1


def test_nobody_takes_part_without_agreeing(served: Served, owner: Actor, clock: Clock) -> None:
    view = asked(served, owner)
    one = Taker(served, view.link, clock)
    for body in ({}, {"agreed": False}, {"agreed": "yes"}, {"agreed": 1}):
        assert one.client.post(f"{one.base}/join", json=body).status_code == 400
    assert served.studio.listening.view(owner, view.id).listeners == 0
    assert one.rate({"page": "x"}, 1).status_code == 403


def test_attack_09_short_unknown_expired_revoked_and_closed_links(
    served: Served, owner: Actor, clock: Clock
) -> None:
    page, english = {"accept": "text/html", "accept-language": "en"}, served.anonymous()
    view = asked(served, owner)

    def meaning(token: str) -> tuple[int, str]:
        answer = english.get(f"/listen/{token}", headers=page)
        assert "set-cookie" not in answer.headers
        return answer.status_code, answer.text

    assert meaning("x")[0] == 404 and "not complete" in meaning("x")[1]
    assert meaning(view.link[:-1])[0] == 404
    assert "opens nothing" in meaning("A" * 43)[1]
    assert "opens nothing" in meaning(view.preview)[1]  # the owner's preview is nobody else's
    for path in (
        "/listen/..%2fconfig",
        f"/listen/{view.link}/../../config",
        f"/listen/{view.link}/state/x",
        "/listen/",
    ):
        assert english.get(path).status_code == 401, path
    served.studio.listening.revoke(owner, view.id)
    assert meaning(view.link)[0] == 403 and "paused" in meaning(view.link)[1]
    renewed = served.studio.listening.open(owner, view.id, LinkForm())
    assert "opens nothing" in meaning(view.link)[1]
    one = Taker(served, renewed.link, clock)
    state = one.join()
    one.hear(state)
    served.studio.listening.close(owner, view.id, reveal=True)
    assert one.rate(state, 3).status_code == 403
    assert one.state() | {"told": []} == one.state()  # nothing was rated, nothing is told


def test_traversal_in_a_listeners_address_is_refused_as_it_is_sent(served: Served, owner: Actor) -> None:
    view = asked(served, owner)
    host = served.url.removeprefix("http://")
    for path in (
        f"/listen/{view.link}/../../config",
        "/listen/../../etc/passwd",
        f"/listen/{view.link}/sound/../state",
        "/listening/../studio.db",
        "/listening/page.js/../x",
    ):
        connection = HTTPConnection(host, timeout=60)
        connection.request("GET", path)
        assert connection.getresponse().status in (401, 404), path
        connection.close()


def test_sounds_answer_only_the_page_and_the_listener_they_are_made_for(
    served: Served, owner: Actor, clock: Clock
) -> None:
    view = asked(served, owner)
    one, two = Taker(served, view.link, clock), Taker(served, view.link, clock)
    first, other = one.join(), two.join()
    mine, theirs = first["slots"][0]["sound"], other["slots"][0]["sound"]  # type: ignore[index]
    assert one.client.get(theirs).status_code == 404
    assert served.anonymous().get(mine).status_code == 403
    whole = one.client.get(mine)
    part = one.client.get(mine, headers={"range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    assert (
        "content-disposition" not in whole.headers and whole.headers["cache-control"] == "private, no-store"
    )
    clock.now += 60
    assert one.rate(first, 3).status_code == 200
    assert one.client.get(mine).status_code == 404  # answered: its sounds are gone


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b'{"page": 1}',
        b'{"page": "x", "values": "1"}',
        b'{"page": "x", "values": [NaN]}',
        b'{"page": "\\ud800", "values": [1], "heard": true}',
        b'{"page": "x", "values": [true]}',
        b"[" * 20_000,
        b'{"a": "' + b"x" * 20_000 + b'"}',
    ],
)
def test_nonsense_is_no_answer(served: Served, owner: Actor, clock: Clock, raw: bytes) -> None:
    view = asked(served, owner)
    one = Taker(served, view.link, clock)
    one.join()
    assert one.client.post(f"{one.base}/rate", content=raw).status_code == 400
    assert one.state()["done"] == 0


def test_other_sites_cannot_rate_with_somebodys_cookie(served: Served, owner: Actor, clock: Clock) -> None:
    view = asked(served, owner)
    one = Taker(served, view.link, clock)
    state = one.join()
    one.hear(state)
    body = {"page": state["page"], "values": [1], "heard": True}
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert one.client.post(f"{one.base}/rate", json=body, headers=headers).status_code == 403
    arriving = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        "accept": "text/html",
    }
    assert one.client.get(one.base, headers=arriving).status_code == 200  # a link in a mail


def test_the_page_runs_no_script_but_its_own(served: Served, owner: Actor) -> None:
    view = asked(
        served,
        owner,
        title="<script>alert(1)</script><img src=x onerror=alert(1)>",
        instructions="</script><b>x",
    )
    answer = served.anonymous().get(f"/listen/{view.link}", headers={"accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy
    # The studio's own page shows it in a frame; other sites cannot.
    assert "frame-ancestors 'self'" in policy and answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert "onerror" not in answer.text  # texts come as data, and the script makes text of them
    assert answer.text.count("<script") == 2
    for path in ("/listening/page.js", "/listening/page.css"):
        assert served.anonymous().get(path).status_code == 200
    script = served.anonymous().get("/listening/page.js").text
    assert "innerHTML" not in script and "eval(" not in script


def test_only_the_listeners_page_can_be_framed_and_only_by_the_studio(
    served: Served, owner: Actor, ada: Visitor
) -> None:
    view = asked(served, owner)
    home = ada.client.get("/en")
    assert "frame-src 'self'" in home.headers["content-security-policy"]
    for path in ("/en", "/login/x", f"/listen/{view.link}/state", "/listen/x"):
        answer = ada.client.get(path)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-frame-options"] == "DENY", path


def test_a_class_of_listeners_shares_an_address_and_a_flood_of_joins_is_slowed(
    served: Served, owner: Actor, clock: Clock
) -> None:
    view = asked(served, owner)
    client = served.anonymous()
    assert all(client.get(f"/listen/{view.link}/state").status_code == 200 for _ in range(60))
    levels = served.gate.limits._levels.setdefault(Budget.JOIN, {})
    levels["127.0.0.1"] = (-60.0, served.gate.limits.clock())
    answer = client.post(f"/listen/{view.link}/join", json={"agreed": True})
    del levels["127.0.0.1"]
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
    assert served.gate.limits.rates[Budget.LISTEN].burst >= 200 * 20


def test_a_signed_in_person_previews_and_rates_by_account(
    served: Served, owner: Actor, ada: Visitor, clock: Clock
) -> None:
    mine = served.studio.accounts.actor_of(ada.account_id)
    view = made(served.studio, mine, form())  # type: ignore[arg-type]
    seen = Taker(served, view.preview, clock, ada.client)
    assert seen.state()["preview"] is True
    seen.join()
    seen.finish(4)
    opened_view = served.studio.listening.open(mine, view.id, LinkForm())
    assert opened_view.ratings == 0
    taking = Taker(served, opened_view.link, clock, ada.client)
    assert taking.join()["account"] is True
    assert not [name for name in ada.client.cookies if name.startswith("timbro_listener_")]
    taking.finish(2)
    ada.client.event_hooks = {"response": []}
    assert served.studio.listening.view(mine, view.id).ratings == 8


def test_exports_are_the_owners_alone(served: Served, ada: Visitor, bob: Visitor) -> None:
    mine = served.studio.accounts.actor_of(ada.account_id)
    view = made(served.studio, mine, form())  # type: ignore[arg-type]
    for ending, kind in (("csv", "text/csv"), ("json", "application/json")):
        path = f"/listening/{view.id}.{ending}"
        answer = ada.client.get(path)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
        assert "attachment" in answer.headers["content-disposition"]
        assert bob.client.get(path).status_code == 404
        assert served.anonymous().get(path).status_code == 401
    assert json.loads(ada.client.get(f"/listening/{view.id}.json").content)["config_hash"] == view.config_hash
