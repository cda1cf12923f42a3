"""Small pieces of HTML. Every text that comes from a person or a model passes through `esc`."""

import base64
import html
from collections.abc import Mapping

import gradio as gr

from studio.audio.clip import AudioClip
from studio.audio.encode import AudioFormat, encode

# Buttons in cards carry data-act; what they mean is decided in Python. `data-confirm` asks once more.
CLICKS = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || !element.contains(button) || button.disabled) return;
  if (button.dataset.confirm && !button.dataset.armed) {
    const before = button.textContent;
    button.dataset.armed = '1';
    button.textContent = button.dataset.confirm;
    setTimeout(() => { delete button.dataset.armed; button.textContent = before; }, 4000);
    return;
  }
  const form = {};
  const box = button.closest('[data-form]');
  if (box) for (const field of box.querySelectorAll('[name]')) form[field.name] = field.value;
  trigger('click', { ...button.dataset, form });
});
"""


def esc(text: object) -> str:
    """Text as text, in elements and in quoted attributes."""
    return html.escape(str(text), quote=True)


def board(elem_id: str, value: str = "", **rest: object) -> gr.HTML:
    """An HTML area whose data-act buttons send a click event with their data attributes."""
    return gr.HTML(value, elem_id=elem_id, js_on_load=CLICKS, **rest)


def button(act: str, label: str, *, kind: str = "", hint: str = "", confirm: str = "", **data: object) -> str:
    """A button of a board; keyword arguments become data attributes."""
    extra = "".join(f' data-{name}="{esc(value)}"' for name, value in data.items())
    asked = f' data-confirm="{esc(confirm)}"' if confirm else ""
    told = f' aria-label="{esc(hint)}" title="{esc(hint)}"' if hint else ""
    attributes = f'class="tb-btn {kind}" data-act="{esc(act)}"{extra}{asked}{told}'
    return f'<button type="button" {attributes}>{esc(label)}</button>'


def badge(text: str, tone: str = "") -> str:
    return f'<span class="tb-badge {tone}">{esc(text)}</span>'


def bar(fraction: float, label: str, *, waiting: bool = False) -> str:
    """A progress bar that screen readers read."""
    share = max(0, min(100, round(100 * fraction)))
    moving = " waiting" if waiting else ""
    return (
        f'<div class="tb-bar{moving}" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{share}" aria-label="{esc(label)}"><div style="width:{share}%"></div></div>'
    )


def player(
    src: str, label: str, *, spectrogram: bool = False, compact: bool = False, duration_s: float = 0
) -> str:
    """The studio's own player: waveform, position, and (on wish) a spectrogram, drawn in the page."""
    more = (" spectrogram" if spectrogram else "") + (" compact" if compact else "")
    return f'<timbro-player src="{esc(src)}" label="{esc(label)}" seconds="{duration_s:.2f}"{more}></timbro-player>'


def inline_sound(clip: AudioClip) -> str:
    """A clip that is not stored yet, as a data: address: it lives in the page and nowhere else."""
    return "data:audio/mpeg;base64," + base64.b64encode(encode(clip, AudioFormat.MP3)).decode()


def facts(rows: Mapping[str, str]) -> str:
    """Term and value pairs; values are HTML already escaped by their maker."""
    inner = "".join(f"<div><dt>{esc(term)}</dt><dd>{value}</dd></div>" for term, value in rows.items())
    return f'<dl class="tb-facts">{inner}</dl>'


def empty(title: str, text: str, action: str = "") -> str:
    """An empty state that leads on."""
    return f'<div class="tb-empty"><h3>{esc(title)}</h3><p>{esc(text)}</p>{action}</div>'
