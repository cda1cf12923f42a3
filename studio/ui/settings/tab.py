"""The Settings tab: what this account likes, what this studio is, who may enter."""

from typing import Any

import gradio as gr

from studio.audio.formats import AudioFormat
from studio.ui.addresses import PATHS
from studio.ui.desk import Desk
from studio.ui.header import Header
from studio.ui.markup import esc, facts
from studio.ui.settings.access import AccessPanel
from studio.ui.settings.accounts import AccountsPanel
from studio.ui.settings.api_keys import KeysPanel
from studio.work.about import about

SET_THEME = "(name) => { if (window.timbro) window.timbro.setTheme(name); }"
GET_THEME = "() => window.timbro ? window.timbro.theme() : 'system'"


def build_settings_tab(desk: Desk, demo: gr.Blocks, header: Header) -> None:
    SettingsTab(desk, header).wire(demo)


class SettingsTab:
    """Layout, then wiring."""

    def __init__(self, desk: Desk, header: Header) -> None:
        self.desk, self.header = desk, header
        words = desk.words
        gr.HTML(f"<h2>{esc(words('tab.settings'))}</h2>")
        with gr.Row():
            languages = [(words.language_name(code), code) for code in PATHS]
            self.language = gr.Radio(
                languages, value=words.language, label=words("settings.language"), elem_id="set-language"
            )
            themes = [(words(f"theme.{name}"), name) for name in ("system", "light", "dark")]
            self.theme = gr.Radio(themes, value="system", label=words("settings.theme"), elem_id="set-theme")
        with gr.Row():
            engines = [(words("settings.automatic"), "")] + [
                (e.name, e.id) for e in desk.studio.choices.engines(words.language)
            ]
            self.engine = gr.Dropdown(engines, value="", label=words("settings.engine"), elem_id="set-engine")
            formats = [(words("settings.no_format"), "")] + [(f.label, f.value) for f in AudioFormat]
            self.format = gr.Dropdown(formats, value="", label=words("settings.format"), elem_id="set-format")
        self.access = AccessPanel(desk)
        self.keys = KeysPanel(desk)
        gr.HTML(f"<h3>{esc(words('about.title'))}</h3>")
        self.about = gr.HTML()
        gr.HTML(licences(desk))
        self.accounts = AccountsPanel(desk)

    def wire(self, demo: gr.Blocks) -> None:
        on = self.desk.on
        on(self.language.input, self.speak, [self.language], [self.header.goto])
        self.theme.input(None, [self.theme], None, js=SET_THEME, api_visibility="private")
        on(demo.load, self.shown, None, [self.engine, self.format, self.about])
        demo.load(None, None, [self.theme], js=GET_THEME, api_visibility="private")
        on(self.engine.input, self.keeper("engine"), [self.engine], None)
        on(self.format.input, self.keeper("format"), [self.format], None)
        self.access.wire(demo)
        self.keys.wire(demo)
        self.accounts.wire(demo)

    # Handlers

    def speak(self, language: str, request: gr.Request) -> str:
        return PATHS[self.desk.studio.accounts.set_language(self.desk.actor(request), language).language]

    def keeper(self, name: str) -> Any:
        def keep(value: str | None, request: gr.Request) -> None:
            self.desk.studio.accounts.prefer(self.desk.actor(request), name, value or "")
            gr.Info(self.desk.words("settings.kept"))

        return keep

    def shown(self, request: gr.Request) -> tuple[Any, Any, str]:
        kept = self.desk.studio.accounts.preferences(self.desk.actor(request))
        return kept["engine"], kept["format"], self._about()

    def _about(self) -> str:
        words, studio = self.desk.words, self.desk.studio
        told = about(studio.settings.storage, studio.device, studio.settings.cores)
        rows = {
            words(
                "about.device"
            ): f"{esc(told.device.upper())}<small>{esc(words('about.cores', n=told.cores))}</small>"
        }
        judge = studio.evaluations.recognisers.choices()[0]
        rows[words("about.recogniser")] = esc(f"{judge.id}: {judge.model}")
        rows |= {
            words(f"about.{part}"): esc(words.megabytes(count)) for part, count in told.storage_bytes.items()
        }
        rows |= {"Python": esc(told.python)} | {name: esc(version) for name, version in told.versions.items()}
        return f'{facts(rows)}<p class="tb-dim">{esc(words("about.recogniser_how"))}</p>'


def licences(desk: Desk) -> str:
    """The truth about licences, engine by engine."""
    words = desk.words
    rows = "".join(
        f"<tr><td>{esc(engine.name)}</td><td>{esc(engine.licence)}</td>"
        f"<td>{esc(words('licence.commercial' if engine.commercial else 'licence.noncommercial'))}</td></tr>"
        for engine in desk.studio.choices.engines(words.language)
    )
    head = "".join(f"<th>{esc(words(f'licences.{name}'))}</th>" for name in ("engine", "licence", "permits"))
    return (
        f"<h3>{esc(words('licences.title'))}</h3><p class='tb-dim'>{esc(words('licences.text'))}</p>"
        f'<div class="tb-scroll"><table class="tb-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
