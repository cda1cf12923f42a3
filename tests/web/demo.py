"""A small studio for the gate: real accounts and database, real Gradio pages, sounds from memory."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.audio.decode import decode
from studio.db.database import Database
from studio.errors import NotFound, StudioError
from studio.privacy.access import Actor, Permission
from studio.privacy.accounts import AccountService
from studio.settings import Settings

SOUND = bytes(range(256)) * 40


@dataclass
class Sounds:
    """Takes and clips by id, each somebody's."""

    owners: dict[str, str] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)

    def _own(self, actor: Actor, key: str) -> None:
        if self.owners.get(key) != actor.account_id:
            raise NotFound("web.not_found")

    def audio(self, actor: Actor, take_id: str, format_name: str) -> tuple[bytes, str, str]:
        self._own(actor, take_id)
        return SOUND, "audio/wav", 'Perché no? "1"/2.wav'

    def clip_audio(self, actor: Actor, clip_id: str) -> tuple[bytes, str, str]:
        self._own(actor, clip_id)
        return SOUND, "audio/wav", f"{clip_id}.wav"

    def zip(self, actor: Actor, batch_id: str, format_name: str = "wav") -> Iterator[bytes]:
        self._own(actor, batch_id)
        return iter([b"PK\x03\x04", b"zip"])

    def live(self, actor: Actor, token: str) -> Iterator[bytes]:
        self._own(actor, token)
        return self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        try:
            for _ in range(3):
                time.sleep(0.05)
                yield b"\xff\xfb" + b"m" * 100
        finally:
            self.closed.set()


@dataclass
class DemoStudio:
    """The studio's shape, as the web sees it."""

    settings: Settings
    accounts: AccountService
    database: Database
    synthesis: Sounds
    batches: Sounds
    voices: Sounds
    stored: list[str] = field(default_factory=list)
    admin_calls: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)


def make_studio(folder: Path, **given: Any) -> DemoStudio:
    settings = Settings(storage=folder, port=0, **given)
    database = Database(settings.database_file)
    database.migrate()
    sounds = Sounds()
    return DemoStudio(settings, AccountService(database, settings), database, sounds, sounds, sounds)


def build_demo(studio: DemoStudio) -> Any:
    """Pages with one of each kind of event; `fn_index` follows the order below."""
    import gradio as gr

    def greet(name: str, request: gr.Request) -> str:
        return f"Ciao {name} ({studio.accounts.actor_of(request.username).name})"

    def size_of(path: str | None) -> str:
        return f"{len(Path(path).read_bytes())} bytes" if path else "nothing"

    def count() -> Iterator[str]:
        for number in range(4):
            time.sleep(0.05)
            yield f"step {number}"

    def administer(request: gr.Request) -> str:
        actor = studio.accounts.actor_of(request.username)
        actor.require(Permission.MODELS)
        studio.admin_calls.append(actor.name)
        return "done"

    def enrol(path: str | None) -> str:
        if not path:
            return "nothing"
        try:
            clip = decode(Path(path).read_bytes(), Path(path).name)
        except StudioError as error:
            return f"refused {error.key}: {error.text('en')}"
        finally:
            Path(path).unlink(missing_ok=True)
        studio.stored.append(Path(path).name)
        return f"stored {clip.duration_s:.2f} s"

    def wait(request: gr.Request) -> Iterator[str]:
        try:
            for second in range(200):
                yield f"waiting {second}"
                time.sleep(0.05)
        finally:
            studio.stopped.append(str(request.username))

    def secret(request: gr.Request, state: str) -> tuple[str, str]:
        kept = state or f"of {request.username}"
        return kept, kept

    with gr.Blocks(title="Demo") as demo:
        name = gr.Textbox(label="Name", elem_id="name")
        out = gr.Textbox(label="Out", elem_id="out")
        file = gr.File(label="File", type="filepath", elem_id="file")
        audio = gr.Audio(label="Audio", type="filepath", elem_id="audio")
        state = gr.State("")
        gr.HTML("<b id='bold'>bold</b><img src=x onerror='window.pwned = 1'>")
        gr.Button("Greet", elem_id="greet").click(greet, name, out)  # 0
        gr.Button("Size", elem_id="size").click(size_of, file, out)  # 1
        gr.Button("Count", elem_id="count").click(count, None, out)  # 2
        gr.Button("Admin").click(administer, None, out, api_visibility="private")  # 3
        gr.Button("Enrol", elem_id="enrol").click(enrol, audio, out)  # 4
        gr.Button("Wait", elem_id="wait").click(wait, None, out)  # 5
        gr.Button("Secret").click(secret, state, [out, state])  # 6
        gr.Button("Now", elem_id="now").click(lambda: "now", None, out, queue=False)  # 7
        gr.Button("Return", elem_id="return").click(lambda path: path, file, gr.File(label="Back"))  # 8
    return demo
