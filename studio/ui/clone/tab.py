"""The Clone tab: what to say and how on one side, what it sounds like on the other; batches and history below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.consent.purposes import Purpose
from studio.errors import InputRefused, NotFound, StudioError
from studio.privacy.access import Actor
from studio.synthesis.choices import EngineChoice
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.synthesis.trained import TrainedChoice
from studio.ui.clone.batch import BatchPanel
from studio.ui.clone.options import OptionsPanel
from studio.ui.clone.preview import PreviewPanel
from studio.ui.clone.takes import HistoryPanel
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import badge, board, button, esc
from studio.ui.uploads import take_in_text

PURPOSES = (Purpose.INTERNAL_USE, Purpose.COMMERCIAL_USE)
DICE = "() => Math.floor(Math.random() * 2147483647)"


def build_clone_tab(desk: Desk, demo: gr.Blocks, header: Header, tabs: gr.Tabs) -> None:
    CloneTab(desk, header, tabs).wire(demo)


@dataclass(frozen=True)
class Asked:
    """The settings side as it stands."""

    voice: str
    text: str
    language: str
    engine: str
    speed: float
    seed: float
    purpose: str
    fresh: bool
    notice: bool
    trained: str
    options: dict[str, object]

    def request(self) -> SynthesisRequest:
        """What the service takes; refuses only what has no meaning to it."""
        if not self.voice:
            raise InputRefused("synthesis.no_voice")
        if not self.engine:
            raise InputRefused("synthesis.no_engine")
        options = {**self.options, "speed": self.speed, "seed": int(self.seed or 0)}
        purpose = Purpose(self.purpose) if self.purpose in set(PURPOSES) else Purpose.INTERNAL_USE
        voice = VoiceChoice.parse(self.voice)
        return SynthesisRequest(
            voice,
            self.text,
            self.language,
            self.engine,
            options,
            purpose,
            self.trained,
            fresh=self.fresh,
            notice=self.notice,
        )


class CloneTab:
    """Layout, then wiring."""

    def __init__(self, desk: Desk, header: Header, tabs: gr.Tabs) -> None:
        self.desk, self.header, self.tabs = desk, header, tabs
        self.engines = desk.studio.choices.engines(desk.words.language)
        with gr.Row(equal_height=False, elem_id="clone"):
            with gr.Column(scale=6, min_width=300):
                self._text()
                self._how()
                self.preview = PreviewPanel(desk)
            with gr.Column(scale=5, min_width=300):
                self.preview.layout()
        self.batch = BatchPanel(desk)
        self.history = HistoryPanel(desk)

    def _text(self) -> None:
        words = self.desk.words
        self.text = gr.Textbox(
            label=words("clone.text"), placeholder=words("clone.sample"), lines=7, max_lines=18, elem_id="clone-text",
            info=words("clone.keys"),
        )  # fmt: skip
        with gr.Row():
            self.sample = gr.Button(words("clone.use_sample"), size="sm")
            self.load = gr.UploadButton(words("clone.load"), file_types=[".txt"], size="sm")
        with gr.Accordion(words("clone.spoken"), open=False, elem_id="clone-spoken"):
            self.spoken = gr.HTML()

    def _how(self) -> None:
        words = self.desk.words
        with gr.Row():
            self.engine = gr.Dropdown([], label=words("clone.engine"), elem_id="clone-engine", min_width=200)
            self.language = gr.Dropdown(
                [], label=words("clone.language"), elem_id="clone-language", min_width=140
            )
        self.note = board("engine-note")
        self.trained = gr.Dropdown(
            [(words("clone.untrained"), "")], value="", visible=False, label=words("clone.trained"),
            info=words("clone.trained_info"), elem_id="clone-adapter",
        )  # fmt: skip
        with gr.Accordion(words("clone.more"), open=False, elem_id="clone-more"):
            with gr.Row():
                self.speed = gr.Slider(
                    0.5, 2.0, value=1.0, step=0.05, label=words("clone.speed"), elem_id="clone-speed"
                )
                self.seed = gr.Number(
                    0,
                    precision=0,
                    minimum=0,
                    label=words("clone.seed"),
                    info=words("clone.seed_info"),
                    elem_id="clone-seed",
                )
                self.dice = gr.Button(words("clone.dice"), size="sm", scale=0, min_width=110)
            purposes = [(words(f"purpose.{purpose}"), purpose.value) for purpose in PURPOSES]
            self.purpose = gr.Radio(purposes, value=Purpose.INTERNAL_USE.value, label=words("clone.purpose"))
            self.fresh = gr.Checkbox(label=words("clone.fresh"), info=words("clone.fresh_info"))
            self.notice = gr.Checkbox(
                self.desk.studio.settings.spoken_notice,
                label=words("clone.notice"),
                info=words("clone.notice_info"),
                elem_id="clone-notice",
            )
            self.options = OptionsPanel(words, self.engines)

    # Wiring

    @property
    def settings(self) -> list[Any]:
        """Inputs, in the order of `read`."""
        return [
            self.header.voice, self.text, self.language, self.engine, self.speed, self.seed, self.purpose, self.fresh,
            self.notice, self.trained, *self.options.widgets,
        ]  # fmt: skip

    def read(self, values: tuple[Any, ...]) -> Asked:
        voice, text, language, engine, speed, seed, purpose, fresh, notice, trained, *options = values
        own = self.options.read(engine or "", tuple(options))
        return Asked(
            voice or "", text or "", language or "", engine or "", speed, seed, purpose, bool(fresh), bool(notice),
            trained or "", own,
        )  # fmt: skip

    def wire(self, demo: gr.Blocks) -> None:
        on, voice = self.desk.on, self.header.voice
        fitted = [self.engine, self.language, self.note, *self.options.groups.values()]
        on(voice.change, self.fit, [voice, self.engine, self.language], fitted)
        on(self.engine.input, self.fit, [voice, self.engine, self.language], fitted)
        trained = [voice, self.engine, self.trained]
        for event in (self.engine.change, voice.change, self.tabs.select):
            on(event, self.fit_trained, trained, [self.trained])
        on(self.note.click, lambda: gr.Tabs(selected="models"), None, [self.tabs])
        on(self.sample.click, lambda: self.desk.words("clone.sample"), None, [self.text])
        self.dice.click(None, None, [self.seed], js=DICE, api_visibility="private")
        on(self.load.upload, self.read_text, [self.load], [self.text])
        for event in (self.text.change, self.language.change, self.engine.change):
            inputs = [self.text, self.language, self.engine]
            on(event, self.prepared, inputs, [self.spoken], trigger_mode="always_last")
        history = self.history.wire(demo, self)
        self.preview.wire(demo, self, history)
        self.batch.wire(demo, self, history)

    # Handlers

    def fit(
        self, voice: str | None, engine: str | None, language: str | None, request: gr.Request
    ) -> list[Any]:
        """Offer what fits the voice: its own engine for a preset, the cloning ones for an enrolled voice."""
        return self.fitted(self.desk.actor(request), voice, engine, language)

    def fitted(self, actor: Actor, voice: str | None, engine: str | None, language: str | None) -> list[Any]:
        """Engine, language, note and the groups of options, as they fit a voice; wishes are kept where they can be."""
        fitting = self.fitting(voice)
        wished = [engine, self.desk.studio.accounts.preferences(actor)["engine"]]
        chosen = next(
            (e for name in wished for e in fitting if e.id == name), fitting[0] if fitting else None
        )
        names = [(self._engine_label(one), one.id) for one in fitting]
        choices = gr.Dropdown(choices=names, value=chosen.id if chosen else None)
        groups = self.options.shown(chosen.id if chosen else None)
        return [choices, self._languages(actor, voice, chosen, language), self._note(chosen), *groups]

    def fit_trained(
        self, voice: str | None, engine: str | None, chosen: str | None, request: gr.Request
    ) -> Any:
        return self.trained_for(self.desk.actor(request), voice, engine, chosen)

    def trained_for(self, actor: Actor, voice: str | None, engine: str | None, chosen: str | None) -> Any:
        """What was trained of the voice for the engine, as a selector; hidden where nothing was."""
        words, found = self.desk.words, self.trained_of(actor, voice, engine)
        named = [(words(f"clone.trained_{one.kind}", name=one.name), one.id) for one in found]
        value = chosen if chosen in {one.id for one in found} else ""
        return gr.Dropdown([(words("clone.untrained"), ""), *named], value=value, visible=bool(found))

    def trained_of(self, actor: Actor, voice: str | None, engine: str | None) -> Sequence[TrainedChoice]:
        """Adapters, then kept checkpoints."""
        voice_id = VoiceChoice.parse(voice).voice_id if voice else ""
        if not voice_id or not engine:
            return ()
        try:
            return self.desk.studio.synthesis.trained.choices(actor, voice_id, engine, checkpoints=True)
        except NotFound:  # the voice was erased in another window: the selector says so at its next look
            return ()

    def fitting(self, voice: str | None) -> list[EngineChoice]:
        engines = self.desk.studio.choices.engines(self.desk.words.language)
        if not voice:
            return []
        own = VoiceChoice.parse(voice).engine_id
        return [one for one in engines if (one.id == own if own else one.clones)]

    def _engine_label(self, engine: EngineChoice) -> str:
        return engine.name if engine.ready else f"{engine.name} ({self.desk.words('clone.missing')})"

    def _languages(
        self, actor: Actor, voice: str | None, engine: EngineChoice | None, language: str | None
    ) -> Any:
        if engine is None:
            return gr.Dropdown(choices=[], value=None)
        native = next((v.language for v in self.desk.studio.choices.voices(actor) if v.key == voice), "")
        wished = [language, native, self.desk.words.language, engine.languages[0]]
        value = next(code for code in wished if code in engine.languages)
        return gr.Dropdown(
            [(self.desk.words.language_name(code), code) for code in engine.languages], value=value
        )

    def _note(self, engine: EngineChoice | None) -> str:
        """What the engine is, what its licence permits, and what to fetch before it can speak."""
        words = self.desk.words
        if engine is None:
            return f'<p class="tb-note">{esc(words("clone.choose_voice"))}</p>'
        licence = badge(
            words("licence.commercial" if engine.commercial else "licence.noncommercial"),
            "good" if engine.commercial else "warn",
        )
        text = f'<p class="tb-dim">{esc(engine.summary)} {licence}</p>'
        if engine.ready:
            return text
        told = words("clone.fetch", models=", ".join(engine.missing))
        way = button("models", words("clone.to_models"), kind="go")
        return text + f'<div class="tb-note warn"><p>{esc(told)}</p>{way}</div>'

    def read_text(self, path: str | None) -> str:
        return take_in_text(path, self.desk.studio.settings.text_limit) if path else ""

    def prepared(self, text: str, language: str | None, engine: str | None) -> str:
        """The text as it will be spoken, chunk by chunk."""
        if not (text or "").strip() or not language or not engine:
            return f'<p class="tb-dim">{esc(self.desk.words("clone.spoken_empty"))}</p>'
        try:
            prepared = self.desk.studio.synthesis.prepare(text, language, engine)
        except StudioError as trouble:
            return f'<p class="tb-note warn">{esc(trouble.text(self.desk.words.language))}</p>'
        chunks = "".join(f"<li>{esc(chunk)}</li>" for chunk in prepared.chunks)
        told = self.desk.words("clone.spoken_told", n=len(prepared.chunks), letters=len(prepared.normalised))
        return f'<p class="tb-dim">{esc(told)}</p><ol class="tb-chunks">{chunks}</ol>'
