"""From recordings to a voice that speaks with its adapter, watched by a real browser: dataset, train, jobs, clone."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, choose, sign_in
from tests.datasets.making import SENTENCES, table_zip

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG_MS = 240_000
LINE = re.compile(r"(\d+\.\d,\d+\.\d ?){2,}")  # of at least two points
SHOTS = "TIMBRO_SHOTS"  # a folder to put pictures of the way into


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get(SHOTS):
        Path(folder).mkdir(exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def fill_number(page: Page, field: str, value: str) -> None:
    box = page.locator(f"#train-{field} input")
    box.fill(value)
    box.press("Tab")


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_STEP_S", "0.3")  # long enough to be watched


@pytest.mark.timeout(1200)
def test_a_dataset_is_made_trained_on_watched_and_its_adapter_speaks(
    slow_steps: None, serve: Callable[[str], Served], open_page: Callable[..., Page], troubles: list[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    served = serve("training")
    page = open_page(viewport={"width": 1280, "height": 900})
    sign_in(page, served.link)
    try:
        make_dataset(page, tmp_path / "corpus.zip")
        launch(page)
        watch_to_the_end(page)
        come_back(page)
        take_out(page)
        speak_with_it(page)
    finally:
        shot(page, "last")
    assert troubles == []


def make_dataset(page: Page, corpus: Path) -> None:
    """A zip with a table is brought, checked and listed as ready."""
    corpus.write_bytes(table_zip())
    tab(page, "Dataset")
    page.locator("#dataset-new button").first.click()
    page.locator("#dataset-name").get_by_role("textbox").fill("Letture")
    choose(page, "#dataset-language", "Inglese")
    page.locator("#dataset-origin").get_by_label("file", exact=True).check()
    expect(page.locator("#dataset-files input[type=file]")).to_have_count(1, timeout=LONG_MS)
    page.set_input_files("#dataset-files input[type=file]", corpus)
    expect(page.locator("#dataset-files")).to_contain_text("corpus", timeout=LONG_MS)
    page.click("#dataset-go")
    expect(page.locator("#dataset-list article")).to_contain_text("Letture", timeout=LONG_MS)
    expect(page.locator("#dataset-review timbro-player").first).to_be_visible(timeout=LONG_MS)
    expect(page.locator("#dataset-review")).to_contain_text(SENTENCES[0])
    shot(page, "dataset")


def launch(page: Page) -> None:
    """The forecast stands beside the form and follows it; the button leads to the job."""
    tab(page, "Addestra")
    expect(page.locator("#train-data")).to_contain_text("Letture", timeout=LONG_MS)
    expect(page.locator("#train-verdict")).to_contain_text("Passi", timeout=LONG_MS)
    page.locator("#train-advanced button").first.click()
    expect(page.locator("#train-sample_rate_hz input")).to_be_disabled()
    for field, value in (
        ("epochs", "30"),
        ("batch_size", "2"),
        ("accumulation", "1"),
        ("checkpoint_every", "15"),
    ):
        fill_number(page, field, value)
    page.locator("#train-patience input").fill("0")
    rate = page.locator("#train-learning_rate").get_by_role("textbox")
    rate.fill("0.05")
    rate.press("Tab")
    expect(page.locator("#train-verdict")).to_contain_text("120", timeout=LONG_MS)
    shot(page, "train")
    page.click("#train-go")
    refusal, jobs = page.locator(".toast-body.error"), page.get_by_role("tab", name="Lavori")
    expect(jobs.and_(page.locator("[aria-selected=true]")).or_(refusal).first).to_be_visible(timeout=LONG_MS)
    assert not refusal.all_inner_texts()
    expect(page.locator("#jobs article")).to_have_count(1, timeout=LONG_MS)


def watch_to_the_end(page: Page) -> None:
    """The bar moves, the curve grows, checkpoints come with their samples."""
    bar = page.locator("#job-head [role=progressbar]")
    expect(page.locator("#job-curve svg")).to_have_count(1, timeout=LONG_MS)
    first = int(bar.get_attribute("aria-valuenow") or 0)
    page.wait_for_function(
        "(before) => { const bar = document.querySelector('#job-head [role=progressbar]');"
        " return bar && Number(bar.getAttribute('aria-valuenow')) >= Math.min(before + 5, 100); }",
        arg=first, timeout=LONG_MS,
    )  # fmt: skip
    shot(page, "jobs-running")
    page.reload()  # a reload in the middle loses nothing
    tab(page, "Lavori")
    expect(page.locator("#job-curve polyline").first).to_have_attribute("points", LINE, timeout=LONG_MS)
    expect(page.locator("#job-head")).to_contain_text("finito", timeout=LONG_MS)


def come_back(page: Page) -> None:
    """After another reload the ended job stands as it stood: whole bar, whole curve, sounds that play."""
    page.reload()
    tab(page, "Lavori")
    expect(page.locator("#job-head [role=progressbar]")).to_have_attribute(
        "aria-valuenow", "100", timeout=LONG_MS
    )
    expect(page.locator("#job-head")).to_contain_text("120 / 120")
    points = page.locator("#job-curve polyline").first.get_attribute("points") or ""
    assert len(points.split()) == 120
    expect(page.locator("#job-checkpoints tr[data-step='0']")).to_contain_text("Senza addestramento")
    assert page.locator("#job-checkpoints timbro-player").count() >= 3
    answer = page.request.get(page.url.rstrip("/") + str(
        page.locator("#job-checkpoints timbro-player").first.get_attribute("src")
    ))  # fmt: skip
    assert answer.ok and answer.body()[:4] == b"RIFF"
    page.locator("#job-log button").first.click()
    expect(page.locator("#job-log")).to_contain_text("checkpoint at step 120")
    shot(page, "jobs")


def take_out(page: Page) -> None:
    """Renamed, and exported with its card."""
    shelf = page.locator("#job-adapters article")
    expect(shelf).to_have_count(1, timeout=LONG_MS)
    shelf.locator("summary").click()
    shelf.locator("input[name=name]").fill("Linda a lezione")
    shelf.get_by_role("button", name="Rinomina").click()
    expect(shelf).to_contain_text("Linda a lezione")
    with page.expect_download() as download:
        shelf.get_by_role("link", name="Esporta", exact=True).click()
    data = Path(download.value.path()).read_bytes()
    assert b"consent_record" in data[:8000] and b"base_hash" in data[:8000]
    assert download.value.suggested_filename == "Linda a lezione.safetensors"


def speak_with_it(page: Page) -> None:
    tab(page, "Clona")
    choose(page, "#clone-engine", "Engine that learns")
    choose(page, "#clone-adapter", "Linda a lezione")
    page.fill("#clone-text textarea", "Good morning, this is what I have learned.")
    page.click("#clone-go")
    expect(page.locator("#take")).to_have_count(1, timeout=LONG_MS)
    expect(page.locator("#take")).to_contain_text("Linda a lezione")
    shot(page, "clone")
