"""The Train tab: a voice, its dataset, a preset; what it will take; launch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from studio.datasets.forms import DatasetView
from studio.errors import InputRefused, StudioError
from studio.privacy.access import Actor
from studio.synthesis.requests import VoiceChoice
from studio.training.forms import LaunchRequest, Trainable
from studio.training.plan import Method, TrainingPlan
from studio.training.presets import OWN, methods_of, preset_plan, presets_of
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import board, esc
from studio.ui.training.cards import dataset_card, engine_note, no_dataset, no_voice, verdict_card
from studio.ui.training.fields import FieldsPanel
from studio.ui.words import Words

SKIP = gr.skip()


def build_train_tab(desk: Desk, demo: gr.Blocks, header: Header, tabs: gr.Tabs, launched: gr.State) -> None:
    """`launched` counts up with every job that is launched: the Jobs tab listens."""
    TrainTab(desk, header, tabs, launched).wire(demo)


@dataclass(frozen=True)
class Asked:
    """The form as it stands."""

    voice: str
    dataset: str
    engine: str
    method: str
    preset: str
    replay: tuple[str, ...]
    values: dict[str, Any]

    def request(self, language: str) -> LaunchRequest:
        """What the service takes; refuses only what has no meaning to it."""
        if not self.engine or self.method not in {one.value for one in Method}:
            raise InputRefused("synthesis.no_engine")
        plan = TrainingPlan(self.engine, Method(self.method), language, self.preset or OWN, **self.values)
        return LaunchRequest(VoiceChoice.parse(self.voice).voice_id, self.dataset, plan, self.replay)


class TrainTab:
    """Layout, then wiring."""

    def __init__(self, desk: Desk, header: Header, tabs: gr.Tabs, launched: gr.State) -> None:
        self.desk, self.header, self.tabs, self.launched = desk, header, tabs, launched
        words = desk.words
        gr.HTML(f"<h2>{esc(words('train.title'))}</h2><p class='tb-dim'>{esc(words('train.info'))}</p>")
        self.lead = board("train-lead")
        with gr.Row(visible=False, equal_height=False, elem_id="train") as self.form:
            with gr.Column(scale=6, min_width=300):
                self._choices(words)
                with gr.Accordion(words("train.advanced"), open=False, elem_id="train-advanced"):
                    gr.HTML(f"<p class='tb-dim'>{esc(words('train.advanced_info'))}</p>")
                    self.fields = FieldsPanel(words)
                    self.replay = gr.Dropdown(
                        [], multiselect=True, label=words("train.replay"), info=words("train.replay_info"),
                        elem_id="train-replay",
                    )  # fmt: skip
                self.go = gr.Button(words("train.go"), variant="primary", elem_id="train-go")
            with gr.Column(scale=5, min_width=300):
                self.data = gr.HTML(elem_id="train-dataset-card")
                self.verdict = gr.HTML(elem_id="train-verdict-area")

    def _choices(self, words: Words) -> None:
        self.dataset = gr.Dropdown([], label=words("train.dataset"), elem_id="train-dataset")
        with gr.Row():
            self.engine = gr.Dropdown([], label=words("train.engine"), elem_id="train-engine")
            self.method = gr.Dropdown([], label=words("train.method"), elem_id="train-method")
        self.preset = gr.Radio([], label=words("train.preset"), elem_id="train-preset")
        self.note = board("train-note")

    # Wiring

    @property
    def inputs(self) -> list[Any]:
        head = [self.header.voice, self.dataset, self.engine, self.method, self.preset, self.replay]
        return [*head, *self.fields.widgets]

    def wire(self, demo: gr.Blocks) -> None:
        on, voice = self.desk.on, self.header.voice
        fitted = [self.lead, self.form, self.dataset, self.engine]
        for event in (demo.load, voice.change, self.tabs.select):
            on(event, self.fit, [voice, self.dataset, self.engine], fitted)
        chosen = [self.method, self.preset, self.note, *self.fields.widgets]
        on(self.engine.change, self.by_engine, [self.engine, self.dataset], chosen)
        on(
            self.preset.input,
            self.by_preset,
            [self.engine, self.dataset, self.preset],
            [self.method, *self.fields.widgets],
        )
        on(
            self.method.input,
            self.by_method,
            [self.engine, self.method, self.dataset],
            [self.preset, *self.fields.widgets],
        )
        for widget in (*self.fields.widgets, self.dataset, self.method, self.replay):
            self._watch(widget.change)
        on(self.dataset.change, self.card, [self.dataset], [self.data])
        on(self.dataset.change, self.replayable, [self.dataset, self.replay], [self.replay])
        for area in (self.lead, self.note):
            on(area.click, self.lead_on, None, [self.tabs])
        on(self.go.click, self.launch, [self.launched, *self.inputs], [self.launched, self.tabs])

    def _watch(self, event: Callable[..., Any]) -> None:
        self.desk.on(event, self.judged, self.inputs, [self.verdict], trigger_mode="always_last")

    # Handlers

    def fit(
        self, voice: str | None, dataset: str | None, engine: str | None, request: gr.Request
    ) -> list[Any]:
        """The voice's datasets and the engines that can be trained; or what to do first."""
        actor, words = self.desk.actor(request), self.desk.words
        voice_id = VoiceChoice.parse(voice).voice_id if voice else ""
        if not voice_id:
            return [no_voice(words), gr.Row(visible=False), SKIP, SKIP]
        datasets = self.desk.studio.datasets.list(actor, voice_id)
        if not datasets:
            return [no_dataset(words), gr.Row(visible=False), gr.Dropdown([], value=None), SKIP]
        names = [(self._name(one), one.id) for one in datasets]
        kept = dataset if dataset in {one.id for one in datasets} else datasets[0].id
        return ["", gr.Row(visible=True), gr.Dropdown(names, value=kept), self._engines(engine)]

    def _name(self, dataset: DatasetView) -> str:
        words = self.desk.words
        return (
            f"{dataset.name} · {words('train.kept_told', n=dataset.kept, time=words.seconds(dataset.kept_s))}"
        )

    def _engines(self, chosen: str | None) -> Any:
        specs = self.desk.studio.training.engines()
        ready = sorted(specs, key=lambda spec: bool(self._missing(spec)))
        ids = [spec.id for spec in ready]
        return gr.Dropdown(
            [(s.name, s.id) for s in ready], value=chosen if chosen in ids else next(iter(ids), None)
        )

    def _missing(self, spec: Trainable) -> tuple[str, ...]:
        return self.desk.studio.choices.engine(spec.id, self.desk.words.language).missing

    def _spec(self, engine: str) -> Trainable:
        return self.desk.studio.engines.spec(engine)

    def _language(self, actor: Actor, dataset: str | None) -> str:
        return (
            self.desk.studio.datasets.view(actor, dataset).language if dataset else self.desk.words.language
        )

    def by_engine(self, engine: str | None, dataset: str | None, request: gr.Request) -> list[Any]:
        """An engine's methods and presets, the first preset filled in."""
        actor, words = self.desk.actor(request), self.desk.words
        if not engine:
            return [
                gr.Dropdown([], value=None),
                gr.Radio([], value=None),
                "",
                *[SKIP] * len(self.fields.widgets),
            ]
        spec = self._spec(engine)
        plan = preset_plan(spec, presets_of(spec)[0], self._language(actor, dataset))
        methods = [(words(f"train.method_{m.value}"), m.value) for m in methods_of(spec)]
        presets = [(words(f"train.preset_{name}"), name) for name in (*presets_of(spec), OWN)]
        return [
            gr.Dropdown(methods, value=plan.method.value), gr.Radio(presets, value=plan.preset),
            engine_note(words, spec, self._missing(spec)), *self.fields.shown(plan),
        ]  # fmt: skip

    def by_preset(
        self, engine: str | None, dataset: str | None, preset: str | None, request: gr.Request
    ) -> list[Any]:
        actor = self.desk.actor(request)
        if not engine or preset in (None, "", OWN):
            return [SKIP, *[SKIP] * len(self.fields.widgets)]
        plan = preset_plan(self._spec(engine), str(preset), self._language(actor, dataset))
        return [plan.method.value, *self.fields.shown(plan)]

    def by_method(
        self, engine: str | None, method: str | None, dataset: str | None, request: gr.Request
    ) -> list[Any]:
        """Another kind of training: the defaults that fit it, under the preset "own"."""
        actor = self.desk.actor(request)
        if not engine or not method:
            return [SKIP, *[SKIP] * len(self.fields.widgets)]
        spec, wanted = self._spec(engine), Method(method)
        start = presets_of(spec)[-1 if wanted is Method.FULL else 0]
        plan = replace(preset_plan(spec, start, self._language(actor, dataset)), method=wanted, preset=OWN)
        return [OWN, *self.fields.shown(plan)]

    def card(self, dataset: str | None, request: gr.Request) -> str:
        actor = self.desk.actor(request)
        return (
            dataset_card(self.desk.words, self.desk.studio.datasets.view(actor, dataset)) if dataset else ""
        )

    def replayable(self, dataset: str | None, chosen: list[str] | None, request: gr.Request) -> Any:
        """The actor's datasets in other languages than the chosen one's."""
        actor = self.desk.actor(request)
        language = self._language(actor, dataset)
        others = [
            one for one in self.desk.studio.datasets.list(actor) if one.ready and one.language != language
        ]
        names = [(f"{one.voice_name} · {self._name(one)}", one.id) for one in others]
        return gr.Dropdown(names, value=[one.id for one in others if one.id in (chosen or [])])

    def judged(self, request: gr.Request, *values: Any) -> str:
        """The verdict on the form as it stands; what is wrong with it, where it cannot be judged."""
        actor, words = self.desk.actor(request), self.desk.words
        if not all(values[:4]):  # voice, dataset, engine and method: the form is not filled in yet
            return ""
        try:
            found = self.desk.studio.training.predict(actor, self.read(actor, values))
        except StudioError as error:
            return f'<p class="tb-note warn">{esc(error.text(words.language))}</p>'
        return verdict_card(words, found, self.desk.studio.training.machine(values[2]))

    def read(self, actor: Actor, values: tuple[Any, ...]) -> LaunchRequest:
        voice, dataset, engine, method, preset, replay, *rest = values
        asked = Asked(
            voice or "",
            dataset or "",
            engine or "",
            method or "",
            preset or "",
            tuple(replay or ()),
            self.fields.read(tuple(rest)),
        )
        wanted = asked.request(self._language(actor, asked.dataset))
        return replace(wanted, plan=self._named(wanted.plan))

    def _named(self, plan: TrainingPlan) -> TrainingPlan:
        """Under its preset's name only as long as it is the preset."""
        spec = self._spec(plan.engine_id)
        if plan.preset in presets_of(spec) and plan != preset_plan(spec, plan.preset, plan.language):
            return replace(plan, preset=OWN)
        return plan

    def launch(self, request: gr.Request, launched: int, *values: Any) -> tuple[Any, ...]:
        """Queue the job and go where it can be watched."""
        actor = self.desk.actor(request)
        if not values[0] or not VoiceChoice.parse(values[0]).voice_id:
            raise InputRefused("synthesis.no_voice")
        if not values[1]:
            raise InputRefused("training.no_dataset")
        self.desk.studio.training.submit(actor, self.read(actor, values))
        gr.Info(self.desk.words("train.launched"))
        return launched + 1, gr.Tabs(selected="jobs")

    def lead_on(self, event: gr.EventData, request: gr.Request) -> Any:
        self.desk.actor(request)
        return gr.Tabs(selected=event._data["act"])
