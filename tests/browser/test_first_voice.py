"""From a one-time link to a cloned voice that is heard: by a real browser, on the real engine where it is."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from studio.audio.clip import AudioClip
from studio.engines.base import EngineContext, Utterance
from studio.engines.kokoro.engine import KokoroEngine
from studio.engines.kokoro.spec import SPEC as KOKORO
from studio.engines.kokoro.spec import KokoroOptions
from studio.synthesis.text import prepare
from tests.browser.conftest import Served, need_the_real_engine, sign_in
from tests.conftest import STORAGE_MODELS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CLIPS = sorted((Path(__file__).parent.parent / "data").glob("LJ*.flac"))[:2]
LONG_MS = 240_000
# Plays a player and measures it: how far the position moved, and how loud the decoded sound is.
HEAR = """async (player) => {
  const audio = player.shadowRoot.querySelector('audio');
  await audio.play();
  await new Promise((done) => setTimeout(done, 1500));
  const moved = audio.currentTime;
  audio.pause();
  const file = await (await fetch(player.getAttribute('src'))).arrayBuffer();
  const sound = (await new OfflineAudioContext(1, 1, 24000).decodeAudioData(file)).getChannelData(0);
  return { moved, seconds: sound.length / 24000, rms: Math.sqrt(sound.reduce((s, x) => s + x * x, 0) / sound.length) };
}"""


def seven(statement: str) -> float:
    """Whatever is to be said, the microphone hears a woman reading something else."""
    return 7.0


class Reader:
    """A person of the test: a preset voice that reads aloud, unmarked, for the studio takes its own mark for fraud."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine = KokoroEngine(EngineContext(lambda model_id: STORAGE_MODELS / model_id, folder))

    def say(self, text: str) -> AudioClip:
        chunks = prepare(text, "en", 300).chunks
        voice, options = self._engine.preset_voice("af_heart"), KokoroOptions(speed=0.9)
        spoken = self._engine.synthesize([Utterance(chunk, "en") for chunk in chunks], voice, options)
        return AudioClip(np.concatenate([one.clip.samples for one in spoken]), KOKORO.sample_rate_hz)

    def record(self, name: str, text: str) -> Path:
        return write(self._folder / name, self.say(text))


def write(file: Path, clip: AudioClip, silence_s: float = 0.0) -> Path:
    quiet = np.zeros(int(silence_s * clip.sample_rate_hz), np.float32)
    samples = np.concatenate([clip.samples, quiet])
    soundfile.write(file, samples, clip.sample_rate_hz, format="WAV", subtype="PCM_16")
    return file


def fill_and_save(
    page: Page, name: str, clips: Sequence[Path] = CLIPS, read: Callable[[str], float] = seven
) -> None:
    """The form: files, purposes, attestations, the statement recorded by the microphone.

    `read` makes the microphone say the statement and tells how many seconds that takes.
    """
    page.locator("#voice-cards [data-act=new]").click()
    page.locator("#enrol-name").get_by_role("textbox").fill(name)
    page.set_input_files("#enrol-files input[type=file]", clips)
    expect(page.locator("#enrol-clips timbro-player")).to_have_count(2, timeout=LONG_MS)
    expect(page.locator("#enrol-statement blockquote")).to_have_count(0)  # nothing to read before a purpose
    for box in (
        "purpose-zero_shot",
        "purpose-internal_use",
        "attest-adult",
        "attest-not_public_figure",
        "attest-notice_read",
    ):
        expect(page.locator(f"#{box} input")).not_to_be_checked()
        page.check(f"#{box} input")
    page.click("#enrol-ask")
    statement = page.locator("#enrol-statement blockquote")
    expect(statement).to_contain_text(re.compile("uso interno|internal use"))
    seconds = read(statement.inner_text())
    page.locator("#consent-microphone button.record").click()
    page.wait_for_timeout(1000 * seconds)
    page.locator("#consent-microphone button.stop-button").click()
    expect(page.locator("#enrol-recording timbro-player")).to_have_count(1, timeout=LONG_MS)
    page.click("#enrol-save")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ["scripted", pytest.param("real", marks=pytest.mark.models)])
def test_a_voice_is_enrolled_cloned_heard_downloaded_and_found_again(
    serve: Callable[[str], Served], open_page: Callable[..., Page], troubles: list[str], engine: str
) -> None:
    if engine == "real":
        need_the_real_engine()
    served = serve("first" if engine == "scripted" else engine)
    page = open_page()
    sign_in(page, served.link)
    fill_and_save(page, "Linda")
    expect(page.locator("#voice-cards article")).to_contain_text("Linda", timeout=LONG_MS)
    expect(page.locator("#voice-cards")).to_contain_text("Consenso fino al", timeout=LONG_MS)

    page.locator("#voice-cards").get_by_role("button", name="Falla parlare").click()
    page.fill("#clone-text textarea", "Buongiorno, questa è la mia voce nuova.")
    expect(page.locator("#clone-engine input")).not_to_have_value("")
    page.click("#clone-go")
    expect(page.locator("#take")).to_have_count(1, timeout=LONG_MS)
    expect(page.locator("#scores")).to_contain_text("Somiglianza", timeout=LONG_MS)

    heard = page.locator("#take timbro-player").evaluate(HEAR)
    assert heard["moved"] > 0.4
    assert heard["seconds"] > 0.5  # the scripted engine is quick of tongue
    assert heard["rms"] > 0.005

    with page.expect_download() as download:
        page.locator("#take").get_by_role("link", name="MP3").click()
    kept = Path(download.value.path()).read_bytes()
    assert kept[:3] == b"ID3" or kept[0] == 0xFF
    assert len(kept) > 4000

    take = page.locator("#take").get_attribute("data-take")
    page.reload()
    page.get_by_role("tab", name="Clona").click()
    found = page.locator(f'#history article[data-take="{take}"]')
    expect(found).to_contain_text("Buongiorno, questa è la mia voce nuova.")
    assert found.locator("timbro-player").evaluate(HEAR)["rms"] > 0.005
    assert troubles == []


TOLD = (
    "I have kept bees behind the house for many years now. In spring the garden is loud with them, "
    "and by the end of summer there is more honey than we can eat.",
    "The train to the coast leaves twice a day. It is slow, and the windows rattle, "
    "but nobody who has taken it once would rather go by car.",
)


@pytest.mark.models
@pytest.mark.timeout(900)
def test_a_statement_read_aloud_is_heard_and_nothing_else_stands_in_for_it(
    serve: Callable[[str], Served], open_page: Callable[..., Page], microphone: Path, tmp_path: Path
) -> None:
    """Today's statement, with today's words, through the microphone and the real recogniser, speaker encoder and
    watermark detector: first read as it stands, then with another text in its place.
    """
    need_the_real_engine()
    reader = Reader(tmp_path)
    clips = [reader.record(f"{number}.wav", text) for number, text in enumerate(TOLD)]
    before = microphone.read_bytes()

    def read(text: str) -> float:
        said = reader.say(text)
        write(microphone, said, silence_s=60)  # it would begin again otherwise
        return said.duration_s + 2

    first = open_page(locale="en-GB")
    sign_in(first, serve("whole").link)
    second = open_page(locale="en-GB")
    second.context.add_cookies(first.context.cookies())  # type: ignore[arg-type]
    try:
        fill_and_save(first, "Bea", clips, lambda statement: read(TOLD[0]))
        expect(first.locator("#enrol-told .tb-note.bad, #enrol-told .tb-note.warn")).to_have_count(
            1, timeout=LONG_MS
        )
        expect(first.locator("#voice-cards article")).to_have_count(0)
        second.goto(first.url)
        fill_and_save(second, "Bea", clips, read)
        expect(second.locator("#voice-cards article")).to_contain_text("Consent until", timeout=LONG_MS)
    finally:
        microphone.write_bytes(before)
