"""The listening tests' tab: take part, design a test, make its sounds, share the link, read the results live."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from studio.errors import NotFound, StudioError
from studio.listening.forms import LinkForm, SpokenBy, every_system
from studio.listening.making import MakeEvent
from studio.privacy.access import Actor, Permission
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.listen.cards import checking_card, detail, exports, offered_list, progress_card, test_list
from studio.ui.listen.form import Design, FormPanel
from studio.ui.listen.outcome import outcome_view
from studio.ui.listen.systems import system_list
from studio.ui.markup import board, esc
from studio.work.live import Live

EVERY_S = 4.0
SKIP = gr.skip()


def build_listen_tab(desk: Desk, demo: gr.Blocks, header: Header) -> None:
    ListenTab(desk, header).wire(demo)


class ListenTab:
    """Layout, then wiring. Tests belong to the studio: a closed page loses nothing."""

    def __init__(self, desk: Desk, header: Header) -> None:
        self.desk, self.header = desk, header
        words = desk.words
        with gr.Row(elem_classes="tb-row"):
            gr.HTML(f"<h2>{esc(words('tab.listen'))}</h2><p class='tb-dim'>{esc(words('listen.info'))}</p>")
            self.new = gr.Button(
                words("listen.new"), variant="primary", scale=0, min_width=160, elem_id="listen-new"
            )
        self.offered = gr.HTML(elem_id="listen-offers")
        self.form = FormPanel(desk)
        with gr.Row():
            self.stage = gr.HTML(elem_id="listen-stage")
            self.stop = gr.Button(
                words("do.cancel"), visible=False, scale=0, min_width=110, elem_id="listen-stop"
            )
        self.token, self.chosen, self.seen = gr.State(""), gr.State(""), gr.State("")
        self.tests = board("listen-tests")
        self.detail = board("listen-board")
        self.outcome = gr.HTML(elem_id="listen-outcome")
        self.timer = gr.Timer(EVERY_S, active=False)

    @property
    def shown(self) -> list[Any]:
        return [self.tests, self.detail, self.outcome, self.chosen, self.seen, self.timer]

    @property
    def making(self) -> list[Any]:
        form = self.form
        emptied = [form.systems.picked, form.systems.area, form.name]
        return [self.token, self.stage, self.stop, form.go, form.panel, *emptied]

    def wire(self, demo: gr.Blocks) -> None:
        desk, followed = self.desk, [*self.making, *self.shown]
        self.form.wire(demo, self.header.voice)
        desk.on(self.new.click, lambda: gr.Column(visible=True), None, [self.form.panel])
        arrived = desk.on(demo.load, self.arrive, None, [self.offered, self.new, *self.shown])
        desk.on(arrived.then, self.take_up, None, followed, watches=True)
        desk.on(self.form.go.click, self.create, self.form.inputs, followed, watches=True)
        desk.on(self.stop.click, self.cancel, [self.token], None)
        desk.on(self.tests.click, self.choose, None, self.shown)
        desk.on(self.detail.click, self.act, [self.chosen], followed, watches=True)
        desk.on(self.timer.tick, self.tick, [self.chosen, self.seen], self.shown)

    # Handlers

    def arrive(self, request: gr.Request) -> tuple[Any, ...]:
        """What this account may take part in, and its own tests with the newest open."""
        actor = self.desk.actor(request)
        offers = offered_list(self.desk.words, self.desk.studio.listening.offered(actor))
        may = actor.may(Permission.VOICES)
        if not may and not actor.may(Permission.ALL_VOICES):
            return offers, gr.Button(visible=False), *(SKIP,) * len(self.shown)
        views = self.desk.studio.listening.tests(actor)
        return offers, gr.Button(visible=may), *self.drawn(actor, views[0].id if views else "", request)

    def drawn(self, actor: Actor, test_id: str, request: gr.Request) -> tuple[Any, ...]:
        """The list, the test that is open, its results, and whether to go on looking."""
        words, listening = self.desk.words, self.desk.studio.listening
        # What runs is asked first: a batch that ends meanwhile is ready then, not interrupted.
        running = [listening.made_by(live) for live in listening.running(actor)]
        views = listening.tests(actor)
        view = next((one for one in views if one.id == test_id), None)
        listed = test_list(words, views, test_id)
        if view is None:
            return listed, "", "", "", "", gr.Timer(active=False)
        card = detail(words, view, self.address(request), test_id in running)
        results = (
            ""
            if view.status in ("making", "ready")
            else exports(words, view) + outcome_view(words, view, listening.results.of(actor, test_id))
        )
        # While it is made, too: a look that was taken a moment before its end may arrive after it.
        looks_on = gr.Timer(active=view.status in ("making", "open"))
        return listed, card, results, test_id, self.state_of(actor, test_id), looks_on

    def state_of(self, actor: Actor, test_id: str) -> str:
        """Changes when what is shown would."""
        view = self.desk.studio.listening.view(actor, test_id)
        measured = self.desk.studio.listening.results.measured(actor, test_id)
        return (
            f"{view.status} {view.revoked} {view.listeners} {view.finished} {view.ratings}"
            f" {hash(frozenset(measured.items()))}"
        )

    def address(self, request: gr.Request) -> str:
        """What stands before /listen in a link to send."""
        public = self.desk.studio.settings.public_hosts
        return f"https://{public[0]}" if public else f"http://{request.headers['host']}"

    def tick(self, test_id: str, seen: str, request: gr.Request) -> tuple[Any, ...]:
        """Draw again only when something was rated or measured: an open table stays open."""
        actor = self.desk.actor(request)
        try:
            if not test_id or self.state_of(actor, test_id) == seen:
                return (SKIP,) * len(self.shown)
        except NotFound:  # deleted in another window
            return self.drawn(actor, "", request)
        listed, card, results, *rest = self.drawn(actor, test_id, request)
        # The card holds a form that somebody may be filling in: it is left alone while the test goes on.
        return listed, SKIP if seen.split(" ")[0] == "open" else card, results, *rest

    def choose(self, event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        return self.drawn(self.desk.actor(request), str(event._data["id"]), request)

    def create(self, request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Check, store, then follow the batch."""
        actor = self.desk.actor(request)
        form, rest = Design(*values).form(), (SKIP,) * (len(self.making) + len(self.shown) - 2)
        if any(not isinstance(one.source, SpokenBy) for one in every_system(form)):
            yield SKIP, checking_card(self.desk.words), *rest  # what recordings say takes a while to hear
        try:
            live = self.desk.studio.listening.create(actor, form)
        except StudioError:
            yield SKIP, "", *rest
            raise
        # The next test starts with no systems and no name.
        emptied: tuple[Any, ...] = ([], system_list(self.desk.words, []), "")
        yield from self.follow(actor, live, request, emptied)

    def take_up(self, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """After a reload: follow the newest batch that still runs."""
        actor = self.desk.actor(request)
        running = self.desk.studio.listening.running(actor)
        if running:
            yield from self.follow(actor, running[-1], request)
        else:
            yield (SKIP,) * (len(self.making) + len(self.shown))

    def follow(
        self, actor: Actor, live: Live[MakeEvent], request: gr.Request, form: tuple[Any, ...] = (SKIP,) * 3
    ) -> Iterator[tuple[Any, ...]]:
        """The batch as it goes; `form` is what becomes of the form's systems and name."""
        words, rest = self.desk.words, (SKIP,) * len(self.shown)
        on, off = gr.Button(interactive=True), gr.Button(interactive=False)
        put_away, test_id = gr.Column(visible=False), ""
        yield live.token, progress_card(words, 0, 0), gr.Button(visible=True), off, put_away, *form, *rest
        ended = "", "", gr.Button(visible=False), on, *(SKIP,) * 4
        try:
            for event in live.events():
                drawn = rest if test_id else self.drawn(actor, event.test_id, request)
                test_id = event.test_id
                yield SKIP, progress_card(words, event.done, event.total), *(SKIP,) * 6, *drawn
        except StudioError:
            yield *ended, *self.drawn(actor, test_id, request)
            raise
        yield *ended, *self.drawn(actor, test_id, request)

    def cancel(self, token: str, request: gr.Request) -> None:
        if token:
            self.desk.studio.listening.find_batch(self.desk.actor(request), token).cancel()

    def act(self, chosen: str, event: gr.EventData, request: gr.Request) -> Iterator[tuple[Any, ...]]:
        """A button of the open test was pressed."""
        actor, asked, listening = self.desk.actor(request), event._data, self.desk.studio.listening
        test_id, form = str(asked["id"]), asked.get("form", {})
        still = (SKIP,) * len(self.making)
        match asked["act"]:
            case "resume":
                yield from self.follow(actor, listening.resume(actor, test_id), request)
                return
            case "open":
                listening.open(actor, test_id, link_form(form))
            case "revoke":
                listening.revoke(actor, test_id)
            case "close":
                listening.close(actor, test_id, reveal=form.get("reveal") == "1")
            case "delete":
                listening.delete(actor, test_id)
                test_id = ""
        yield *still, *self.drawn(actor, test_id, request)


def link_form(form: dict[str, str]) -> LinkForm:
    """What was typed; numbers that are none are refused by the service as out of range."""

    def number(name: str) -> int:
        text = str(form.get(name, "")).strip()
        return int(text) if text.isdecimal() else 0

    return LinkForm(days=number("days"), quota=number("quota"), for_accounts=form.get("offered") == "1")
