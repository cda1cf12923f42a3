"""The pages as one gr.Blocks that refuses an impossible input in the page's language."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.ui.words import Words


class Pages(gr.Blocks):
    """`words` by route ("" is the page at /).

    Components refuse an input before its handler sees it: a list's entry that is no longer there, a number outside
    its bounds. That happens to honest people, whose page was about to be rewritten when they pressed; Gradio
    tells them in English, with the list as Python writes it.
    """

    def __init__(self, words: Mapping[str, Words], **rest: Any) -> None:
        super().__init__(**rest)
        self._words = words

    async def preprocess_data(
        self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False
    ) -> Any:
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error as error:
            words = self._words[block_fn.page]
            message = f"<p><b>{words('error.input')}</b></p><p>{words('error.input_next')}</p>"
            raise gr.Error(message, duration=None, print_exception=False) from error
