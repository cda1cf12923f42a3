"""How the pages look: a theme with bundled fonts, the style sheet and the page's script."""

import functools
from pathlib import Path
from typing import Any

from studio.ui.mount import Look

_STATIC = Path(__file__).parent / "static"
# Of the pages; one a room, where a room needs its own.
SHEETS = ("style.css", "privacy.css", "training.css", "datasets.css")
TEAL = (
    "#f0f7f6",
    "#d7ece8",
    "#b3dcd5",
    "#82c5bb",
    "#4aa89d",
    "#1f8c82",
    "#0f766e",
    "#0d5f59",
    "#0e4c48",
    "#0f3f3d",
    "#082726",
)
STONE = (
    "#faf9f6",
    "#f4f2ed",
    "#e6e4de",
    "#d2d3d0",
    "#a3afb4",
    "#6d797e",
    "#5b6468",
    "#3a4449",
    "#243035",
    "#182024",
    "#10171a",
)


@functools.cache
def _read(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def build_theme() -> Any:
    """Light and dark from the same two hues; no font or file comes from another site."""
    import gradio as gr
    from gradio.themes.utils import colors, fonts, sizes

    hues = [colors.Color(*shades, name=name) for shades, name in ((TEAL, "teal-calm"), (STONE, "stone-calm"))]
    # Gradio ships a semi-bold that lacks most letters: regular and bold only.
    theme = gr.themes.Base(
        primary_hue=hues[0],
        secondary_hue=hues[0],
        neutral_hue=hues[1],
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=[
            fonts.LocalFont("IBM Plex Sans", weights=(400, 700)),
            "ui-sans-serif",
            "system-ui",
            "sans-serif",
        ],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    return theme.set(
        body_background_fill="#f8f7f3",
        body_background_fill_dark="#10171a",
        body_text_color="#1c2529",
        body_text_color_dark="#e9eef0",
        body_text_color_subdued="#5b6468",
        body_text_color_subdued_dark="#a3afb4",
        block_background_fill="#ffffff",
        block_background_fill_dark="#182024",
        block_border_color="#e2e0da",
        block_border_color_dark="#2c363b",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_text_color="#4b5559",
        block_label_text_color_dark="#b7c2c6",
        block_title_text_color="#4b5559",
        block_title_text_color_dark="#b7c2c6",
        block_shadow="none",
        input_border_width="1px",
        input_background_fill="#faf9f6",
        input_background_fill_dark="#11181b",
        input_border_color="#d2d3d0",
        input_border_color_dark="#3a4449",
        input_placeholder_color="#7a8589",
        input_placeholder_color_dark="#84939a",
        button_primary_background_fill="#0f766e",
        button_primary_background_fill_hover="#0d5f59",
        button_primary_text_color="#ffffff",
        button_primary_background_fill_dark="#5ec4b6",
        button_primary_background_fill_hover_dark="#82d5c9",
        button_primary_text_color_dark="#0c1a1a",
        button_border_width="1px",
        button_secondary_background_fill="#ffffff",
        button_secondary_background_fill_dark="#1d272b",
        button_secondary_border_color="#d2d3d0",
        button_secondary_border_color_dark="#3a4449",
        checkbox_background_color_selected="#0f766e",
        checkbox_background_color_selected_dark="#2f9186",
    )


def build_look() -> Look:
    """What `studio.web.server.build_app` mounts the pages with."""
    return Look(theme=build_theme(), css="".join(map(_read, SHEETS)), js=_read("page.js").split("\n", 1)[1])
