"""The Results tab in a real browser: measure, read the table, see the words that were misheard, take the files."""

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG_MS = 240_000
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
SHOTS = os.environ.get("RESULTS_SHOTS", "")  # a folder: keep pictures of the page there


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def measure(page: Page) -> None:
    """Press the button and wait until a new run is open and the button can be pressed again.

    The scripted engine may end between two looks at the page, so what passes by is not waited for.
    """
    runs = page.locator("#results-runs [data-run]")
    before = {run.get_attribute("data-run") for run in runs.all()}
    page.click("#results-go")
    expect(runs).to_have_count(len(before) + 1, timeout=LONG_MS)
    opened = page.locator("#results-runs [data-run].chosen")
    expect(opened).to_have_count(1, timeout=LONG_MS)
    fresh = re.compile("^(?!(" + "|".join(map(str, before)) + ")$)") if before else re.compile(".")
    expect(opened).to_have_attribute("data-run", fresh, timeout=LONG_MS)
    expect(page.locator("#results-go")).to_be_enabled()
    expect(page.locator("#results-stop")).to_be_disabled()


@pytest.mark.timeout(900)
def test_a_voice_is_measured_compared_read_and_exported(
    serve: Callable[[str], Served], open_page: Callable[..., Page], troubles: list[str]
) -> None:
    page = open_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    sign_in(page, serve("results").link)
    expect(page.locator("#voice input")).to_have_value(re.compile("Linda"))
    page.get_by_role("tab", name="Risultati").click()
    expect(page.locator("#results-set input")).to_have_value("Inglese, bilanciate A")
    page.locator("#results-most input").fill("3")
    measure(page)

    table = page.locator("#result table.tb-compare")
    row = table.locator("tbody tr").first
    expect(row).to_contain_text("Clonazione")
    expect(row).to_contain_text("soglia del riconoscitore")
    expect(row).to_contain_text("1 dichiarazione di consenso")
    expect(page.locator("#result del")).to_have_text("young")
    expect(page.locator("#result ins")).to_have_text("old")
    expect(page.locator("#result timbro-player")).to_have_count(3)
    shot(page, "light")

    page.locator("#results-options button").first.click()
    page.locator("#results-speed input[type=number]").fill("0.8")
    page.keyboard.press("Tab")
    measure(page)
    expect(table).to_contain_text("speed = 0.8")
    assert table.locator("tbody tr", has_text="Clonazione").count() == 2, "two settings are two rows"

    with page.expect_download() as download:
        page.locator("#result").get_by_role("link", name="JSON").click()
    told = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert [row["options"] for row in told["comparison"][:2]] == [{"speed": 0.8}, {}]
    with page.expect_download() as download:
        page.locator("#result").get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert {"setup_s", "peak_bytes", "cost", "wer"} <= {
        r["metric"] for r in rows if r["subject"] == "comparison"
    }

    page.locator("[data-theme-switch]").click()
    shot(page, "dark")
    page.locator("[data-theme-switch]").click()
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_timeout(300)
    assert page.evaluate(OVERFLOW) <= 0, "a phone scrolls in one direction only"
    shot(page, "phone")
    assert troubles == []
