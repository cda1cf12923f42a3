"""Gradio's own front end, in real Chromium, through the gate."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.web.conftest import Served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[Page]:
    served.gate.limits._levels.clear()
    token = served.studio.accounts.sign_in_link(served.studio.accounts.ensure_administrator().id)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(locale="en-GB")
        page.set_default_timeout(60_000)
        page.goto(served.url)
        expect(page.get_by_role("heading", name="Nobody is signed in")).to_be_visible()
        page.goto(f"{served.url}/login/{token}")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#name textarea")).to_be_visible(timeout=60_000)
        yield page
        browser.close()


def said(page: Page, text: str) -> None:
    expect(page.locator("#out textarea")).to_have_value(text, timeout=60_000)


def test_a_button_a_generator_and_a_direct_call_work(page: Page) -> None:
    page.locator("#name textarea").fill("Rosa")
    page.locator("#greet").click()
    said(page, "Ciao Rosa (admin)")
    page.locator("#count").click()
    said(page, "step 3")
    page.locator("#now").click()
    said(page, "now")


def test_an_upload_reaches_its_event_whatever_its_name(page: Page) -> None:
    file = {"name": "perché $(id) & co.txt", "mimeType": "text/plain", "buffer": b"hello"}
    page.locator("#file input[type=file]").set_input_files([file])
    expect(page.locator("#file")).to_contain_text("perch")
    page.locator("#size").click()
    said(page, "5 bytes")


def test_html_is_shown_and_its_handlers_do_not_run(page: Page) -> None:
    """Attack 19 at the last wall: the policy lets gr.HTML render and stops `<img onerror>`."""
    expect(page.locator("#bold")).to_have_text("bold")
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None


def test_an_ended_session_says_so(page: Page, served: Served) -> None:
    page.evaluate("fetch('/logout', {method: 'POST'})")
    page.wait_for_timeout(300)
    page.locator("#greet").click()
    expect(page.get_by_text("ended").or_(page.get_by_text("Nobody is signed in")).first).to_be_visible(
        timeout=60_000
    )
