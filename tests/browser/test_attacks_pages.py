"""Attack 19 on the real pages: markup in names and texts is shown as text and runs nowhere."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.privacy.access import Role
from studio.settings import Settings
from studio.synthesis.requests import SynthesisRequest, VoiceChoice
from tests.browser.conftest import ROOT, first_line, sign_in
from tests.conftest import open_home
from tests.enrolling import enrol
from tests.fakes import FakeJudges

EVIL = "<img src=x onerror=\"window.pwned=1\"><svg/onload='window.pwned=2'>"


def hostile(storage: Path) -> None:
    """A studio in which every name and text that a person can give is an attack."""
    studio = open_home(Settings(storage=storage, device="cpu"), FakeJudges())
    admin = studio.accounts.actor_of(studio.accounts.ensure_administrator().id)
    studio.accounts.create(admin, EVIL[:60], Role.PRODUCER)
    studio.api_keys.create(admin, EVIL[:60], ["speak"])
    voice = enrol(studio, admin, EVIL[:60])
    request = SynthesisRequest(VoiceChoice(voice_id=voice.id), f"Ecco {EVIL}", "it", "fake")
    take = studio.synthesis.preview(admin, request).take()
    studio.synthesis.takes.set_favourite(admin, take.id, True)
    studio.audit.note(admin, "keys.saved", EVIL, remark=EVIL)
    studio.close()


@pytest.mark.browser
@pytest.mark.slow
def test_attack_19_markup_in_names_and_texts_runs_on_no_tab(
    tmp_path: Path, open_page: Callable[..., Page], troubles: list[str]
) -> None:
    storage = tmp_path / "storage"
    hostile(storage)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.served", str(storage), "scripted"],
        cwd=ROOT, env=os.environ | {"PYTHONWARNINGS": "ignore"}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        page = open_page()
        sign_in(page, first_line(process))
        expect(page.locator("body")).to_contain_text("onerror", timeout=60_000)
        tabs = page.get_by_role("tab")
        for number in range(tabs.count()):
            if tabs.nth(number).is_visible():
                tabs.nth(number).click()
                page.wait_for_timeout(1500)
                assert page.evaluate("window.pwned") is None, tabs.nth(number).inner_text()
        assert page.locator("img[src='x']").count() == 0
        assert not [trouble for trouble in troubles if "pwned" in trouble]
    finally:
        process.terminate()
        process.wait(timeout=30)
