"""Every hyper-parameter of a plan as a widget; which of them matter follows from the method."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import InputRefused
from studio.training.plan import Method, Precision, TrainingPlan
from studio.training.presets import RANGES
from studio.ui.words import Words


@dataclass(frozen=True)
class Field:
    """A hyper-parameter. `kind`: whole, number, small (written 1e-4), switch, precision, or fixed (only shown)."""

    name: str
    kind: str
    methods: frozenset[Method] = frozenset(Method)


ADAPTERS = frozenset({Method.LORA})
FIELDS = (
    Field("epochs", "whole"), Field("most_steps", "whole"), Field("batch_size", "whole"),
    Field("accumulation", "whole"), Field("learning_rate", "small"), Field("precision", "precision"),
    Field("rank", "whole", ADAPTERS), Field("adapt_mlp", "switch", ADAPTERS),
    Field("adapter_size", "whole", frozenset({Method.BOTTLENECK})), Field("replay_share", "number"),
    Field("patience", "whole"), Field("checkpoint_every", "whole"), Field("longest_s", "number"),
    Field("sample_rate_hz", "fixed"), Field("processes", "whole"), Field("warmup_steps", "whole"),
    Field("weight_decay", "number"), Field("clip_norm", "number"), Field("seed", "whole"),
)  # fmt: skip


class FieldsPanel:
    """The folded advanced section: one row of widgets after the other, in the order of FIELDS."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self.widgets: list[Any] = []
        with gr.Row(elem_id="train-fields"):
            for field in FIELDS:
                self.widgets.append(self._widget(field))

    def _widget(self, field: Field) -> Any:
        words = self._words
        about = {
            "label": words(f"train.field.{field.name}"), "info": words(f"train.about.{field.name}"),
            "elem_id": f"train-{field.name}", "min_width": 210,
        }  # fmt: skip
        match field.kind:
            case "switch":
                return gr.Checkbox(True, **about)
            case "precision":
                return gr.Dropdown([one.value for one in Precision], value=Precision.FP32.value, **about)
            case "small":
                return gr.Textbox("1e-4", max_length=12, **about)
        low, high = RANGES[field.name]
        precision = 0 if field.kind in ("whole", "fixed") else None
        return gr.Number(
            getattr(TrainingPlan, field.name), minimum=low, maximum=high, precision=precision,
            interactive=field.kind != "fixed", **about,
        )  # fmt: skip

    def shown(self, plan: TrainingPlan) -> list[Any]:
        """Updates that show a plan's values, and of the fields only those its method knows."""
        return [
            gr.update(value=self._value(plan, field), visible=plan.method in field.methods)
            for field in FIELDS
        ]

    @staticmethod
    def _value(plan: TrainingPlan, field: Field) -> Any:
        value = getattr(plan, field.name)
        if field.kind == "small":
            return f"{value:.0e}".replace("e-0", "e-")
        return value.value if field.kind == "precision" else value

    def read(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """The values as a plan takes them; InputRefused for what is no number."""
        return {field.name: _read(field, value) for field, value in zip(FIELDS, values, strict=True)}


def _read(field: Field, value: Any) -> Any:
    if field.kind == "switch":
        return bool(value)
    if field.kind == "precision":
        return Precision(value) if value in {one.value for one in Precision} else Precision.FP32
    try:
        number = float(str(value).replace(",", "."))
        return int(number) if field.kind in ("whole", "fixed") else number
    except (ValueError, OverflowError) as error:
        low, high = RANGES[field.name]
        raise InputRefused("training.value", name=field.name, value=value, low=low, high=high) from error
