"""Attack 6 on the real pages: every event of an administrator, a reviewer or an auditor, called by its number; and
19, for what these events show of people.
"""

import inspect
import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.db.tables import (
    Account,
    Base,
    ConsentRecord,
    LicenceAcceptance,
    NoticeVersion,
    RetentionRule,
    SignInLink,
)
from studio.privacy.access import Actor
from studio.privacy.retention import DEFAULTS
from studio.settings import Settings
from studio.web.server import prepare
from tests.conftest import open_home
from tests.enrolling import consent_form, enrol
from tests.fakes import FakeJudges
from tests.web.conftest import Served, serve
from tests.web.visitor import G, Visitor

# Where the events live that are not for producers. What any of them shows or does to one is refused or empty.
OFFICES = (
    "studio.ui.settings.accounts",
    "studio.ui.privacy.office",
    "studio.ui.voices.review",
    "studio.ui.audit.tab",
    "studio.ui.models.tab",
)
GUARDED: tuple[type[Base], ...] = (Account, ConsentRecord, LicenceAcceptance, NoticeVersion, RetentionRule)
REFUSED = "may not do this"
NOTICE = "A notice that somebody else has written. " * 20
BOSS = "boss-whom-nobody-may-see"
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The studio's own pages, served."""
    settings = Settings(storage=tmp_path_factory.mktemp("pages"), port=0, device="cpu")
    studio = open_home(settings, FakeJudges())
    prepare(studio)
    from studio.ui.shell import build_ui

    yield from serve(studio, build_ui(studio))


def events(demo: gr.Blocks) -> dict[int, Any]:
    """The handlers behind the numbers of the English page, which comes second."""
    found = {number: inspect.unwrap(event.fn) for number, event in demo.fns.items() if event.fn is not None}
    handlers = {n: fn for n, fn in found.items() if getattr(fn, "__module__", "") in OFFICES}
    english = {n: fn for n, fn in handlers.items() if fn.__self__.desk.words.language == "en"}
    assert {fn.__module__ for fn in english.values()} == set(OFFICES)
    return english


def named(demo: gr.Blocks, owner: str, handler: str) -> int:
    return next(
        n for n, fn in events(demo).items() if type(fn.__self__).__name__ == owner and fn.__name__ == handler
    )


def rows(studio: Studio) -> list[str]:
    """What only offices change, as it stands."""
    with studio.database.read() as session:
        kept = [repr(row) for table in GUARDED for row in session.scalars(select(table))]
        links = session.scalars(select(SignInLink.account_id)).all()
    return sorted([*kept, *links])


def press(visitor: Visitor, number: int, *data: Any, **asked: Any) -> str:
    """Everything an event answers, or its refusal."""
    answer = visitor.join(number, *data, event_data=asked or None)
    assert answer.status_code == 200, answer.text
    event_id, params = answer.json()["event_id"], {"session_hash": visitor.session}
    with visitor.client.stream("GET", f"{G}/queue/data", params=params) as stream:
        for line in stream.iter_lines():
            message = json.loads(line[6:]) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed" and message["event_id"] == event_id:
                return json.dumps(message["output"], ensure_ascii=False)
    raise AssertionError("the event never ended")


def waiting(studio: Studio, name: str = "Waiting") -> str:
    """A consent that waits for the reviewer; its id."""
    admin = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    form = consent_form(studio, subject=admin.account_id, source="upload")
    voice = enrol(studio, admin, name, consent=form)
    (view,) = [v for v in studio.consent.waiting(admin) if v.speaker_id == voice.speaker_id]
    return view.id


def hostile(studio: Studio, demo: gr.Blocks, boss_id: str) -> list[tuple[int, list[Any], dict[str, Any]]]:
    """Calls that would do something, were they let: by handler, with what its page would send."""
    return [
        (named(demo, "AccountsPanel", "create"), ["mallory", "administrator"], {}),
        (named(demo, "AccountsPanel", "act"), [], {"act": "link", "id": boss_id, "name": BOSS}),
        (named(demo, "AccountsPanel", "act"), [], {"act": "close", "id": boss_id}),
        (named(demo, "Office", "publish_notice"), [NOTICE, NOTICE], {}),
        (named(demo, "Office", "keep_rules"), [1] * len(DEFAULTS), {}),
        (named(demo, "Office", "purge"), [], {}),
        (
            named(demo, "ReviewList", "decide"), [],
            {"act": "approve", "id": waiting(studio), "form": {"note": "quite certain"}},
        ),
        (named(demo, "AuditTab", "verified"), [], {}),
        (named(demo, "AuditTab", "searched"), ["", None, None, "", ""], {}),
        (named(demo, "ModelsTab", "act"), [[]], {"act": "accept", "id": "xtts-v2"}),
        (named(demo, "ModelsTab", "act"), [[]], {"act": "remove", "id": "kokoro-82m"}),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def boss(pages: Served) -> Visitor:
    return pages.visitor(BOSS, "administrator")


def test_attack_06_a_producer_calls_every_office_event_by_number_in_vain(
    pages: Served, boss: Visitor
) -> None:
    studio, demo = pages.studio, pages.demo
    mallory = pages.visitor("mallory-the-producer")
    calls = hostile(studio, demo, boss.account_id)
    before = rows(studio)
    for number, data, asked in calls:
        outcome = press(mallory, number, *data, **asked)
        assert REFUSED in outcome, (events(demo)[number], outcome[:300])
    for number in events(demo):  # and every one with nothing at all: timers, loads, searches
        pages.gate.limits._levels.clear()
        inputs = [None] * len(demo.fns[number].inputs)
        assert BOSS not in press(mallory, number, *inputs), events(demo)[number]
    assert rows(studio) == before


def test_attack_06_nobody_calls_them_without_an_account(pages: Served, boss: Visitor) -> None:
    stranger = Visitor(pages.anonymous(), "")
    for number, data, asked in hostile(pages.studio, pages.demo, boss.account_id):
        pages.gate.limits._levels.clear()
        assert stranger.join(number, *data, event_data=asked or None).status_code == 401
        body = {"data": data, "fn_index": number, "session_hash": stranger.session}
        assert stranger.client.post(f"{G}/run/predict", json=body).status_code == 401


def test_attack_06_the_very_same_calls_do_their_work_for_who_may(pages: Served, boss: Visitor) -> None:
    """Else the refusals above would prove nothing."""
    studio, demo = pages.studio, pages.demo
    refused = [
        (events(demo)[number], outcome[:300])
        for number, data, asked in hostile(studio, demo, boss.account_id)[
            :-2
        ]  # models: nothing is fetched here
        if asked.get("act") != "close"  # nobody closes their own account
        if REFUSED in (outcome := press(boss, number, *data, **asked)) or '"error"' in outcome
    ]
    assert refused == []
    names = {account.name for account in studio.accounts.accounts(_actor(studio, boss))}
    assert "mallory" in names and studio.consent.notice("en").text == NOTICE.strip()


def test_attack_19_names_come_out_of_the_events_as_text(pages: Served, boss: Visitor) -> None:
    """An account, a voice that waits for review, and an entry of the log, each named by an attacker."""
    studio, demo = pages.studio, pages.demo
    pages.visitor(EVIL)
    waiting(studio, EVIL)
    studio.audit.note(_actor(studio, boss), "keys.saved", EVIL)
    shown: list[str] = []
    for number in events(demo):
        pages.gate.limits._levels.clear()
        shown += markup(demo, number, press(boss, number, *[None] * len(demo.fns[number].inputs)))
    assert sum("onerror=alert(1)" in area for area in shown) >= 3
    assert not [area for area in shown if EVIL in area]


def markup(demo: gr.Blocks, number: int, outcome: str) -> list[str]:
    """What an event answers for areas of HTML, nothing where it fails; all else is data, shown as text."""
    told = json.loads(outcome).get("data") or []
    areas = [
        value
        for part, value in zip(demo.fns[number].outputs, told, strict=False)
        if isinstance(part, gr.HTML)
    ]
    return [json.dumps(area, ensure_ascii=False) for area in areas]


def _actor(studio: Studio, visitor: Visitor) -> Actor:
    return studio.accounts.actor_of(visitor.account_id)
