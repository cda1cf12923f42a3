"""What every tab works at: the studio, the page's words, who asks, and the one way to wire an event."""

import functools
import html
import inspect
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import gradio as gr

from studio.bootstrap import Studio
from studio.errors import Cancelled, SignInRequired, StudioError
from studio.privacy.access import Actor
from studio.ui.words import Words

log = logging.getLogger(__name__)
WATCHERS = 24  # handlers that wait for work may hold this many of Gradio's 40 threads


@dataclass(frozen=True)
class Desk:
    """Given to each tab of a page; a page speaks one language."""

    studio: Studio
    words: Words
    still: gr.Textbox | None = None  # unseen: bears the progress of events that show none

    def actor(self, request: gr.Request) -> Actor:
        """Who sent this event; its messages come in the page's language."""
        account_id = request.username
        if not account_id:
            raise SignInRequired("web.session_ended")
        return replace(self.studio.accounts.actor_of(account_id), language=self.words.language)

    def on(
        self,
        event: Callable[..., Any],
        handler: Callable[..., Any],
        inputs: Sequence[Any] | Any = None,
        outputs: Sequence[Any] | Any = None,
        *,
        progress: Literal["full", "minimal", "hidden"] = "hidden",
        watches: bool = False,
        empties: Any = None,
        **rest: Any,
    ) -> Any:
        """Wire `handler`: private, its errors shown in the page's language, out of other events' way.

        `watches` is for generators that wait for work: they share their own, larger limit. `empties` is a widget
        that files come in by: when they are refused it lets them go, or they would come again with the next.
        """
        # At each step of any event Gradio walks its whole tree once for every widget that ever bore progress, seen or
        # not: a page that has just come would be busy with that alone for seconds.
        unseen = [self.still] if self.still is not None and progress == "hidden" else None
        limits = (
            {"concurrency_id": "watch", "concurrency_limit": WATCHERS}
            if watches
            else {"concurrency_limit": 8}
        )
        done = event(
            self.answering(handler), inputs, outputs, api_visibility="private", show_progress=progress,
            show_progress_on=unseen, **limits, **rest,
        )  # fmt: skip
        if empties is not None:
            done.failure(None, None, [empties], js="() => null", api_visibility="private")
        return done

    def answering(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The UI edge: a StudioError becomes a gr.Error of three parts; anything else is logged and owned up to."""

        @functools.wraps(handler)
        def plain(*args: Any) -> Any:
            try:
                return handler(*args)
            except Exception as error:
                raise self._shown(error) from error

        @functools.wraps(handler)
        def stepwise(*args: Any) -> Iterator[Any]:
            try:
                yield from handler(*args)
            except Exception as error:
                raise self._shown(error) from error

        return stepwise if inspect.isgeneratorfunction(handler) else plain

    def _shown(self, error: Exception) -> gr.Error:
        if isinstance(error, gr.Error):
            return error
        if not isinstance(error, StudioError):
            log.error("a page event failed", exc_info=error)
            message = f"<p><b>{self.words('error.title')}</b></p><p>{self.words('error.unexpected')}</p>"
            return gr.Error(message, duration=None, print_exception=False)
        what, why, then = (html.escape(error.part(p, self.words.language)) for p in ("what", "why", "next"))
        lasts = 6 if isinstance(error, Cancelled) else None  # None: until it is closed
        # Gradio 6.31 loses the title of a queued event's error: everything is in the message.
        message = f"<p><b>{what}</b></p><p>{why}</p><p>{then}</p>"
        return gr.Error(message, title=what, duration=lasts, print_exception=False)
