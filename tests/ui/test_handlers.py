"""What the pages do with the services: what is asked, what is shown, and how each failure is said."""

import html
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from studio.bootstrap import Studio
from studio.consent.purposes import Purpose
from studio.errors import ConsentMissing, InputRefused, NotFound, NotPermitted, SignInRequired, TextRefused
from studio.privacy.access import Actor, Role
from studio.privacy.audit import AuditQuery
from studio.ui.audit.tab import AuditTab
from studio.ui.clone.tab import Asked, CloneTab
from studio.ui.desk import Desk
from studio.ui.header import Header, build_header, sort_for
from studio.ui.models.tab import ModelsTab
from studio.ui.settings.access import AccessPanel
from studio.ui.settings.accounts import AccountsPanel
from studio.ui.settings.api_keys import KeysPanel
from studio.ui.shell import build_ui
from studio.ui.voices.enrol import EnrolForm
from studio.ui.voices.tab import VoicesTab
from tests.enrolling import checked_speech, enrol

Press = Callable[..., gr.EventData]
Visitor = Callable[..., gr.Request]


def tab_of(desk: Desk, kind: Callable[..., Any], **rest: Any) -> Any:
    """A tab built alone in a page of its own."""
    with gr.Blocks() as demo:
        header = build_header(desk, demo)
        tabs = gr.Tabs()
        return kind(desk, header, *([tabs] if kind in (VoicesTab, CloneTab) else []))


def request_for(voice: str, text: str = "Buongiorno.", **changes: Any) -> Asked:
    given = {
        "language": "it",
        "engine": "fake",
        "speed": 1.0,
        "seed": 0,
        "purpose": "internal_use",
        "fresh": False,
        "notice": False,
        "trained": "",
    }
    return Asked(voice, text, options={}, **{**given, **changes})


# The edge


def test_a_studio_error_becomes_what_why_next_in_the_pages_language(desk: Desk) -> None:
    def fail() -> None:
        raise NotFound("voices.unknown")

    with pytest.raises(gr.Error) as caught:
        desk.answering(fail)()
    error = NotFound("voices.unknown")
    for part in ("what", "why", "next"):
        assert html.escape(error.part(part, desk.words.language)) in caught.value.message


def test_facts_in_an_error_stay_text(desk: Desk) -> None:
    def fail() -> None:
        raise InputRefused("synthesis.format", name="<img src=x>", known="wav")

    with pytest.raises(gr.Error) as caught:
        desk.answering(fail)()
    assert "<img" not in caught.value.message and "&lt;img" in caught.value.message


def test_an_unexpected_error_is_owned_up_to_and_tells_no_secret(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        yield 1
        raise RuntimeError("/secret/path")

    steps = desk.answering(fail)()
    assert next(steps) == 1
    with pytest.raises(gr.Error) as caught:
        next(steps)
    assert "/secret" not in caught.value.message
    assert desk.words("error.title") in caught.value.message
    assert "/secret/path" in caplog.text


def test_nobody_is_nobody(italian: Desk, visitor: Visitor) -> None:
    with pytest.raises(SignInRequired):
        italian.actor(visitor(None))


# Every event of the pages


def test_every_event_is_private_and_every_handler_stands_at_the_edge(studio: Studio) -> None:
    demo = build_ui(studio)
    assert len(demo.fns) > 100
    for event in demo.fns.values():
        if event.fn is None:
            continue  # runs in the browser alone
        assert event.api_visibility == "private", event.fn
        assert hasattr(event.fn, "__wrapped__"), event.fn


def test_both_pages_have_the_same_events(studio: Studio) -> None:
    demo = build_ui(studio)
    pages = [[event.name for event in demo.fns.values() if event.page == page] for page in ("", "en")]
    assert pages[0] == pages[1]


# Header


def test_the_selector_lists_enrolled_voices_first_and_keeps_the_choice(
    studio: Studio, admin: Actor, italian: Desk
) -> None:
    with gr.Blocks() as demo:
        header: Header = build_header(italian, demo)
    view = enrol(studio, admin)
    listed = header.choices(admin, "preset:fake:tone")
    assert listed.choices[0][1] == f"voice:{view.id}"
    assert listed.value == "preset:fake:tone"
    assert header.choices(admin, "voice:gone").value == f"voice:{view.id}"


def test_presets_of_the_pages_language_come_first(studio: Studio, admin: Actor) -> None:
    listed = sort_for(studio.choices.voices(admin), "en")
    assert [option.engine_id for option in listed] and listed == sort_for(listed, "en")


# Voices


def test_no_voice_leads_to_the_first(desk: Desk, admin: Actor, visitor: Visitor) -> None:
    cards, detail, *_ = tab_of(desk, VoicesTab).show(None, [], visitor(admin))
    assert 'data-act="new"' in cards and detail == ""


def test_a_form_without_anything_is_refused_in_words(italian: Desk, admin: Actor, visitor: Visitor) -> None:
    tab = tab_of(italian, VoicesTab)
    blank = ["", "it", "self", "", "", [], None, "", None, [], [], *[False] * 9]
    steps = tab.save(visitor(admin), *blank)
    next(steps)
    shown = next(steps)
    assert "Serve un nome" in shown[0]
    with pytest.raises(InputRefused):
        next(steps)


def test_consent_is_asked_by_the_service_not_by_the_form(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    tab = tab_of(italian, VoicesTab)
    clip = checked_speech(studio, admin)
    ticks = [True, *[False] * 5, False, True, True]  # not an adult
    values = ["Linda", "it", "self", "", "", [clip], clip, "x", None, [], [], *ticks]
    steps = tab.save(visitor(admin), *values)
    next(steps), next(steps)
    with pytest.raises(ConsentMissing):
        next(steps)
    assert studio.voices.browse(admin) == []


def filled(studio: Studio, actor: Actor, form: EnrolForm) -> list[Any]:
    purposes = [purpose in (Purpose.ZERO_SHOT, Purpose.INTERNAL_USE) for purpose in Purpose]
    _, notice_hash = form.show_notice()
    asker = SimpleNamespace(username=actor.account_id)
    token, card = form.reword(asker, notice_hash, *purposes)
    assert token and "blockquote" in card and token not in card
    clip = checked_speech(studio, actor)
    recording = form.desk.studio.voices.check(actor, _wav(clip))
    return [
        "Linda",
        "it",
        "self",
        "Vera",
        "",
        [clip],
        recording,
        token,
        None,
        ["it"],
        [],
        *purposes,
        True,
        True,
        True,
    ]


def _wav(clip: Any) -> Any:
    from studio.audio.encode import AudioFormat, encode
    from studio.voices.forms import Upload

    return Upload("statement.wav", encode(clip.clip, AudioFormat.WAV), "microphone")


def test_saving_stores_starts_the_enrolment_and_empties_the_form(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    tab = tab_of(italian, VoicesTab)
    *_, last = tab.save(visitor(admin), *filled(studio, admin, tab.form))
    (view,) = studio.voices.browse(admin)
    assert view.usable and view.name == "Linda"
    assert view.consent is not None and (view.consent.languages, view.consent.engines) == (("it",), ())
    assert "Linda" in last[0] and last[2].value == f"voice:{view.id}"
    emptied = last[-len(tab.form.everything) :]
    assert emptied[4] == [] and emptied[5] is None and not any(emptied[-9:])
    studio.enrolment.start(admin, view.id, "fake").wait()
    assert studio.enrolment.encoded(admin, view.id)


def test_an_uploaded_statement_always_waits_for_a_person(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    from dataclasses import replace

    tab = tab_of(italian, VoicesTab)
    values = filled(studio, admin, tab.form)
    values[6] = replace(values[6], source="upload")
    *_, last = tab.save(visitor(admin), *values)
    (view,) = studio.voices.browse(admin)
    assert not view.usable and "revisore" in last[0]


def test_withdrawing_shows_the_receipt_and_the_voice_is_gone(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor, press: Press
) -> None:
    view = enrol(studio, admin)
    tab = tab_of(italian, VoicesTab)
    shown = tab.act(f"voice:{view.id}", press("withdraw", id=view.id), visitor(admin))
    assert "Registrazioni" in shown[2] and view.speaker_id in shown[2]
    assert studio.voices.browse(admin) == []


def test_anothers_voice_cannot_be_touched(
    studio: Studio, italian: Desk, admin: Actor, account: Callable[..., Actor], visitor: Visitor, press: Press
) -> None:
    view = enrol(studio, admin)
    rosa, tab = account("rosa"), tab_of(italian, VoicesTab)
    for act in ("withdraw", "rename", "encode"):
        with pytest.raises(NotFound):
            tab.act(None, press(act, {"name": "Mia"}, id=view.id, engine="fake"), visitor(rosa))
    assert studio.voices.view(admin, view.id).name == "Linda"


# Clone


def test_a_take_is_followed_to_its_measurements(
    studio: Studio, italian: Desk, admin: Actor, press: Press, visitor: Visitor
) -> None:
    tab = tab_of(italian, CloneTab)
    live = studio.synthesis.preview(admin, request_for("preset:fake:tone").request())
    steps = [*tab.preview.follow(admin, live)]
    assert f"/media/live/{live.token}.mp3" in steps[0][2]
    take = live.take()
    assert any(isinstance(step[3], str) and f"/media/take/{take.id}.wav" in step[3] for step in steps)
    assert 'data-on="1"' in tab.preview.star(press("star", id=take.id, on=0), visitor(admin))
    assert studio.synthesis.takes.find(admin, take.id).favourite


def test_a_cancelled_take_gives_the_button_back(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    tab = tab_of(italian, CloneTab)
    asked = request_for("preset:fake:tone", "Uno. Due. Tre.").request()
    slow = type(asked)(asked.voice, asked.text, "it", "fake", {"delay_s": 0.5})
    steps = tab.preview.follow(admin, studio.synthesis.preview(admin, slow))
    token = next(steps)[0]
    tab.preview.cancel(token, visitor(admin))
    shown = []
    with pytest.raises(Exception, match=r"[Cc]ancel"):
        shown.extend(steps)
    assert shown[-1][5].interactive and shown[-1][0] == ""


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (request_for(""), "synthesis.no_voice"),
        (request_for("preset:fake:tone", engine=""), "synthesis.no_engine"),
        (request_for("preset:fake:tone", text=""), "text.empty"),
        (request_for("preset:fake:tone", text="😀😀"), "text.nothing_to_say"),
        (request_for("preset:fake:tone", text="a" * 100_000), "text.too_long"),
        (request_for("preset:fake:tone", speed=9.0), "synthesis.option"),
        (request_for("preset:fake:gone"), "voices.unknown"),
        (request_for("voice:gone"), "voices.unknown"),
    ],
)
def test_what_cannot_be_generated_is_refused_before_any_work(
    studio: Studio, admin: Actor, asked: Asked, error: str
) -> None:
    with pytest.raises((InputRefused, NotFound, TextRefused)) as caught:
        studio.synthesis.preview(admin, asked.request())
    assert caught.value.key == error
    assert studio.synthesis.takes.search(admin) == []


def test_engines_that_fit_the_voice_are_offered(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor
) -> None:
    view, tab = enrol(studio, admin), tab_of(italian, CloneTab)
    own = tab.fit(f"voice:{view.id}", None, None, visitor(admin))
    assert {engine for _, engine in own[0].choices} == {"fake", "fake-nc"}
    assert own[1].value == "en"  # the voice's own language
    preset = tab.fit("preset:fake-preset:tone", None, None, visitor(admin))
    assert [engine for _, engine in preset[0].choices] == ["fake-preset"]
    assert [group.visible for group in preset[3:]].count(True) == 1


def test_the_spoken_text_is_shown_and_trouble_is_said_in_place(italian: Desk) -> None:
    tab = tab_of(italian, CloneTab)
    assert "quattordici" in tab.prepared("Il 14 ottobre.", "it", "fake")
    assert "tb-note warn" in tab.prepared("😀", "it", "fake")
    assert "<b>" not in tab.prepared("Ciao <b>mondo</b>.", "it", "fake")


def test_a_take_can_be_reused_and_deleted(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor, press: Press
) -> None:
    with gr.Blocks() as demo:
        tab = CloneTab(italian, build_header(italian, demo), gr.Tabs())
        tab.wire(demo)
    take = studio.synthesis.preview(
        admin, request_for("preset:fake:tone", seed=7, speed=1.5, notice=True).request()
    ).take()
    shown = tab.history.act("", False, False, None, 50, press("reuse", id=take.id), visitor(admin))
    reused = dict(zip(tab.history._reused, shown[4:], strict=True))
    values = {widget: getattr(update, "value", update) for widget, update in reused.items()}
    asked = tab.read(tuple(values.get(widget) for widget in tab.settings))
    assert asked.request() == take.request()
    gone = tab.history.act("", False, False, None, 50, press("delete", id=take.id), visitor(admin))
    assert take.id not in gone[0]
    with pytest.raises(NotFound):
        tab.history.act("", False, False, None, 50, press("open", id=take.id), visitor(admin))


def test_a_take_is_reused_while_gradio_runs_the_handler(
    studio: Studio,
    italian: Desk,
    admin: Actor,
    visitor: Visitor,
    press: Press,
    request: pytest.FixtureRequest,
) -> None:
    with gr.Blocks() as demo:
        tab = CloneTab(italian, build_header(italian, demo), gr.Tabs())
        tab.wire(demo)
    take = studio.synthesis.preview(admin, request_for("preset:fake:tone", seed=7).request()).take()
    request.getfixturevalue("handling")
    shown = tab.history.act("", False, False, None, 50, press("reuse", id=take.id), visitor(admin))
    seed = dict(zip(tab.history._reused, shown[4:], strict=True))[tab.seed]
    assert seed == 7


def test_the_history_shows_more_on_wish(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor, press: Press
) -> None:
    with gr.Blocks() as demo:
        tab = CloneTab(italian, build_header(italian, demo), gr.Tabs())
        tab.wire(demo)
    for text in ("Uno.", "Due.", "Tre."):
        studio.synthesis.preview(admin, request_for("preset:fake:tone", text).request()).take()
    shown = tab.history.show("", False, False, None, 2, visitor(admin))
    assert "Tre." in shown and "Uno." not in shown and 'data-act="more"' in shown
    area, most, *_ = tab.history.act("", False, False, None, 2, press("more"), visitor(admin))
    assert "Uno." in area and most > 2 and 'data-act="more"' not in area


def test_a_finished_batch_keeps_its_zip_after_a_reload(
    studio: Studio, italian: Desk, admin: Actor, account: Callable[..., Actor], visitor: Visitor
) -> None:
    from studio.synthesis.batch import rows_of

    tab = tab_of(italian, CloneTab)
    live = studio.batches.start(admin, rows_of("Uno.\nDue."), request_for("preset:fake:tone").request())
    live.wait()
    batch_id = live.latest.batch_id
    assert f"/media/batch/{batch_id}.zip" in tab.batch.found(visitor(admin))
    assert batch_id not in tab.batch.found(visitor(account("rosa")))
    for take in studio.synthesis.takes.of_batch(admin, batch_id):
        studio.synthesis.takes.delete(admin, take.id)
    assert tab.batch.found(visitor(admin)) == ""


def test_a_batch_is_followed_to_its_zip(studio: Studio, italian: Desk, admin: Actor) -> None:
    from studio.synthesis.batch import rows_of

    tab = tab_of(italian, CloneTab)
    live = studio.batches.start(admin, rows_of("Uno.\nDue."), request_for("preset:fake:tone").request())
    steps = [*tab.batch.follow(live)]
    assert "2 di 2" in steps[-1][1] and "/media/batch/bat_" in steps[-1][1]
    assert studio.batches.running(admin) == []


# Models and settings


def test_only_administrators_may_change_models(
    studio: Studio, italian: Desk, account: Callable[..., Actor], visitor: Visitor, press: Press
) -> None:
    rosa, tab = account("rosa"), tab_of(italian, ModelsTab)
    cards = tab.arrive(visitor(rosa))[0]
    assert 'data-act="pull"' not in cards and "Solo gli amministratori" in cards
    for act in ("pull", "verify", "remove", "cancel"):
        with pytest.raises(NotPermitted):
            tab.act([], press(act, id="kokoro-82m"), visitor(rosa))
    with pytest.raises(NotPermitted):
        tab.act([], press("accept", id="xtts-v2"), visitor(rosa))


def test_xtts_asks_for_its_licence_first_and_says_non_commercial(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor, press: Press
) -> None:
    shown = tab_of(italian, ModelsTab).act([], press("pull", id="xtts-v2"), visitor(admin))
    assert "NON commerciali" in shown[1] and 'data-act="accept"' in shown[1]
    assert studio.model_desk.running() == {}
    assert not studio.licences.accepted("xtts-v2", "LicenseRef-CPML")


def test_accounts_are_for_administrators(
    studio: Studio, italian: Desk, admin: Actor, account: Callable[..., Actor], visitor: Visitor, press: Press
) -> None:
    with gr.Blocks():
        panel = AccountsPanel(italian)
    rosa = account("rosa")
    assert panel.shown(visitor(rosa))[0].visible is False
    with pytest.raises(NotPermitted):
        panel.create("eva", "producer", visitor(rosa))
    _, link, listed = panel.create("eva", "producer", visitor(admin, origin="http://127.0.0.1:7860"))
    assert "http://127.0.0.1:7860/login/" in link and "eva" in listed
    with pytest.raises(InputRefused):
        panel.create("eva", "producer", visitor(admin))


def test_the_log_is_verified_by_who_may_read_it(
    studio: Studio, italian: Desk, admin: Actor, account: Callable[..., Actor], visitor: Visitor
) -> None:
    with gr.Blocks(), gr.Tab("x", visible=False) as made:
        tab = AuditTab(italian, made)
    enrol(studio, admin)
    nothing = ("", "", "", "", "")
    assert "Integro" in tab.verified(visitor(admin))
    _, actions, table, _ = tab.opened(*nothing, visitor(admin))
    assert "voice.enrolled" in table and "/audit/log.csv?" in table
    entries = studio.audit.verify(admin).entries
    assert f"{entries} righe" in table and studio.audit.count(admin, AuditQuery(action="voice.enrolled")) == 1
    assert ("voice.enrolled", "voice.enrolled") in actions.choices
    found, _ = tab.searched("", "", "voice", "", "", visitor(admin))
    assert "voice.enrolled" in found and "account.created" not in found
    assert "Nessuna corrispondenza" in tab.searched("", "", "", "2099-01-01", "", visitor(admin))[0]
    with pytest.raises(InputRefused):
        tab.searched("", "", "", "yesterday", "", visitor(admin))
    rosa = visitor(account("rosa", Role.PRODUCER))
    assert not tab.arrive(rosa).visible and tab.arrive(visitor(admin)).visible
    for call in (tab.verified, lambda r: tab.opened(*nothing, r), lambda r: tab.searched(*nothing, r)):
        with pytest.raises(NotPermitted):
            call(rosa)


def test_a_key_is_shown_once_and_revoked_and_names_stay_text(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor, press: Press
) -> None:
    with gr.Blocks():
        panel = KeysPanel(italian)
    _, made, listed = panel.create("<img src=x onerror=alert(1)>", ["speak"], [], 30, visitor(admin))
    key = studio.api_keys.keys(admin)[0]
    assert key.hint in made and "<img" not in made + listed
    assert made.count("tmb_") == 1 and len(made.split("<code>")[1].split("<")[0]) == 47
    assert panel.shown(visitor(admin))[2].count("tmb_") == 1
    _, listed = panel.revoke(press(act="revoke", id=key.id), visitor(admin))
    assert "revocata" in listed and not studio.api_keys.keys(admin)[0].open


def test_a_password_is_set_on_the_page_and_sign_ins_are_ended(
    studio: Studio, italian: Desk, admin: Actor, visitor: Visitor, press: Press
) -> None:
    with gr.Blocks():
        panel = AccessPanel(italian)
    token = studio.accounts.redeem(studio.accounts.sign_in_link(admin.account_id), "Firefox, Linux")
    page = visitor(admin)
    assert "Firefox, Linux" in panel.listed(page) and "questo browser" not in panel.listed(page)
    fields = panel.keep("", "quattro parole scelte a caso", "quattro parole scelte a caso", page)
    assert fields[:3] == ("", "", "") and studio.accounts.sign_ins.has_password(admin)
    with pytest.raises(SignInRequired):
        studio.accounts.actor(token)
    studio.accounts.redeem(studio.accounts.sign_in_link(admin.account_id), "Chrome, Windows")
    one = studio.accounts.sign_ins.sessions(admin)[0]
    assert "Chrome" not in panel.act(press(act="end", id=one.id), page)
