"""Attack 19 on the real pages: markup in names and texts is shown as text and runs nowhere."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from studio.bootstrap import Studio
from studio.consent.purposes import Category
from studio.datasets.rows import Texts, seal_texts
from studio.db.tables import Dataset, DatasetUtterance, Synthesis
from studio.privacy.access import Role
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from studio.voices.forms import VoiceView
from studio.voices.speakers import Invitation
from tests.browser.conftest import ROOT, first_line, sign_in
from tests.conftest import open_home
from tests.enrolling import enrol
from tests.fakes import FakeJudges
from tests.listening.taking_part import form, opened, spoken
from tests.training.scripted import make_dataset

EVIL = "<img src=x onerror=\"window.pwned=1\"><svg/onload='window.pwned=2'>"


def hostile(storage: Path) -> list[str]:
    """A studio in which every name and text that a person can give is an attack; its public pages."""
    studio = open_home(Settings(storage=storage, device="cpu"), FakeJudges())
    admin = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    studio.accounts.create(admin, EVIL[:60], Role.PRODUCER)
    studio.api_keys.create(admin, EVIL[:60], ["speak"])
    voice = enrol(studio, admin, EVIL[:60])
    request = SynthesisRequest(VoiceChoice(voice_id=voice.id), f"Ecco {EVIL}", "it", "fake")
    take = studio.synthesis.preview(admin, request).take()
    studio.synthesis.takes.set_favourite(admin, take.id, True)
    with studio.database.write() as session:
        session.get_one(Synthesis, take.id).transcript = f"Sentito {EVIL}"
    hostile_dataset(studio, voice)
    test = opened(studio, admin, form(name=EVIL[:60], systems=(spoken(EVIL[:40]), spoken("other"))))
    invited = studio.speakers.invite(admin, Invitation(EVIL[:60], "it", Category.CUSTOMER, EVIL, EVIL))
    studio.audit.note(admin, "keys.saved", EVIL, remark=EVIL)
    studio.close()
    return [f"/consent/{invited}", f"/listen/{test.link}"]


def hostile_dataset(studio: Studio, voice: VoiceView) -> None:
    """A dataset of that name, whose first utterance says and was heard to say the same."""
    dataset_id = make_dataset(studio, voice, clips=3)
    with studio.database.write() as session:
        session.get_one(Dataset, dataset_id).name = EVIL
        keyset = studio.vault.keyring.find(session, voice.speaker_id)
        for row in session.scalars(select(DatasetUtterance)):
            row.sealed = seal_texts(keyset, row.id, Texts(f"Da dire {EVIL}", f"Udito {EVIL}"))


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The hostile studio, served: its one-time link, and the paths of its public pages."""
    storage = tmp_path_factory.mktemp("evil") / "storage"
    public = hostile(storage)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.served", str(storage), "scripted"],
        cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield first_line(process), public
    finally:
        process.terminate()
        process.wait(timeout=30)


def ran_nowhere(page: Page, where: str) -> None:
    assert page.evaluate("window.pwned") is None, where
    assert page.locator("img[src='x']").count() == 0, where


@pytest.mark.browser
@pytest.mark.slow
def test_attack_19_markup_runs_on_no_public_page(
    evil: tuple[str, list[str]], open_page: Callable[..., Page]
) -> None:
    """The speaker's page shows the name of the voice to be made; the listeners' page no name at all."""
    (link, public), page = evil, open_page()
    for path in public:
        page.goto(link.split("/login/")[0] + path)
        page.wait_for_timeout(1500)
        ran_nowhere(page, path)
        if path.startswith("/consent/"):
            expect(page.locator("body")).to_contain_text("onerror")


@pytest.mark.browser
@pytest.mark.slow
def test_attack_19_markup_in_names_and_texts_runs_on_no_tab(
    evil: tuple[str, list[str]], open_page: Callable[..., Page], troubles: list[str]
) -> None:
    page = open_page()
    sign_in(page, evil[0])
    expect(page.locator("body")).to_contain_text("onerror", timeout=60_000)
    tabs = page.get_by_role("tab")
    for number in range(tabs.count()):
        if tabs.nth(number).is_visible():
            tabs.nth(number).click()
            page.wait_for_timeout(1500)
            ran_nowhere(page, tabs.nth(number).inner_text())
    bring_files(page)
    assert not [trouble for trouble in troubles if "pwned" in trouble]


def bring_files(page: Page) -> None:
    """Files whose names are attacks, through the browser's own upload: a recording, and one that is none."""
    sound = (ROOT / "tests" / "data" / "LJ001-0001.flac").read_bytes()
    page.get_by_role("tab").first.click()
    page.click("#voice-new")
    shown = {f"{EVIL}.flac": "#enrol-clips article", f"{EVIL}.wav": "[data-testid=toast-body]"}
    for (name, where), data in zip(shown.items(), (sound, b"<html>no sound</html>"), strict=True):
        page.set_input_files(
            "#enrol-files input[type=file]", {"name": name, "mimeType": "audio/flac", "buffer": data}
        )
        expect(page.locator(where).first).to_be_visible()
        ran_nowhere(page, f"a file named {name}")
    expect(page.locator("#enrol-clips")).to_contain_text("pwned")
