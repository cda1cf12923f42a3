"""From a one-time link to a cloned voice that is heard: by a real browser, on the real engine where it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, real_engine_is_here, sign_in

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


def enrol(page: Page, name: str) -> None:
    """The form: files, purposes, attestations, the statement recorded by the microphone."""
    page.locator("#voice-cards").get_by_role("button", name="Crea la prima voce").click()
    page.locator("#enrol-name").get_by_role("textbox").fill(name)
    page.set_input_files("#enrol-files input[type=file]", CLIPS)
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
    expect(page.locator("#enrol-statement blockquote")).to_contain_text("uso interno")
    page.locator("#consent-microphone button.record").click()
    page.wait_for_timeout(7000)
    page.locator("#consent-microphone button.stop-button").click()
    expect(page.locator("#enrol-recording timbro-player")).to_have_count(1, timeout=LONG_MS)
    page.click("#enrol-save")
    expect(page.locator("#voice-cards article")).to_contain_text(name, timeout=LONG_MS)


@pytest.mark.timeout(900)
def test_a_voice_is_enrolled_cloned_heard_downloaded_and_found_again(
    serve: Callable[[str], Served], open_page: Callable[..., Page], troubles: list[str]
) -> None:
    served = serve("real" if real_engine_is_here() else "first")
    page = open_page()
    sign_in(page, served.link)
    enrol(page, "Linda")
    expect(page.locator("#voice-cards")).to_contain_text("Consenso fino al", timeout=LONG_MS)

    page.locator("#voice-cards").get_by_role("button", name="Falla parlare").click()
    page.fill("#clone-text textarea", "Buongiorno, questa è la mia voce nuova.")
    expect(page.locator("#clone-engine input")).not_to_have_value("")
    page.click("#clone-go")
    expect(page.locator("#take")).to_have_count(1, timeout=LONG_MS)
    expect(page.locator("#scores")).to_contain_text("Somiglianza", timeout=LONG_MS)

    heard = page.locator("#take timbro-player").evaluate(HEAR)
    assert heard["moved"] > 0.4
    assert heard["seconds"] > 0.8
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
