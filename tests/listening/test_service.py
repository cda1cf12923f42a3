"""Making, opening, rating, closing: the whole life of a test, on the scripted engine."""

import sqlite3
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
import soundfile
from sqlalchemy import select, update

from studio.audio.clip import AudioClip
from studio.audio.loudness import loudness_lufs
from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.db.tables import Asset, Listener, ListeningTest, Rating, Stimulus, System, Trial
from studio.errors import ConsentMissing, InputRefused, NotFound, NotPermitted
from studio.listening.answers import Ballot
from studio.listening.forms import GoldForm, LinkForm, Recorded, SpokenBy, SystemForm
from studio.listening.kinds import Kind
from studio.privacy.access import Actor
from tests.conftest import Home
from tests.enrolling import PURPOSES, consent_form, enrol
from tests.listening.taking_part import (
    SENTENCES,
    brought,
    clip,
    form,
    guest,
    made,
    opened,
    patient,
    spoken,
)

LISTENING = PURPOSES | {Purpose.LISTENING_TEST}


def four(state: object) -> tuple[float, ...]:
    return (4.0,)


def test_stimuli_are_levelled_and_sealed_and_every_system_meets_every_sentence(
    studio: Studio, admin: Actor
) -> None:
    view = made(studio, admin, form())
    assert (view.status, view.stimuli, view.pages) == ("ready", 8, 8)
    with studio.database.read() as session:
        rows = [*session.scalars(select(Stimulus).where(Stimulus.test_id == view.id))]
        levels = [loudness_lufs(studio.listening._store.clip(session, row)) for row in rows]
        kinds = {session.get_one(Asset, row.asset_id).kind for row in rows}
    assert np.allclose(levels, -23.0, atol=0.1)
    assert kinds == {"stimulus"}
    assert {(row.system_id, row.item) for row in rows} == {(s.id, n) for s in view.systems for n in range(4)}


def test_a_mos_session_is_stored_answer_by_answer_and_the_view_answers_in_sql(
    studio: Studio, admin: Actor
) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    one.join()
    scores = iter([1, 2, 3, 4, 5, 4, 3, 2])
    assert one.finish(lambda _: (float(next(scores)),)) == 8
    file = sqlite3.connect(studio.settings.database_file)
    rows = file.execute(
        "SELECT system, AVG(score), COUNT(*) FROM ratings_by_system WHERE test = 'Secret contest' GROUP BY system"
    ).fetchall()
    assert [name for name, _, _ in rows] == ["Secret Kokoro", "Secret XTTS"]
    assert [count for _, _, count in rows] == [4, 4]
    assert sum(mean * 4 for _, mean, _ in rows) == 24
    with studio.database.read() as session:
        kept = [*session.scalars(select(Rating).order_by(Rating.position))]
    assert [row.score for row in kept] == [1, 2, 3, 4, 5, 4, 3, 2]
    assert {(row.replays, row.response_ms, row.heard_to_end) for row in kept} == {(1, 900, True)}
    assert {row.config_hash for row in kept} == {view.config_hash}


def test_a_rating_sent_again_changes_nothing(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    first = one.join()
    one.hear(first)
    after = one.rate(first, 5.0)
    again = one.rate(first, 1.0)
    assert again == after and again.done == 1
    with studio.database.read() as session:
        assert [row.score for row in session.scalars(select(Rating))] == [5.0]


def test_nothing_is_accepted_before_the_sound_can_have_been_heard(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    state = one.join()
    assert state.asking is not None
    booth, ballot = studio.listening.booth, Ballot(state.asking.page, (4.0,), heard=True)
    with pytest.raises(InputRefused, match="end"):  # never fetched
        booth.rate(one.visitor, ballot)
    booth.sound(one.visitor, state.asking.slots[0].sound)
    clock.now += 0.05
    with pytest.raises(InputRefused, match="end"):  # fetched a moment ago
        booth.rate(one.visitor, ballot)
    clock.now += 60
    with pytest.raises(InputRefused, match="end"):  # the page itself says: not to the end
        booth.rate(one.visitor, Ballot(state.asking.page, (4.0,), heard=False))
    for wrong in ((6.0,), (0.0,), (3.5,), (float("nan"),), (), (3.0, 3.0)):
        with pytest.raises(InputRefused, match="scale"):
            booth.rate(one.visitor, Ballot(state.asking.page, wrong, heard=True))
    assert booth.rate(one.visitor, ballot).done == 1


def test_a_listener_goes_on_where_they_stopped_also_after_a_restart(home: Home, admin: Actor) -> None:
    clock, view = patient(home.studio), opened(home.studio, admin, form())
    one = guest(home.studio, view, clock)
    state = one.join()
    for _ in range(3):
        one.hear(state)
        state = one.rate(state, 4.0)
    before = one.state()
    one.studio = home.reopen()
    one.clock = patient(one.studio)
    assert one.state() == before and before.done == 3
    assert one.finish(four) == 5


def test_the_owner_is_never_counted_and_previews_start_anew(
    studio: Studio, admin: Actor, account: object
) -> None:
    clock, view = patient(studio), made(studio, admin, form())
    one = guest(studio, view, clock, admin)
    one.token = view.preview
    for _ in range(2):
        assert one.join().preview
        assert one.finish(four) == 8
    view = studio.listening.view(admin, view.id)
    assert (view.listeners, view.ratings, view.status) == (0, 0, "ready")
    assert studio.listening.results.of(admin, view.id).report.everybody.ratings == 0
    stranger = guest(studio, view, clock)
    stranger.token = view.preview
    with pytest.raises(NotFound):
        stranger.state()


def test_links_expire_are_renewed_revoked_and_full(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form(), quota=1)
    one, two = guest(studio, view, clock), guest(studio, view, clock)
    one.join()
    with pytest.raises(NotPermitted, match="1 listeners"):
        two.join()
    renewed = studio.listening.open(admin, view.id, LinkForm(quota=2))
    assert renewed.link != view.link
    with pytest.raises(NotFound, match="opens nothing"):
        two.state()
    two.token = one.token = renewed.link
    two.join()
    assert one.state().phase == "trial"  # the cookie outlives the link
    studio.listening.revoke(admin, view.id)
    with pytest.raises(NotPermitted, match="paused"):
        one.state()
    studio.listening.open(admin, view.id, LinkForm())
    with studio.database.write() as session:
        session.execute(update(ListeningTest).values(expires_at="2020-01-01T00:00:00.000+00:00"))
    one.token = studio.listening.view(admin, view.id).link
    with pytest.raises(NotPermitted, match="expired"):
        one.state()
    for token in ("", "x", view.link[:-1], view.link + "x"):
        one.token = token
        with pytest.raises(NotFound, match="not complete"):
            one.state()


def test_names_are_told_only_after_the_end_and_then_voting_is_shut(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form(Kind.AB, tie_rule="drop"))
    one, two = guest(studio, view, clock), guest(studio, view, clock)
    one.join()
    pending = two.join()
    two.hear(pending)
    one.finish(lambda _: (1.0,))
    assert "Secret" not in repr(one.state()) and "Secret" not in repr(pending)
    studio.listening.close(admin, view.id, reveal=True)
    with pytest.raises(NotPermitted, match="closed"):
        two.rate(pending, 1.0)
    told = one.state()
    assert told.phase == "closed" and len(told.told) == 4
    assert {frozenset(page.names) for page in told.told} == {frozenset({"Secret Kokoro", "Secret XTTS"})}
    assert all(page.scores == (1.0,) for page in told.told)
    chosen = Counter(page.names[0] for page in told.told)  # side A was chosen each time
    outcome = studio.listening.results.of(admin, view.id).report.everybody.choices[0]
    assert (outcome.wins, outcome.losses) == (chosen["Secret Kokoro"], chosen["Secret XTTS"])
    assert guest(studio, view, clock).state().told == ()


def test_nothing_is_revealed_when_the_owner_does_not_want_it(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    one.join()
    one.finish(four)
    studio.listening.close(admin, view.id, reveal=False)
    assert one.state().told == ()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_type_is_rated_to_the_end_and_reported(studio: Studio, admin: Actor, kind: Kind) -> None:
    clock = patient(studio)
    reference = brought("Secret person", 180.0) if kind.facts.needs_reference else None
    asked = form(
        kind, reference=reference, attested=True, training=1, tie_rule="split" if kind is Kind.AB else "none"
    )
    view = opened(studio, admin, asked)
    answers = {"mos": 4.0, "smos": 3.0, "ab": 0.5, "cmos": 2.0, "abx": 1.0, "mushra": 70.0}
    for _ in range(3):
        one = guest(studio, view, clock)
        one.join()
        pages = one.finish(lambda state: (answers[kind],) * (5 if kind is Kind.MUSHRA else 1))
        assert pages == 1 + (8 if kind in (Kind.MOS, Kind.SMOS) else 4)
    outcome = studio.listening.results.of(admin, view.id).report
    rated = {"mos": 24, "smos": 24, "ab": 12, "cmos": 12, "abx": 12, "mushra": 60}[kind]
    assert outcome.everybody.ratings == rated == studio.listening.view(admin, view.id).ratings
    if kind.facts.pairs:
        assert outcome.everybody.choices[0].mean.value is not None
    else:
        assert all(one.headline.value is not None for one in outcome.everybody.systems)
    assert [person.finished for person in outcome.listeners] == [True] * 3
    for ending in ("csv", "json"):
        assert studio.listening.results.export(admin, view.id, ending)[0]


def test_abx_and_cmos_scores_follow_the_system_and_not_the_side(studio: Studio, admin: Actor) -> None:
    """The listener recognises the first system's longer sounds: whatever the side, it always wins."""
    clock = patient(studio)
    drawled, hasty = (
        SystemForm(name, SpokenBy("preset:fake:tone", "fake", {"second_per_character": seconds}))
        for name, seconds in (("drawled", 0.06), ("hasty", 0.03))
    )
    for kind in (Kind.AB, Kind.CMOS, Kind.ABX):
        view = opened(studio, admin, form(kind, name=kind.value, systems=(drawled, hasty)))
        sides = set()
        for _ in range(2):
            one = guest(studio, view, clock)
            state = one.join()
            while state.phase == "trial":
                lengths = [_voiced_s(sound) for sound in one.hear(state)]
                slow_is_a = lengths[0] > lengths[1]
                sides.add(slow_is_a)
                answer = {
                    Kind.AB: float(slow_is_a),
                    Kind.CMOS: -3.0 if slow_is_a else 3.0,
                    Kind.ABX: float(abs(lengths[2] - lengths[0]) < abs(lengths[2] - lengths[1]))
                    if kind is Kind.ABX
                    else 0,
                }[kind]
                state = one.rate(state, answer)
        with studio.database.read() as session:
            scores = set(session.scalars(select(Rating.score).join(Trial).where(Trial.test_id == view.id)))
        assert scores == {{Kind.AB: 1.0, Kind.CMOS: 3.0, Kind.ABX: 1.0}[kind]}
        assert sides == {True, False}


def _voiced_s(wav: bytes) -> float:
    samples, rate = soundfile.read(BytesIO(wav))
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return float(loud[-1] - loud[0]) / rate


def test_two_files_of_one_clip_are_never_alike_and_carry_no_tag(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form(training=3))
    for _ in range(2):
        one = guest(studio, view, clock)
        one.join()
        one.finish(four)
        assert len({len(sound) for sound in one.received}) > 1
        received = one.received
        assert len(set(received)) == len(received) == 11
        for sound in received:
            assert sound[:4] == b"RIFF" and sound[8:16] == b"WAVEfmt " and sound[36:40] == b"data"
            assert int.from_bytes(sound[40:44], "little") == len(sound) - 44  # nothing behind the samples
            assert b"Secret" not in sound
            assert int.from_bytes(sound[24:28], "little") == 24_000


def test_the_same_address_gives_the_same_bytes_so_that_ranges_fit(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    state = one.join()
    assert one.hear(state) == one.hear(state)


def test_a_rate_of_its_own_does_not_give_a_system_away(studio: Studio, admin: Actor) -> None:
    odd = SystemForm("odd", brought("x", 100.0).source)
    fast = SystemForm("fast", type(odd.source)(tuple(clip(1.0, 120, 44_100) for _ in range(4))))  # type: ignore[call-arg]
    clock, view = patient(studio), opened(studio, admin, form(systems=(odd, fast), attested=True))
    one = guest(studio, view, clock)
    one.join()
    one.finish(four)
    assert {int.from_bytes(sound[24:28], "little") for sound in one.received} == {48_000}


def test_mushra_has_a_hidden_reference_and_two_anchors(studio: Studio, admin: Actor) -> None:
    clock = patient(studio)
    view = opened(studio, admin, form(Kind.MUSHRA, reference=brought("Person", 180.0), attested=True))
    assert [system.role for system in view.systems] == [
        "system",
        "system",
        "reference",
        "anchor_3500",
        "anchor_7000",
    ]
    one = guest(studio, view, clock)
    state = one.join()
    assert state.asking is not None
    assert [slot.label for slot in state.asking.slots] == ["R", "1", "2", "3", "4", "5"]


def test_traps_say_the_answer_and_gold_is_known_and_both_flag_without_dropping(
    studio: Studio, admin: Actor
) -> None:
    clock = patient(studio)
    gold = (GoldForm(clip(), 1.0),)
    view = opened(studio, admin, form(traps=2, gold=gold, attested=True))
    engine = studio.engines.engine("fake")
    said = [text for text in engine.spoken if "verifica" in text]  # type: ignore[attr-defined]
    assert len(said) == 2 and all("Premi il numero" in text for text in said)
    with studio.database.read() as session:
        right = {
            t.id: t.expected for t in session.scalars(select(Trial).where(Trial.role.in_(("trap", "gold"))))
        }
    assert len(right) == 3 and None not in right.values()
    careless = guest(studio, view, clock)
    careless.join()
    assert careless.finish(lambda _: (3.0,)) == 11
    attentive = guest(studio, view, clock)
    state = attentive.join()
    marks = iter([1.0, 5.0] * 8)
    while state.phase == "trial":
        attentive.hear(state)
        state = attentive.rate(state, _right_answer(studio, attentive, right) or next(marks))
    report = studio.listening.results.of(admin, view.id).report
    assert report.listeners[0].flags[1:] == ("gold", "same_answer") and "traps" in report.listeners[0].flags
    assert report.listeners[1].flags == ()
    assert report.everybody.ratings == 16 and report.screened is not None and report.screened.ratings == 8


def _right_answer(studio: Studio, one: object, right: dict[str, float | None]) -> float | None:
    booth = studio.listening.booth
    with studio.database.read() as session:
        seat = booth._seated(session, one.visitor)  # type: ignore[attr-defined]
    return right.get(seat.open_pages[0].trials[0])


def test_consent_to_listening_tests_is_asked_of_enrolled_voices(studio: Studio, admin: Actor) -> None:
    without = enrol(studio, admin, "Quiet")
    agreed = enrol(studio, admin, "Loud", consent=consent_form(studio, LISTENING))
    for source in (SpokenBy(f"voice:{without.id}", "fake"), Recorded(without.id)):
        with pytest.raises(ConsentMissing, match="listening_test"):
            studio.listening.create(admin, form(systems=(SystemForm("own", source), spoken("other"))))
    assert studio.listening.tests(admin) == []
    mine = SystemForm("own", SpokenBy(f"voice:{agreed.id}", "fake"))
    assert made(studio, admin, form(systems=(mine, spoken("other")))).status == "ready"


def test_after_withdrawal_the_sounds_and_the_name_are_gone_and_the_ratings_stay(
    studio: Studio, admin: Actor
) -> None:
    voice = enrol(studio, admin, "Rosa Bianchi", consent=consent_form(studio, LISTENING))
    clock = patient(studio)
    systems = (SystemForm("Rosa Bianchi", SpokenBy(f"voice:{voice.id}", "fake")), spoken("other"))
    view = opened(studio, admin, form(systems=systems))
    one = guest(studio, view, clock)
    state = one.join()
    for _ in range(3):
        one.hear(state)
        state = one.rate(state, 5.0)
    receipt = studio.voices.withdraw(admin, voice.id)
    assert receipt.erased["stimulus"] == 4
    left = one.state()
    pages = 0
    while left.phase == "trial":
        one.hear(left)
        left = one.rate(left, 2.0)
        pages += 1
    assert left.phase == "done" and pages < 5
    with studio.database.read() as session:
        names = set(session.scalars(select(System.name)))
        assert session.scalars(select(Listener.finished_at)).one() is not None
    assert "other" in names and not any("Rosa" in name for name in names)
    studio.listening.close(admin, view.id, reveal=True)
    assert "Rosa" not in repr(one.state()) and "Rosa" not in repr(studio.listening.results.of(admin, view.id))
    file = (studio.settings.database_file).read_bytes()
    assert b"Rosa Bianchi" not in file


def test_an_expired_consent_silences_the_test(studio: Studio, admin: Actor) -> None:
    from studio.db.tables import ConsentRecord

    voice = enrol(studio, admin, "Rosa", consent=consent_form(studio, LISTENING))
    clock = patient(studio)
    view = opened(
        studio, admin, form(systems=(SystemForm("Rosa", Recorded(voice.id)),), sentences=("Una frase.",))
    )
    one = guest(studio, view, clock)
    state = one.join()
    with studio.database.write() as session:
        session.execute(update(ConsentRecord).values(expires_at="2020-01-01T00:00:00.000+00:00"))
    studio.listening.booth._consents.asked.clear()  # it is asked every few seconds
    with pytest.raises(NotFound):
        one.hear(state)
    assert (
        one.state().phase == "done"
    )  # nothing that may be heard is left: the page does not ask for it for ever
    with pytest.raises(ConsentMissing):
        studio.listening.open(admin, view.id, LinkForm())


def test_somebody_else_neither_sees_nor_changes_a_test(studio: Studio, admin: Actor, account: object) -> None:
    rosa, ada = account("rosa"), account("ada")  # type: ignore[operator]
    view = made(studio, rosa, form())
    assert studio.listening.tests(ada) == []
    for act in (
        lambda: studio.listening.view(ada, view.id),
        lambda: studio.listening.open(ada, view.id, LinkForm()),
        lambda: studio.listening.close(ada, view.id, reveal=True),
        lambda: studio.listening.delete(ada, view.id),
        lambda: studio.listening.results.of(ada, view.id),
        lambda: studio.listening.results.export(ada, view.id, "csv"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_signed_in_person_goes_on_with_another_browser(
    studio: Studio, admin: Actor, account: object
) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    rosa = account("rosa")  # type: ignore[operator]
    assert [(kind, link) for _, kind, link in studio.listening.offered(rosa)] == [(Kind.MOS, view.link)]
    one = guest(studio, view, clock, rosa)
    state = one.join()
    one.hear(state)
    one.rate(state, 3.0)
    elsewhere = guest(studio, view, clock, rosa)
    assert elsewhere.state().done == 1


def test_a_cancelled_batch_is_taken_up_again_and_makes_only_what_is_missing(
    studio: Studio, admin: Actor
) -> None:
    slow = tuple(
        SystemForm(name, SpokenBy("preset:fake:tone", "fake", {"delay_s": 0.05, "speed": speed}))
        for name, speed in (("a", 1.0), ("b", 1.2))
    )
    live = studio.listening.create(admin, form(systems=slow))
    for event in live.events():
        if event.done == 2:
            live.cancel()
            break
    with pytest.raises(Exception, match=r"(?i)cancel|stop"):
        live.wait()
    test_id = studio.listening.made_by(live)
    view = studio.listening.view(admin, test_id)
    assert view.status == "making" and 2 <= view.stimuli < 8
    again = studio.listening.resume(admin, test_id)
    again.wait()
    assert next(iter(again.events())).total == 8 - view.stimuli
    assert studio.listening.view(admin, test_id).status == "ready"


def test_deleting_leaves_nothing_behind(studio: Studio, admin: Actor) -> None:
    clock, view = patient(studio), opened(studio, admin, form())
    one = guest(studio, view, clock)
    one.join()
    one.finish(four)
    studio.listening.delete(admin, view.id)
    with studio.database.read() as session:
        for table in (ListeningTest, System, Stimulus, Trial, Listener, Rating):
            assert session.scalars(select(table)).all() == [], table
        assert session.scalars(select(Asset).where(Asset.kind == "stimulus")).all() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": " "}, "name"),
        ({"systems": ()}, "systems"),
        ({"systems": (spoken("a"), spoken("A "))}, "same name"),
        ({"kind": Kind.SMOS}, "reference"),
        ({"kind": Kind.AB, "systems": (spoken("a"),)}, "from 2"),
        ({"sentences": ()}, "sentences"),
        ({"training": 99}, "range"),
        ({"traps": 1, "kind": Kind.ABX}, "abx"),
        ({"gold": (GoldForm(clip(), 9.0),), "attested": True}, "range"),
        ({"systems": (brought("a", 100.0),)}, "declare"),
        ({"systems": (brought("a", 100.0, 2),), "attested": True}, "2 clips for 4"),
        ({"instructions": "Does secret kokoro sound good?"}, "secret kokoro"),
        ({"level_lufs": 3.0}, "LUFS"),
        ({"traps": 1, "language": "de"}, "it, en"),
        (
            {
                "systems": (
                    SystemForm(
                        "mute",
                        type(brought("a", 1.0).source)((AudioClip(np.zeros(24000, np.float32), 24000),) * 4),
                    ),
                ),
                "attested": True,
            },
            "silent",
        ),
    ],
)
def test_what_cannot_be_a_test_is_refused_before_anything_is_stored(
    studio: Studio, admin: Actor, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(InputRefused, match=told):
        studio.listening.create(admin, form(**changes))  # type: ignore[arg-type]
    assert studio.listening.tests(admin) == []
    with studio.database.read() as session:
        assert session.scalars(select(Asset).where(Asset.kind == "stimulus")).all() == []


def test_the_configuration_is_hashed_and_export_carries_it(studio: Studio, admin: Actor) -> None:
    import csv
    import hashlib
    import io
    import json

    import rfc8785

    clock, view = (
        patient(studio),
        opened(studio, admin, form(systems=(spoken("=HYPERLINK(1)"), spoken("@b", 1.2)), name="+evil")),
    )
    one = guest(studio, view, clock)
    one.join()
    one.finish(four)
    document = json.loads(studio.listening.results.export(admin, view.id, "json")[0])
    assert hashlib.sha256(rfc8785.dumps(document["configuration"])).hexdigest() == view.config_hash
    raw = studio.listening.results.export(admin, view.id, "csv")[0].decode("utf-8-sig")
    rows = [*csv.DictReader(io.StringIO(raw))]
    assert len(rows) == len(document["ratings"]) == 8
    assert {row["system"] for row in rows} == {"'=HYPERLINK(1)", "'@b"}
    assert {row["test"] for row in rows} == {"'+evil"}
    assert {row["sentence"] for row in rows} == set(SENTENCES)
    assert not [
        cell
        for row in rows
        for cell in row.values()
        if cell[:1] in "=+-@" and not cell[1:2].isdigit() and cell
    ]
