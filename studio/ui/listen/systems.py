"""The systems of a test that is being designed: chosen one by one, listed, removed."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.audio.decode import decode
from studio.errors import InputRefused
from studio.listening.forms import MOST_ITEMS, Recorded, SpokenBy, SystemForm, Uploaded
from studio.synthesis.choices import VoiceOption
from studio.synthesis.requests import VoiceChoice
from studio.ui.desk import Desk
from studio.ui.listen.whose import Whose
from studio.ui.markup import badge, board, button, esc
from studio.ui.trained import trained_of
from studio.ui.uploads import take_in
from studio.ui.words import Words


@dataclass(frozen=True, eq=False)
class Picked:
    """A system in the list; `reference`: it is what the others are compared with.

    Compared by identity: Gradio hashes what a page's state holds, and options and samples have no hash.
    """

    form: SystemForm
    reference: bool = False


Systems = list[Picked]


def system_list(words: Words, systems: Systems) -> str:
    """What was picked so far."""
    if not systems:
        return f'<p class="tb-note">{esc(words("listen.no_systems"))}</p>'
    rows = "".join(_row(words, number, one) for number, one in enumerate(systems))
    return f'<div class="tb-list" id="listen-picked">{rows}</div>'


def _row(words: Words, number: int, one: Picked) -> str:
    match one.form.source:
        case SpokenBy(engine_id=engine_id, adapter_id=adapter_id):
            key = "listen.source_trained" if adapter_id else "listen.source_voice"
            told = words(key, engine=engine_id)
        case Recorded():
            told = words("listen.source_recordings")
        case Uploaded(clips):
            told = words("listen.source_clips", n=len(clips))
    role = badge(words("listen.reference_word"), "good") if one.reference else ""
    turn = words("listen.as_system" if one.reference else "listen.as_reference")
    return (
        f'<div class="tb-row"><b>{esc(one.form.name)}</b><span class="tb-dim">{esc(told)}</span>{role}'
        f"{button('turn', turn, number=number)}{button('drop', words('do.remove'), kind='risk', number=number)}</div>"
    )


def _kept(chosen: str | None, fitting: dict[str, str]) -> str | None:
    """The chosen engine where it fits, else the first that does."""
    return chosen if chosen in fitting else next(iter(fitting), None)


class SystemsPanel:
    """Adds voices, speakers' recordings and clips."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        words = desk.words
        self.picked: gr.State = gr.State([], time_to_live=7200)
        with gr.Row():
            self.voice = gr.Dropdown([], label=words("listen.voice"), elem_id="listen-voice", scale=3)
            self.engine = gr.Dropdown([], label=words("listen.engine"), elem_id="listen-engine", scale=2)
            self.trained = gr.Dropdown(
                [(words("clone.untrained"), "")], value="", visible=False, label=words("clone.trained"),
                elem_id="listen-adapter", scale=2,
            )  # fmt: skip
            self.name = gr.Textbox(
                label=words("listen.system_name"), info=words("listen.system_name_info"), max_length=60,
                elem_id="listen-system-name", scale=2,
            )  # fmt: skip
        with gr.Row():
            self.add = gr.Button(words("listen.add_voice"), elem_id="listen-add-voice")
            self.add_recordings = gr.Button(
                words("listen.add_recordings"), interactive=False, elem_id="listen-add-recordings"
            )
        with gr.Row():
            self.whose = Whose(desk, "listen-whose")
            self.bring = gr.UploadButton(
                words("listen.add_clips"),
                file_types=["audio"],
                file_count="multiple",
                elem_id="listen-add-clips",
            )
        self.area = board("listen-systems", system_list(words, []))

    def wire(self, demo: gr.Blocks, header_voice: Any) -> None:
        on = self.desk.on
        for event in (demo.load, header_voice.change):
            on(event, self.voices, [self.voice], [self.voice])
            on(event, self.whose.speakers, [self.whose.picked], [self.whose.picked])
        on(self.voice.change, self.fit, [self.voice, self.engine], [self.engine, self.add_recordings])
        for event in (self.voice.change, self.engine.change):
            on(event, self.fit_trained, [self.voice, self.engine, self.trained], [self.trained])
        shown = [self.picked, self.area, self.name]
        spoken = [self.voice, self.engine, self.trained, self.name, self.picked]
        on(self.add.click, self.add_voice, spoken, shown)
        on(self.add_recordings.click, self.add_recorded, [self.voice, self.name, self.picked], shown)
        brought = [self.bring, self.whose.picked, self.name, self.picked]
        on(self.bring.upload, self.add_clips, brought, shown, progress="minimal")
        on(self.area.click, self.change, [self.picked], [self.picked, self.area])

    # Handlers

    def voices(self, chosen: str | None, request: gr.Request) -> Any:
        options = self.desk.studio.choices.voices(self.desk.actor(request))
        keys = [one.key for one in options if one.usable]
        names = [(self._label(one), one.key) for one in options if one.usable]
        return gr.Dropdown(names, value=chosen if chosen in keys else keys[0] if keys else None)

    def _label(self, option: VoiceOption) -> str:
        words = self.desk.words
        more = words.language_name(option.language), option.engine_id or words("header.own")
        return " · ".join((option.name, *more))

    def fit(self, voice: str | None, engine: str | None, request: gr.Request) -> tuple[Any, Any]:
        """Engines that speak with the voice and are ready; recordings only of enrolled voices."""
        self.desk.actor(request)
        if not voice:
            return gr.Dropdown([], value=None), gr.Button(interactive=False)
        own, fitting = VoiceChoice.parse(voice).engine_id, self._fitting(voice)
        choices = [(name, engine_id) for engine_id, name in fitting.items()]
        value = _kept(engine, fitting)
        return gr.Dropdown(choices, value=value), gr.Button(interactive=not own)

    def fit_trained(
        self, voice: str | None, engine: str | None, chosen: str | None, request: gr.Request
    ) -> Any:
        """What was trained of the voice for the engine; hidden where nothing was."""
        found = trained_of(self.desk, self.desk.actor(request), voice, engine)
        choices = [(self.desk.words("clone.untrained"), ""), *found]
        value = chosen if chosen in [key for _, key in found] else ""
        return gr.Dropdown(choices, value=value, visible=bool(found))

    def _fitting(self, voice: str) -> dict[str, str]:
        """Name by id of the engines that speak with a voice and are ready."""
        own = VoiceChoice.parse(voice).engine_id
        engines = self.desk.studio.choices.engines(self.desk.words.language)
        return {e.id: e.name for e in engines if e.ready and (e.id == own if own else e.clones)}

    def add_voice(
        self,
        voice: str | None,
        engine: str | None,
        trained: str | None,
        name: str,
        picked: Systems,
        request: gr.Request,
    ) -> tuple[Systems, str, str]:
        actor = self.desk.actor(request)
        if not voice:
            raise InputRefused("synthesis.no_voice")
        # The page may not yet have fitted the engine, or what was trained, to a voice chosen a moment ago.
        engine = _kept(engine, self._fitting(voice))
        if not engine:
            raise InputRefused("synthesis.no_engine")
        known = {key: label for label, key in trained_of(self.desk, actor, voice, engine)}
        adapter_id = trained if trained in known else ""
        label = name.strip() or " · ".join(
            (self._voice_name(voice, request), engine, *([known[adapter_id]] if adapter_id else []))
        )
        return self._with(picked, SystemForm(label, SpokenBy(voice, engine, adapter_id=adapter_id)))

    def add_recorded(
        self, voice: str | None, name: str, picked: Systems, request: gr.Request
    ) -> tuple[Systems, str, str]:
        """The chosen voice's own recordings; presets have none."""
        self.desk.actor(request)
        voice_id = VoiceChoice.parse(voice).voice_id if voice else ""
        if not voice_id:
            raise InputRefused("synthesis.no_voice")
        label = (
            name.strip()
            or f"{self._voice_name(str(voice), request)} · {self.desk.words('listen.recordings_word')}"
        )
        return self._with(picked, SystemForm(label, Recorded(voice_id)))

    def add_clips(
        self, paths: list[str] | None, whose: str | None, name: str, picked: Systems, request: gr.Request
    ) -> tuple[Systems, str, str]:
        """Uploaded clips as one system, in the order of their names; `whose`: the enrolled voice in them."""
        self.desk.actor(request)
        limit = self.desk.studio.settings.upload_limit_mb
        uploads = sorted((take_in(path, "upload", limit) for path in paths or []), key=lambda one: one.name)
        if len(uploads) > MOST_ITEMS:
            raise InputRefused("listening.sentences", most=MOST_ITEMS)
        clips = tuple(decode(one.data, one.name) for one in uploads)
        label = name.strip() or f"{self.desk.words('listen.clips_word')} {len(picked) + 1}"
        return self._with(picked, SystemForm(label, Uploaded(clips, whose or "")))

    def _voice_name(self, key: str, request: gr.Request) -> str:
        options = self.desk.studio.choices.voices(self.desk.actor(request))
        return next((one.name for one in options if one.key == key), key)

    def _with(self, picked: Systems, form: SystemForm) -> tuple[Systems, str, str]:
        picked = [*picked, Picked(form)]
        return picked, system_list(self.desk.words, picked), ""

    def change(self, picked: Systems, event: gr.EventData, request: gr.Request) -> tuple[Systems, str]:
        """Remove a system, or make it the reference (there is one at most)."""
        self.desk.actor(request)
        number = int(event._data["number"])
        if number < len(picked):
            if event._data["act"] == "drop":
                picked = [*picked[:number], *picked[number + 1 :]]
            else:
                turned = not picked[number].reference
                picked = [Picked(one.form, turned and place == number) for place, one in enumerate(picked)]
        return picked, system_list(self.desk.words, picked)
