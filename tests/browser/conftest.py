"""A served studio, and a Chromium whose microphone hears a real recording."""

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import Browser, Cookie, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.fetched import STORAGE_MODELS
from tests.sounds import real_speech

ROOT = Path(__file__).parent.parent.parent
START_WITHIN_S = 420  # a loaded machine is slow, not wrong
WAIT_MS = 60_000
TRIES = 6
expect.set_options(timeout=WAIT_MS)


@dataclass(frozen=True)
class Served:
    """Where the studio answers, and its first one-time link."""

    link: str
    real: bool

    @property
    def address(self) -> str:
        return self.link.split("/login/")[0]


def real_engine_is_here() -> bool:
    needed = (
        "kokoro-82m",
        "kokoro-voices",
        "ecapa-voxceleb",
        "campplus",
        "wespeaker-resnet34",
        "whisper-base-ct2",
    )
    here = all((STORAGE_MODELS / name).is_dir() for name in needed)
    assert here or not os.environ.get("CI"), "storage/models is not whole: make test fetches it"
    return here


def first_line(process: "subprocess.Popen[str]") -> str:
    """The link it prints once it serves."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        end = time.monotonic() + START_WITHIN_S
        while time.monotonic() < end and process.poll() is None:
            if waiting.select(timeout=1):
                return process.stdout.readline().strip()
    pytest.fail("the studio did not start")


@pytest.fixture(scope="module")  # a studio that nobody needs any more still takes memory
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """serve(kind) starts a studio on storage of its own, once a module; see `served`. A kind that it does not know
    is scripted.
    """
    running: dict[str, tuple[subprocess.Popen[str], Served]] = {}

    def start(engine: str) -> Served:
        if engine not in running:
            storage = tmp_path_factory.mktemp(engine) / "storage"
            storage.mkdir()
            if engine == "real":
                (storage / "models").symlink_to(STORAGE_MODELS)
            command = [sys.executable, "-m", "tests.browser.served", str(storage), engine]
            environment = os.environ | {"PYTHONWARNINGS": "ignore"}
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
            running[engine] = process, Served(first_line(process), engine == "real")
        return running[engine][1]

    yield start
    for process, _ in running.values():
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the fake microphone hears: a woman reading."""
    clip = real_speech(12.0, 12.0)
    file = tmp_path_factory.mktemp("microphone") / "heard.wav"
    soundfile.write(file, clip.samples, clip.sample_rate_hz, subtype="PCM_16")
    return file


@pytest.fixture(scope="module")  # Playwright's loop must not be left running for other tests of this process
def chromium(microphone: Path) -> Iterator[Browser]:
    found = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,  # None: the one that playwright installed
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def troubles() -> list[str]:
    """What went wrong in the page: uncaught errors and script refusals."""
    return []


@pytest.fixture
def open_page(chromium: Browser, troubles: list[str]) -> Iterator[Callable[..., Page]]:
    contexts = []

    def start(**options: object) -> Page:
        context = chromium.new_context(**{"locale": "it-IT", **options})  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        return page

    yield start
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def cookies(served: Served, chromium: Browser) -> list[Cookie]:
    """One sign-in for all tests of a module that says what is `served`: a link works once."""
    context = chromium.new_context(locale="it-IT")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    sign_in(page, served.link)
    kept = context.cookies()
    context.close()
    return kept


@pytest.fixture
def enter(served: Served, cookies: list[Cookie], open_page: Callable[..., Page]) -> Callable[..., Page]:
    """enter(**options) opens the studio as its administrator."""

    def start(**options: object) -> Page:
        page = open_page(**options)
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(f"{served.address}/")
        expect(page.locator("#voice input")).not_to_have_value("")
        return page

    return start


def choose(page: Page, field: str, option: str | int) -> str:
    """Pick from a dropdown by its label, or its number; answers the label that then stands in the field. A list that
    the page writes anew while it is open closes: then it is opened again, as a person does.
    """
    box = page.locator(f"{field} input").first
    for _ in range(TRIES):
        box.blur()  # a list opens when its field is entered
        box.click()
        options = page.get_by_role("option")
        wanted = options.nth(option) if isinstance(option, int) else options.filter(has_text=option).first
        try:
            label = str(wanted.get_attribute("aria-label", timeout=WAIT_MS / TRIES))
            wanted.click(timeout=WAIT_MS / TRIES)
            expect(box).to_have_value(label, timeout=WAIT_MS / TRIES)
        except (PlaywrightTimeout, AssertionError):
            continue
        return label
    raise AssertionError(f"{option!r} could not be chosen in {field}")


def sign_in(page: Page, link: str) -> None:
    """Open a one-time link and press its button, as a person does."""
    page.goto(link)
    page.locator("form button").click()
    page.wait_for_selector("#voice input")
