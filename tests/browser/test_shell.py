"""The page around the tabs: language, light and dark, phone width, keyboard, cancel, markup in names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CLIP = sorted((Path(__file__).parent.parent / "data").glob("LJ*.flac"))[0]
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
# Single words of tables that are broken over two lines.
TORN = """() => [...document.querySelectorAll('.tb-scroll .tb-table :is(th, button)')].filter((one) => {
  if (!one.offsetParent || one.childElementCount || /\\s/.test(one.innerText.trim())) return false;
  const words = document.createRange();
  words.selectNodeContents(one);
  return words.getClientRects().length > 1;
}).map((one) => one.innerText)"""
TABS = 11  # all there are for an administrator: a tab that is added is looked at, too


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Served]) -> Served:
    return serve("shell")


def test_dark_mode_is_kept_and_changes_the_page(enter: Callable[..., Page]) -> None:
    page = enter(color_scheme="light")
    background = "getComputedStyle(document.querySelector('gradio-app')).backgroundColor"
    light = page.evaluate(background)
    page.locator("[data-theme-switch]").click()
    assert page.evaluate(background) != light
    page.reload()
    page.wait_for_selector("#voice input")
    assert page.evaluate("document.body.classList.contains('dark')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_in_one_direction_only_in_every_tab(enter: Callable[..., Page], scheme: str) -> None:
    page = enter(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert page.evaluate("document.body.classList.contains('dark')") is (scheme == "dark")
    tabs = page.locator("#tabs").get_by_role("tab")
    expect(tabs).to_have_count(TABS)  # the log's tab comes once the page knows who looks
    for tab in tabs.all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        page.wait_for_timeout(300)
        assert page.evaluate(OVERFLOW) <= 0, tab.inner_text()
        assert page.evaluate(TORN) == [], tab.inner_text()
    page.get_by_role("tab", name="Voci").click()
    page.click("#voice-new")
    expect(page.locator("#enrol-name")).to_be_visible()
    assert page.evaluate(OVERFLOW) <= 0


def test_ctrl_enter_generates_with_a_preset_and_the_sound_streams(enter: Callable[..., Page]) -> None:
    page = enter()
    page.get_by_role("tab", name="Clona").click()
    page.fill("#clone-text textarea", "Premere 1 per l'assistenza.")
    page.locator("#clone-spoken button").first.click()
    expect(page.locator("#clone-spoken li").first).to_contain_text("uno")
    page.focus("#clone-text textarea")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#take")).to_have_count(1)
    live = page.locator("timbro-live")
    assert live.get_attribute("src").startswith("/media/live/")  # type: ignore[union-attr]
    expect(page.locator("#history article").first).to_contain_text("Premere 1")


def test_cancel_ends_a_take_and_says_so(enter: Callable[..., Page]) -> None:
    page = enter()
    page.get_by_role("tab", name="Clona").click()
    page.fill(
        "#clone-text textarea", "Una frase lenta. E poi un'altra frase lenta. E ancora una terza. " * 20
    )
    page.locator("#clone-more button").first.click()
    page.locator("#option-fake-delay_s input").fill("4")
    page.keyboard.press("Tab")
    page.click("#clone-go")
    expect(page.locator("#clone-stop")).to_be_enabled()
    page.click("#clone-stop")
    expect(page.get_by_text("annullato").first).to_be_visible()
    expect(page.locator("#clone-go")).to_be_enabled()
    expect(page.locator("#history")).not_to_contain_text("Una frase lenta")


def test_what_is_running_survives_a_page_that_is_not_left_after_all(enter: Callable[..., Page]) -> None:
    # A download does the same, and so does, for a while, a page that answers slowly.
    page = enter()
    page.route("**/nowhere", lambda route: route.fulfill(status=204))
    page.get_by_role("tab", name="Clona").click()
    page.fill("#clone-text textarea", "Resta. Con me.")
    page.locator("#clone-more button").first.click()
    page.locator("#option-fake-delay_s input").fill("4")
    page.keyboard.press("Tab")
    page.click("#clone-go")
    expect(page.locator("#clone-stop")).to_be_enabled()
    page.evaluate("window.stayed = true; location.assign('/nowhere')")
    expect(page.locator("#history article").first).to_contain_text("Resta")
    assert page.evaluate("window.stayed"), "the page was loaded anew"
    expect(page.get_by_test_id("toast-body")).to_have_count(0)


# The end of a stream of events comes late, as it does now and then: when the page has been told to `hold` it.
LATE_END = """
const plainly = window.fetch;
window.fetch = async (what, how) => {
  const answer = await plainly(what, how);
  if (!new URL(what.url ?? what, location.href).pathname.endsWith("/queue/data")) return answer;
  const late = new TransformStream({
    async transform(frames, to) {
      const end = window.hold ? frames.indexOf('data: {"msg":"close_stream"') : -1;
      if (end < 0) return to.enqueue(frames);
      to.enqueue(frames.slice(0, end));
      window.held = true;
      await window.hold;
      to.enqueue(frames.slice(end));
    },
  });
  const passed = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(late);
  return new Response(passed.pipeThrough(new TextEncoderStream()), answer);
};
"""


def test_an_event_asked_for_while_the_stream_of_events_ends_is_heard_of(enter: Callable[..., Page]) -> None:
    page = enter()
    page.add_init_script(LATE_END)
    page.reload()
    page.get_by_role("tab", name="Clona").click()
    expect(page.locator("#clone-engine input")).not_to_have_value("")
    page.evaluate("window.hold = new Promise((go) => { window.letGo = go }); true")
    page.fill("#clone-text textarea", "Premere 1.")
    page.wait_for_function("window.held")
    with page.expect_response("**/queue/join?**") as accepted:
        page.get_by_role("button", name="Usa l'esempio").click()
    accepted.value.finished()
    page.wait_for_timeout(500)  # Gradio has read the answer: it is to hold the ending stream for open
    page.evaluate("window.hold = undefined; window.letGo()")
    expect(page.locator("#clone-text textarea")).not_to_have_value("Premere 1.")


def test_a_refusal_says_what_why_and_what_next(enter: Callable[..., Page]) -> None:
    page = enter()
    page.get_by_role("tab", name="Clona").click()
    page.fill("#clone-text textarea", "😀😀😀")
    page.click("#clone-go")
    message = page.locator("[data-testid=toast-body]").first
    expect(message).to_be_visible()
    assert len(message.inner_text().strip().split("\n")) >= 2


def test_gradios_own_words_are_in_the_language_of_the_page_also_when_they_change(
    enter: Callable[..., Page],
) -> None:
    page = enter()
    page.evaluate("document.body.append(Object.assign(document.createElement('i'), { id: 'told' }))")
    told = page.locator("#told")
    page.evaluate("document.querySelector('#told').textContent = 'queue: 2/3 |'")
    expect(told).to_have_text("in coda: 2/3 |")
    page.evaluate("document.querySelector('#told').firstChild.nodeValue = 'queue: 1/3 |'")
    expect(told).to_have_text("in coda: 1/3 |")
    page.evaluate("document.querySelector('#told').firstChild.nodeValue = 'processing |'")
    expect(told).to_have_text("in corso |")


def test_a_refused_file_does_not_come_again_with_the_next(enter: Callable[..., Page]) -> None:
    page = enter()
    page.get_by_role("tab", name="Voci").click()
    page.get_by_role("button", name="Crea la prima voce").click()
    files = page.locator("#enrol-files input[type=file]")
    files.set_input_files([{"name": "pagina.wav", "mimeType": "audio/wav", "buffer": b"<html>no</html>"}])
    message = page.locator("[data-testid=toast-body]")
    expect(message).to_have_count(1)
    page.get_by_test_id("toast-close").click()
    expect(message).to_have_count(0)
    expect(page.locator("#enrol-files")).not_to_contain_text("pagina")
    files.set_input_files([CLIP])
    expect(page.locator("#enrol-clips timbro-player")).to_have_count(1, timeout=60_000)
    expect(message).to_have_count(0)


def test_the_language_switch_is_kept_by_the_account(enter: Callable[..., Page], served: Served) -> None:
    # The last of this module: it changes what the others' pages say, should it fail half-way.
    page = enter()
    expect(page.get_by_role("tab", name="Voci")).to_be_visible()
    page.locator("#tools").get_by_role("button", name="Switch to English").click()
    expect(page.get_by_role("tab", name="Voices")).to_be_visible()
    assert page.url.endswith("/en")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.goto(f"{served.address}/")  # another visit: the account's language, not the browser's
    expect(page.get_by_role("tab", name="Voices")).to_be_visible()
    page.locator("#tools").get_by_role("button", name="Passa all'italiano").click()
    expect(page.get_by_role("tab", name="Voci")).to_be_visible()
