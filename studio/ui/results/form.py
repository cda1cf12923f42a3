"""What to measure: sentences, engine, recogniser; people's own lists with recordings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from studio.audio.clip import AudioClip
from studio.audio.decode import decode
from studio.errors import InputRefused
from studio.privacy.access import Actor
from studio.scores.requests import EvaluationRequest, System
from studio.scores.sentences import MOST_SENTENCES, OWN, SentenceSet, built_in, built_in_set, first, own_list
from studio.synthesis.choices import EngineChoice
from studio.synthesis.requests import VoiceChoice
from studio.synthesis.trained import TrainedChoice
from studio.ui.clone.options import OptionsPanel
from studio.ui.desk import Desk
from studio.ui.markup import esc
from studio.ui.uploads import take_in, take_in_text

MOST_CHARACTERS = 400_000
MOST_RECORDINGS = 100
Recorded = list[tuple[str, AudioClip]]


@dataclass(frozen=True)
class Asked:
    """The form as it stands."""

    voice: str
    set_id: str
    lines: str
    language: str
    recordings: Recorded
    most: float
    engine: str
    recogniser: str
    seed: float
    fresh: bool
    trained: TrainedChoice | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def request(self) -> EvaluationRequest:
        """What the service takes; refuses only what has no meaning to it."""
        if not self.voice:
            raise InputRefused("synthesis.no_voice")
        if not self.engine:
            raise InputRefused("synthesis.no_engine")
        system = System(self.engine, VoiceChoice.parse(self.voice), self.options)
        if self.trained is not None:
            system = system.speaking_with(self.trained)
        chosen = first(self.sentences(), int(self.most or 0))
        return EvaluationRequest(system, chosen, int(self.seed or 0), self.recogniser, self.fresh)

    def sentences(self) -> SentenceSet:
        if self.set_id != OWN:
            return built_in_set(self.set_id)
        return own_list(self.lines, self.language, dict(self.recordings))


class FormPanel:
    """The inputs of the Results tab."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        gr.HTML(
            f"<h2>{esc(words('results.title'))}</h2><p class='tb-dim'>{esc(words('results.info'))}</p>"
            f"<p class='tb-dim'>{esc(words('results.voice'))}</p>"
        )
        with gr.Row():
            sets = [(one.title(words.language), one.id) for one in built_in()] + [(words("results.own"), OWN)]
            self.set = gr.Dropdown(
                sets, value=built_in()[0].id, label=words("results.set"), elem_id="results-set"
            )
            self.engine = gr.Dropdown([], label=words("results.engine"), elem_id="results-engine")
            self.trained = gr.Dropdown(
                [(words("clone.untrained"), "")], value="", visible=False, label=words("clone.trained"),
                elem_id="results-trained",
            )  # fmt: skip
            self.most = gr.Number(
                20, precision=0, minimum=0, maximum=MOST_SENTENCES, label=words("results.most"),
                info=words("results.most_info"), elem_id="results-most", min_width=110,
            )  # fmt: skip
        self._own()
        self._options()
        with gr.Accordion(words("results.more"), open=False, elem_id="results-more"):
            choices = [
                (f"{one.id}: {one.model}", one.id) for one in desk.studio.evaluations.recognisers.choices()
            ]
            with gr.Row():
                self.recogniser = gr.Dropdown(
                    choices, value=choices[0][1], label=words("results.recogniser"),
                    info=words("results.recogniser_info"), elem_id="results-recogniser", scale=3,
                )  # fmt: skip
                self.seed = gr.Number(0, precision=0, minimum=0, label=words("results.seed"), min_width=110)
            self.fresh = gr.Checkbox(
                label=words("results.fresh"), info=words("results.fresh_info"), elem_id="results-fresh"
            )

    def _options(self) -> None:
        """The engine's options: two settings are two systems, and two rows of the table."""
        words = self.desk.words
        with gr.Accordion(words("results.options"), open=False, elem_id="results-options"):
            self.speed = gr.Slider(
                0.5, 2.0, value=1.0, step=0.05, label=words("clone.speed"), elem_id="results-speed"
            )
            engines = self.desk.studio.choices.engines(words.language)
            self.options = OptionsPanel(words, engines, "results-option")

    def _own(self) -> None:
        """The list of one's own; hidden until it is chosen."""
        words = self.desk.words
        with gr.Group(visible=False) as self.own:
            self.lines = gr.Textbox(
                label=words("results.list"), info=words("results.list_info"), lines=5, max_lines=14,
                elem_id="results-list",
            )  # fmt: skip
            self.language = gr.Dropdown(
                self._languages(), value=words.language, label=words("results.list_language"),
                elem_id="results-language",
            )  # fmt: skip
            gr.HTML(f'<p class="tb-dim">{esc(words("results.recordings_info"))}</p>')
            with gr.Row():
                self.load = gr.UploadButton(words("results.load"), file_types=[".csv", ".txt"], size="md")
                self.bring = gr.UploadButton(
                    words("results.recordings"), file_types=["audio"], file_count="multiple", size="md"
                )
                self.forget = gr.Button(words("results.forget"))
            self.told = gr.HTML(elem_id="results-recordings")
        self.recordings: gr.State = gr.State([], time_to_live=3600)

    def _languages(self) -> list[tuple[str, str]]:
        """Every language some engine here speaks, the studio's two first."""
        engines = self.desk.studio.choices.engines(self.desk.words.language)
        spoken = {code for engine in engines for code in engine.languages} | {"it", "en"}
        named = [(self.desk.words.language_name(code), code) for code in spoken]
        return sorted(named, key=lambda one: (one[1] not in ("it", "en"), one[0]))

    @property
    def inputs(self) -> list[Any]:
        """In the order of `Asked`, the voice before them."""
        return [
            self.set, self.lines, self.language, self.recordings, self.most, self.engine, self.recogniser, self.seed,
            self.fresh, self.trained, self.speed, *self.options.widgets,
        ]  # fmt: skip

    def read(self, actor: Actor, voice: str | None, values: tuple[Any, ...]) -> Asked:
        set_id, lines, language, recordings, most, engine, recogniser, seed, fresh, trained, speed, *rest = (
            values
        )
        options = {"speed": speed or 1.0, **self.options.read(engine or "", tuple(rest))}
        chosen = self.desk.studio.synthesis.trained.choice(actor, trained) if trained else None
        return Asked(
            voice or "", set_id or "", lines or "", language or "", recordings or [], most or 0, engine or "",
            recogniser or "", seed or 0, bool(fresh), chosen, options,
        )  # fmt: skip

    def wire(self, voice: Any) -> None:
        on = self.desk.on
        on(voice.change, self.fit, [voice, self.engine, self.set], [self.engine, self.set])
        for event in (voice.change, self.engine.change):
            on(event, self.fit_trained, [voice, self.engine, self.trained], [self.trained])
        on(self.engine.change, self.options.shown, [self.engine], list(self.options.groups.values()))
        on(self.set.change, lambda chosen: gr.Group(visible=chosen == OWN), [self.set], [self.own])
        on(self.load.upload, lambda path: take_in_text(path, MOST_CHARACTERS), [self.load], [self.lines])
        on(
            self.bring.upload,
            self.take_recordings,
            [self.bring, self.recordings],
            [self.recordings, self.told],
        )
        on(self.forget.click, lambda: ([], ""), None, [self.recordings, self.told])

    # Handlers

    def fit(self, voice: str | None, engine: str | None, set_id: str, request: gr.Request) -> tuple[Any, Any]:
        """Engines that fit the voice, and sentences in its language."""
        actor = self.desk.actor(request)
        fitting = self._fitting(voice)
        wished = [engine, self.desk.studio.accounts.preferences(actor)["engine"]]
        chosen = next(
            (e.id for name in wished for e in fitting if e.id == name), fitting[0].id if fitting else None
        )
        return gr.Dropdown([(one.name, one.id) for one in fitting], value=chosen), self._set_for(
            actor, voice, set_id
        )

    def fit_trained(
        self, voice: str | None, engine: str | None, chosen: str | None, request: gr.Request
    ) -> Any:
        """What was trained of the voice for the engine; hidden where nothing was."""
        actor, words = self.desk.actor(request), self.desk.words
        voice_id = VoiceChoice.parse(voice).voice_id if voice else ""
        found = (
            self.desk.studio.synthesis.trained.choices(actor, voice_id, engine, checkpoints=True)
            if voice_id and engine
            else ()
        )
        named = [(words(f"clone.trained_{one.kind}", name=one.name), one.id) for one in found]
        value = chosen if chosen in {one.id for one in found} else ""
        return gr.Dropdown([(words("clone.untrained"), ""), *named], value=value, visible=bool(found))

    def _fitting(self, voice: str | None) -> list[EngineChoice]:
        if not voice:
            return []
        own = VoiceChoice.parse(voice).engine_id
        engines = self.desk.studio.choices.engines(self.desk.words.language)
        return [one for one in engines if one.ready and (one.id == own if own else one.clones)]

    def _set_for(self, actor: Actor, voice: str | None, set_id: str) -> Any:
        """The first set in the voice's language, unless the chosen one fits or is one's own."""
        language = next((v.language for v in self.desk.studio.choices.voices(actor) if v.key == voice), "")
        fits = [one.id for one in built_in() if one.language == language]
        return fits[0] if fits and set_id != OWN and set_id not in fits else gr.skip()

    def take_recordings(
        self, paths: list[str] | None, kept: Recorded, request: gr.Request
    ) -> tuple[Recorded, str]:
        """Decode what was uploaded; it stays in this page's memory."""
        self.desk.actor(request)
        limit = self.desk.studio.settings.upload_limit_mb
        uploads = [take_in(path, "upload", limit) for path in paths or []]
        found = {**dict(kept), **{one.name: decode(one.data, one.name) for one in uploads}}
        if len(found) > MOST_RECORDINGS:
            raise InputRefused("scores.too_many_recordings", count=len(found), most=MOST_RECORDINGS)
        names = ", ".join(sorted(found)[:5]) + ("…" if len(found) > 5 else "")
        told = self.desk.words("results.recordings_told", n=len(found), names=names)
        return list(found.items()), f'<p class="tb-note good">{esc(told)}</p>'
