"""An engine's own options as widgets, made from their descriptions; folded away until somebody asks."""

from typing import Any

import gradio as gr

from studio.synthesis.choices import EngineChoice, OptionField
from studio.ui.words import Words

SHARED = ("speed", "seed")  # every engine has them: they stand outside


class OptionsPanel:
    """The widgets of every engine; only those of the chosen one show."""

    def __init__(self, words: Words, engines: list[EngineChoice], prefix: str = "option") -> None:
        self._fields: dict[str, list[OptionField]] = {}
        self.groups: dict[str, gr.Column] = {}
        self.widgets: list[Any] = []
        for engine in engines:
            fields = [field for field in engine.options if field.name not in SHARED]
            self._fields[engine.id] = fields
            with gr.Column(visible=False) as group:
                self.widgets += [widget(words, f"{prefix}-{engine.id}", field) for field in fields]
                if not fields:
                    gr.HTML(f'<p class="tb-dim">{words("clone.no_options")}</p>')
            self.groups[engine.id] = group

    def shown(self, engine_id: str | None) -> list[Any]:
        """Updates for `groups`: only this engine's is visible."""
        return [gr.Column(visible=name == engine_id) for name in self.groups]

    def read(self, engine_id: str, values: tuple[Any, ...]) -> dict[str, object]:
        """The engine's options out of the values of all widgets."""
        start = 0
        for name, fields in self._fields.items():
            if name == engine_id:
                chosen = values[start : start + len(fields)]
                return {
                    field.name: coerced(field, value) for field, value in zip(fields, chosen, strict=True)
                }
            start += len(fields)
        return {}

    def filled(self, engine_id: str, options: dict[str, object]) -> list[Any]:
        """Values for all widgets that show a take's options."""
        return [
            options.get(field.name, field.default) if name == engine_id else gr.skip()
            for name, fields in self._fields.items()
            for field in fields
        ]


def coerced(field: OptionField, value: Any) -> object:
    """What the options model takes: whole numbers as int; an emptied field means the default."""
    if value is None or value == "":
        return field.default
    return int(value) if field.kind == "whole" else value


def widget(words: Words, prefix: str, field: OptionField) -> Any:
    label = words.maybe(f"option.{field.name}.label", field.name.replace("_", " "))
    about = {"label": label, "info": words.maybe(f"option.{field.name}.info", field.description)}
    about["elem_id"] = f"{prefix}-{field.name}"
    if field.kind == "switch":
        return gr.Checkbox(value=bool(field.default), **about)
    if field.kind == "choice":
        return gr.Dropdown(list(field.choices), value=field.default, **about)
    if field.kind in ("number", "whole") and field.minimum is not None and field.maximum is not None:
        step = 1 if field.kind == "whole" else 0.05
        return gr.Slider(field.minimum, field.maximum, value=field.default, step=step, **about)
    if field.kind in ("number", "whole"):
        return gr.Number(value=field.default, precision=0 if field.kind == "whole" else None, **about)
    return gr.Textbox(value=str(field.default or ""), **about)
