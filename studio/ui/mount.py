"""Mounts the Gradio pages: the one place where Gradio's own server is set up, and its open holes closed."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Set before gradio is imported: it reads some of these once, at import.
FIXED_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",  # no calls home
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
# These would open something again: other people's environment has no say here.
REMOVED_ENVIRONMENT = (
    "GRADIO_ALLOWED_PATHS", "GRADIO_BLOCKED_PATHS", "GRADIO_SHARE", "GRADIO_ROOT_PATH", "GRADIO_VIBE_MODE",
    "GRADIO_WATCH_DIRS", "GRADIO_HOT_RELOAD", "GRADIO_PROFILING", "GRADIO_STATIC_WORKER_PORTS", "GRADIO_DEBUG",
)  # fmt: skip
# Gradio looks into the queue of each of some four hundred events a thousand times a second: a tenth of a core while
# nobody is there. A hundred times is soon enough for a press of a button.
QUEUE_LOOK_S = 0.01


@dataclass(frozen=True)
class Look:
    """How the pages look, as gradio's mount takes it."""

    theme: Any = None
    css: str = ""
    js: str = ""
    i18n: Any = None
    favicon: Path | None = None


def prepare_gradio(folder: Path) -> None:
    """Point Gradio at the upload folder and away from the network. Call before the pages are built:
    components note the folder when they are made.
    """
    os.environ.update(FIXED_ENVIRONMENT)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_EXAMPLES_CACHE"] = str(folder / "examples")
    for name in REMOVED_ENVIRONMENT:
        os.environ.pop(name, None)


def mount(
    app: Any,
    demo: Any,
    *,
    folder: Path,
    upload_limit_bytes: int,
    visitor: Callable[[Any], str | None],
    look: Look,
) -> list[str]:
    """Mount `demo` (gr.Blocks) on `app` (FastAPI) at the root.

    `visitor` names the account of a request; it becomes gr.Request.username. Returns the files that the
    pages themselves show, which everybody signed in may fetch.
    """
    import gradio as gr

    stray = {block.GRADIO_CACHE for block in demo.blocks.values()} - {str(folder)}
    if stray:
        raise RuntimeError(
            f"pages were built before prepare_gradio({folder}): their files would go to {stray}"
        )
    with warnings.catch_warnings():
        # It warns that several pages cannot be rendered on the server, which was not asked for.
        warnings.filterwarnings("ignore", message="SSR mode")
        gr.mount_gradio_app(
            app,
            demo,
            path="/",
            auth_dependency=visitor,
            allowed_paths=[],
            blocked_paths=list(everything_but(folder)),
            max_file_size=upload_limit_bytes,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            show_error=False,
            pwa=False,
            app_kwargs={"openapi_url": None, "docs_url": None, "redoc_url": None},
            theme=look.theme,
            css=look.css,
            js=look.js,
            i18n=look.i18n,
            favicon_path=str(look.favicon) if look.favicon else None,
        )
    # mount_gradio_app leaves both False. Without has_launched any file of the machine passes for an upload;
    # without is_running an uploaded SVG is served as a picture of the page's own.
    demo.has_launched = True
    demo.is_running = True
    demo.api_open = False  # queued events only through the queue
    demo._queue.sleep_when_free = QUEUE_LOOK_S
    return list(_files_in(demo.config))


def everything_but(folder: Path) -> Iterator[str]:
    """Paths that together cover the machine's files, but for `folder`: Gradio's own checks allow the working
    and the temp directory, and a list of what is forbidden is all it takes.
    """
    folder = folder.resolve()
    way = {folder, *folder.parents}
    for parent in folder.parents:
        inside = sorted(parent.iterdir()) if os.access(parent, os.R_OK) else []
        yield from (str(path) for path in inside if path.resolve() not in way)
    for later in (Path.cwd(), Path(tempfile.gettempdir())):  # also what is not there yet
        if later.resolve() not in way:
            yield str(later)


def _files_in(config: Any) -> Iterator[str]:
    stack = [config]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            meta = item.get("meta")
            if isinstance(meta, dict) and meta.get("_type") == "gradio.FileData" and item.get("path"):
                yield item["path"]
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
