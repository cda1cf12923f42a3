"""The Models tab: what is here, what can be fetched, and under which licence."""

from typing import Any

import gradio as gr

from studio.errors import Cancelled, StudioError
from studio.models.by_hand import HandState
from studio.privacy.access import Actor, Permission
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import board, esc
from studio.ui.models.by_hand import hand_section
from studio.ui.models.cards import Shown, broken_engines, licence_card, model_cards

EVERY_S = 1.0


def build_models_tab(desk: Desk, demo: gr.Blocks, header: Header) -> None:
    ModelsTab(desk, header).wire(demo)


class ModelsTab:
    """Layout, then wiring. Downloads belong to the studio; the page only looks."""

    def __init__(self, desk: Desk, header: Header) -> None:
        self.desk, self.header = desk, header
        gr.HTML(
            f"<h2>{esc(desk.words('tab.models'))}</h2><p class='tb-dim'>{esc(desk.words('models.info'))}</p>"
        )
        self.broken = gr.HTML(elem_id="engines-broken")
        self.ask = board("model-licence")
        self.area = board("models")
        self.hand = board("models-by-hand")
        self.seen: gr.State = gr.State([])
        self.ended = gr.State(0)
        self.timer = gr.Timer(EVERY_S, active=False)

    @property
    def outputs(self) -> list[Any]:
        return [self.area, self.ask, self.seen, self.timer]

    def wire(self, demo: gr.Blocks) -> None:
        on = self.desk.on
        on(demo.load, self.arrive, None, self.outputs)
        on(self.timer.tick, self.tick, [self.seen, self.ended], [*self.outputs, self.ended])
        for area in (self.area, self.ask):
            on(area.click, self.act, [self.seen], self.outputs)
        self.header.refresh(self.ended.change)
        on(demo.load, self.by_hand, None, [self.hand])
        for event in (demo.load, self.ended.change):
            on(event, self.unusable, None, [self.broken])
        looked = on(self.hand.click, self.look_again, None, [self.hand])
        self.header.refresh(looked.then)

    # Handlers

    def unusable(self, request: gr.Request) -> str:
        """The engines that cannot be used; why concerns those who can mend it."""
        may = self.desk.actor(request).may(Permission.MODELS)
        return broken_engines(self.desk.words, self.desk.studio.engines.broken(), may=may)

    def by_hand(self, request: gr.Request) -> str:
        """The models that people bring, as their folders are now."""
        return self._hand(self.desk.actor(request), self.desk.studio.model_desk.by_hand())

    def look_again(self, request: gr.Request) -> str:
        """Engines forget what they found and look afresh; says what is there now."""
        actor = self.desk.actor(request)
        states = self.desk.studio.model_desk.look_again(actor)
        here = sum(state.kind == "present" for state in states)
        gr.Info(self.desk.words("hand.looked", here=here, n=len(states)))
        return self._hand(actor, states, opened=True)

    def _hand(self, actor: Actor, states: list[HandState], *, opened: bool = False) -> str:
        may = actor.may(Permission.MODELS)
        root = str(self.desk.studio.models.root) if may else "storage/models"  # where it is concerns who may
        free = self.desk.studio.model_desk.free_bytes()
        return hand_section(self.desk.words, states, root, free, may=may, opened=opened)

    def arrive(self, request: gr.Request) -> tuple[Any, ...]:
        return self.drawn(self.desk.actor(request), [])

    def drawn(self, actor: Actor, seen: list[str], ask: Any = None) -> tuple[Any, ...]:
        """Updates for `outputs`; `seen` are the models that were being worked on a moment ago."""
        desk = self.desk.studio.model_desk
        running, may = desk.running(), actor.may(Permission.MODELS)
        catalogue = self.desk.studio.models.catalogue
        shown = [Shown(catalogue.model(s.model_id), s, running.get(s.model_id), may) for s in desk.states()]
        for model_id in set(seen) - set(running):
            self._tell(actor, model_id)
        cards = model_cards(self.desk.words, shown, desk.free_bytes())
        return cards, gr.skip() if ask is None else ask, list(running), gr.Timer(active=bool(running))

    def tick(self, seen: list[str], ended: int, request: gr.Request) -> tuple[Any, ...]:
        drawn = self.drawn(self.desk.actor(request), seen)
        return *drawn, ended + 1 if set(seen) - set(drawn[2]) else gr.skip()

    def act(self, seen: list[str], event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
        """A button of a model, or of the licence question."""
        actor, asked, studio = self.desk.actor(request), event._data, self.desk.studio
        ask: Any = ""
        match asked["act"]:
            case "pull":
                ask = self._pull(actor, asked["id"])
            case "accept":
                licence = studio.models.catalogue.model(asked["id"]).licence.id
                studio.licences.accept(actor, asked["id"], licence)
                studio.model_desk.pull(actor, asked["id"])
            case "verify":
                studio.model_desk.verify(actor, asked["id"])
            case "cancel":
                studio.model_desk.cancel(actor, asked["id"])
            case "remove":
                studio.model_desk.remove(actor, asked["id"])
                gr.Info(self.desk.words("models.removed"))
        return self.drawn(actor, seen, ask)

    def _pull(self, actor: Actor, model_id: str) -> str:
        """Begin, or ask for the licence first."""
        studio = self.desk.studio
        model = studio.models.catalogue.model(model_id)
        if model.needs_acceptance and not studio.licences.accepted(model.id, model.licence.id):
            actor.require(Permission.MODELS)
            return licence_card(self.desk.words, model, studio.model_desk.free_bytes())
        studio.model_desk.pull(actor, model_id)
        return ""

    def _tell(self, actor: Actor, model_id: str) -> None:
        """How work on a model ended."""
        words = self.desk.words
        live = self.desk.studio.model_desk.last(model_id)
        name = esc(self.desk.studio.models.catalogue.model(model_id).name)
        try:
            if live is not None:
                live.wait()
        except Cancelled as stopped:
            gr.Info(esc(stopped.text(actor.language)))
        except StudioError as trouble:
            gr.Warning(esc(trouble.text(actor.language)), title=name, duration=None)
        except Exception:  # noqa: BLE001  it is in the log, with its traceback
            gr.Warning(words("error.unexpected"), title=name, duration=None)
        else:
            gr.Info(words("models.done", model=name))
