"""A real studio for the gate, under pages that have one event of each kind."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.audio.decode import decode
from studio.errors import StudioError
from studio.settings import Settings
from studio.synthesis.batch import rows_of
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.conftest import open_home
from tests.enrolling import enrol
from tests.fakes import FakeJudges


class DemoStudio:
    """A real studio with a scripted engine, and notes on what the demo's events did."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(storage=folder, port=0, device="cpu")
        self._studio = self.studio = open_home(settings, FakeJudges())
        self.settings, self.database, self.accounts = settings, self._studio.database, self._studio.accounts
        self.synthesis, self.batches, self.voices = (
            self._studio.synthesis,
            self._studio.batches,
            self._studio.voices,
        )
        self.listening = self._studio.listening
        self.speakers, self.dossiers = self._studio.speakers, self._studio.dossiers
        self.consent, self.retention = self._studio.consent, self._studio.retention
        self.marker = self._studio.marker
        self.audit = self._studio.audit
        self.api_keys, self.speech = self._studio.api_keys, self._studio.speech
        self.training, self.evaluations = self._studio.training, self._studio.evaluations
        self.stored: list[str] = []
        self.stopped: list[str] = []

    def close(self) -> None:
        self._studio.close()

    def sounds_of(self, account_id: str) -> list[str]:
        """Addresses of an account's sounds: a take, a clip, a live stream, a batch."""
        actor = self.accounts.actor_of(account_id)
        request = SynthesisRequest(VoiceChoice("", "fake", "tone"), "Buongiorno a tutti.", "it", "fake")
        preview = self.synthesis.preview(actor, request)
        batch = self.batches.start(actor, rows_of("Uno.\nDue."), request)
        clip = enrol(self._studio, actor).clips[0]
        batch.wait()
        batch_id = next(iter(batch.events())).batch_id
        return [
            f"/media/take/{preview.take().id}.wav",
            f"/media/clip/{clip.id}.wav",
            f"/media/live/{preview.token}.mp3",
            f"/media/batch/{batch_id}.zip",
        ]


def build_demo(studio: DemoStudio) -> Any:
    """Pages with one of each kind of event; `fn_index` follows the order below, on the page at /."""
    import gradio as gr

    def greet(name: str, request: gr.Request) -> str:
        return f"Ciao {name} ({studio.accounts.actor_of(request.username).name})"

    def size_of(path: str | None) -> str:
        return f"{len(Path(path).read_bytes())} bytes" if path else "nothing"

    def count() -> Iterator[str]:
        for number in range(4):
            time.sleep(0.05)
            yield f"step {number}"

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

    def page() -> None:
        name = gr.Textbox(label="Name", elem_id="name")
        out = gr.Textbox(label="Out", elem_id="out")
        file = gr.File(label="File", type="filepath", elem_id="file")
        audio = gr.Audio(label="Audio", type="filepath", elem_id="audio")
        state = gr.State("")
        gr.HTML("<b id='bold'>bold</b><img src=x onerror='window.pwned = 1'>")
        gr.Button("Greet", elem_id="greet").click(greet, name, out)  # 0
        gr.Button("Size", elem_id="size").click(size_of, file, out)  # 1
        gr.Button("Count", elem_id="count").click(count, None, out)  # 2
        gr.Button("Enrol", elem_id="enrol").click(enrol, audio, out)  # 3
        gr.Button("Wait", elem_id="wait").click(wait, None, out)  # 4
        gr.Button("Secret").click(secret, state, [out, state])  # 5
        gr.Button("Now", elem_id="now").click(lambda: "now", None, out, queue=False)  # 6
        gr.Button("Return", elem_id="return").click(lambda path: path, file, gr.File(label="Back"))  # 7
        gr.Button("Give").click(lambda path: path, name, gr.File(label="Given"))  # 8

    with gr.Blocks(title="Demo") as demo:
        page()
    with demo.route("English", "/en", show_in_navbar=False):
        page()
    return demo
