"""What Gradio itself refuses, said in the page's language."""

import asyncio
from typing import Any

import gradio as gr
import pytest

from studio.ui.pages import Pages
from studio.ui.words import Words


@pytest.fixture(scope="module")
def pages() -> Pages:
    """One list and one number on each page; the first event is the Italian page's, the second the English one's."""
    with Pages({"": Words("it"), "en": Words("en")}) as demo:
        _fields()
    with demo.route("English", "/en"):
        _fields()
    return demo


def _fields() -> None:
    fields = [gr.Dropdown(["here"]), gr.Number(minimum=0, maximum=9)]
    gr.Button().click(lambda chosen, number: None, fields, None)


def send(pages: Pages, page: int, inputs: list[Any]) -> list[Any]:
    return asyncio.run(pages.preprocess_data([*pages.fns.values()][page], inputs, None))


@pytest.mark.parametrize(("page", "told"), [(0, "non c'è più"), (1, "no longer there")])
@pytest.mark.parametrize("inputs", [["gone", 1], ["here", 10]])
def test_an_entry_that_is_gone_is_refused_in_the_pages_language(
    pages: Pages, page: int, told: str, inputs: list[Any]
) -> None:
    with pytest.raises(gr.Error) as refusal:
        send(pages, page, inputs)
    assert told in refusal.value.message and "list of choices" not in refusal.value.message


def test_what_fits_reaches_the_handler(pages: Pages) -> None:
    assert send(pages, 1, ["here", 3]) == ["here", 3]
