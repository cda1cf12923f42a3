"""Listening tests in a real Chromium: designed in the tab, taken by the public link on a phone, read live."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import TRIES, Served, choose

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SYSTEMS = ("Segreto uno", "Segreto due")
SENTENCES = "Buongiorno a tutti.\nIl treno parte alle otto."
LONG_MS = 120_000


@pytest.fixture(scope="module")
def served(serve: Callable[[str], Served]) -> Served:
    return serve("listening")  # scripted, and of this module's own: a sign-in link works once


@pytest.fixture
def shot(tmp_path: Path) -> Callable[[Page, str], None]:
    """Screenshots to look at: into tmp_path (pytest's --basetemp says where), named after what they show."""

    def take(page: Page, name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)

    return take


def add_system(page: Page, number: int, name: str) -> None:
    """Pick the voice, and press the button only when the page shows what was picked: that is what it will read."""
    voice, engine = page.locator("#listen-voice input"), page.locator("#listen-engine input")
    expect(voice).not_to_have_value("")  # the list has arrived
    choose(page, "#listen-voice", number)
    expect(engine).not_to_have_value("")
    field = page.locator("#listen-system-name input, #listen-system-name textarea")
    expect(field).to_have_value("")  # the last name has been taken
    field.fill(name)
    for _ in range(TRIES):  # pressed before the voice's engines have come, it says so: a person presses again
        page.click("#listen-add-voice")
        with contextlib.suppress(AssertionError):
            expect(page.locator("#listen-picked")).to_contain_text(name, timeout=LONG_MS / TRIES)
            return
    raise AssertionError(f"{name} was not added")


def design(
    page: Page, name: str, kind: str, shot: Callable[[Page, str], None], *, headphones: bool = False
) -> None:
    """Two presets of the scripted engines, two sentences, two training questions."""
    page.get_by_role("tab", name="Ascolto").click()
    page.click("#listen-new")
    page.fill("#listen-name input, #listen-name textarea", name)
    page.locator("#listen-kind").get_by_label(kind, exact=True).check()
    for number, system in enumerate(SYSTEMS):
        add_system(page, number, system)
    page.fill("#listen-sentences textarea", SENTENCES)
    expect(page.locator("#plan")).to_contain_text("±")
    if headphones:
        page.locator("#listen-checks button").first.click()
        page.locator("#listen-headphones input").check()
    shot(page, f"create-{kind.replace('/', '')}")
    page.click("#listen-create")
    expect(page.locator("#listen-detail")).to_contain_text(name, timeout=LONG_MS)
    open_button = page.locator("#listen-detail").get_by_role("button", name="Apri agli ascoltatori")
    expect(open_button).to_be_visible(timeout=LONG_MS)


def open_link(page: Page) -> str:
    page.locator("#listen-detail").get_by_role("button", name="Apri agli ascoltatori").click()
    expect(page.locator("#listen-link")).to_be_visible()
    return page.locator("#listen-link").input_value()


def agree(page: Page) -> None:
    expect(page.locator("#begin")).to_be_disabled()
    page.check("#agree")
    page.click("#begin")


def answer(page: Page | FrameLocator, value: str, *, by_key: bool = False) -> None:
    """Hear every sound of the question to its end, then answer and go on."""
    place = page.locator("#place").inner_text()
    expect(page.locator("#next")).to_be_disabled()
    expect(page.locator('[aria-checked="true"]')).to_have_count(0)  # nothing is chosen for the listener
    for sound in page.locator(".player").all():
        expect(sound).to_be_enabled()
        sound.click()
        expect(sound).to_contain_text("ascoltato")
    if by_key:
        assert isinstance(page, Page)
        page.keyboard.press(value)
        page.keyboard.press("Enter")
    else:
        page.locator(f'.answer[data-value="{value}"]').click()
        page.locator("#next").click()
    expect(page.locator(f"#place:has-text('{place}')")).to_have_count(0)


def rate_in_the_tab(page: Page, shot: Callable[[Page, str], None]) -> None:
    """Whoever is signed in finds the open test in the tab, takes part without leaving it, and is counted."""
    page.reload()
    page.get_by_role("tab", name="Ascolto").click()
    mine = page.locator("#listen-tests article", has_text="Prova MOS")
    expect(mine).to_contain_text("Ascoltatori: 1 · hanno finito: 1 · voti: 4")
    mine.get_by_role("button", name="Apri").click()
    expect(page.locator("#listen-detail")).to_contain_text("Prova MOS")
    page.locator("#listen-offered summary").first.click()
    inside = page.frame_locator("#listen-offered iframe").first
    inside.locator("#agree").check()
    inside.locator("#begin").click()
    expect(inside.locator("#practice")).to_be_visible()
    answer(inside, "3")
    answer(inside, "3")
    expect(inside.locator("#practice")).to_have_count(0)
    answer(inside, "5")
    shot(page, "tab-rating")
    expect(page.locator("#listen-tests")).to_contain_text(
        "Ascoltatori: 2 · hanno finito: 1 · voti: 5", timeout=LONG_MS
    )


@pytest.mark.parametrize(("scheme", "size"), [("light", (1366, 900)), ("dark", (390, 844))])
@pytest.mark.timeout(600)
def test_a_tone_that_does_not_arrive_cannot_be_answered_and_a_change_of_language_does_no_harm(
    enter: Callable[..., Page],
    open_page: Callable[..., Page],
    troubles: list[str],
    shot: Callable[[Page, str], None],
    scheme: str,
    size: tuple[int, int],
) -> None:
    owner = enter(color_scheme=scheme)
    design(owner, f"Prova cuffie {scheme}", "MOS", shot, headphones=True)
    owner.set_viewport_size({"width": size[0], "height": size[1]})
    shot(owner, f"owner-{scheme}")
    listener = open_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    listener.goto(open_link(owner))
    agree(listener)
    answers = listener.locator(".answers .answer")
    listener.route("**/sound/*.wav", lambda route: route.fulfill(status=503))
    listener.click("#tone")
    expect(listener.locator("#tone-hint")).to_contain_text("riprova")
    expect(answers.first).to_be_disabled()
    listener.unroute("**/sound/*.wav")
    listener.click("#tone")
    listener.get_by_role("button", name="English").click()  # while the tone sounds
    expect(listener.locator("#tone")).to_have_text("Listen again")
    expect(answers.first).to_be_enabled()
    shot(listener, f"headphones-{scheme}")
    answers.first.click()
    expect(answers.first).to_be_disabled()  # the next tone has not sounded
    listener.click("#no-headphones")
    expect(listener.locator("#place")).to_be_visible()
    assert troubles == []


@pytest.mark.timeout(900)
def test_mos_and_ab_from_the_public_link_on_a_phone_with_a_break(
    enter: Callable[..., Page],
    open_page: Callable[..., Page],
    troubles: list[str],
    shot: Callable[[Page, str], None],
) -> None:
    owner = enter()
    design(owner, "Prova MOS", "MOS", shot)
    shot(owner, "ready")
    link = open_link(owner)
    listener = open_page(**PHONE)
    listener.goto(link)
    shot(listener, "welcome")
    agree(listener)
    expect(listener.locator("#practice")).to_be_visible()
    answer(listener, "3")
    answer(listener, "4")
    shot(listener, "question")
    answer(listener, "5")
    context, before = listener.context, listener.locator("#place").inner_text()
    listener.close()

    listener = context.new_page()
    listener.goto(link)
    expect(listener.locator("#place")).to_have_text(before)
    for _ in range(3):
        answer(listener, "2", by_key=True)
    expect(listener.locator("#done")).to_be_visible()
    shot(listener, "done")
    assert "Segreto" not in listener.content()

    # The owner's page has not been touched: the results come by themselves.
    expect(owner.locator("#listen-results")).to_contain_text("Segreto uno", timeout=LONG_MS)
    expect(owner.locator("#listen-tests")).to_contain_text("Ascoltatori: 1 · hanno finito: 1 · voti: 4")
    shot(owner, "results")
    with owner.expect_download() as download:
        owner.locator("#listen-outcome").get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + 6

    design(owner, "Prova AB", "A/B", shot)
    ab = open_link(owner)
    listener.goto(ab)
    agree(listener)
    for value in ("1", "0", "1", "0"):
        answer(listener, value)
        if listener.locator("#done").count():
            break
        shot(listener, "ab")
    expect(listener.locator("#done")).to_be_visible()
    expect(owner.locator("#listen-results")).to_contain_text("Preferenze", timeout=LONG_MS)
    owner.get_by_text("Chiudi la prova", exact=True).first.click()
    owner.locator("#listen-detail [data-act=close]").dblclick()  # it asks once more, for four seconds
    expect(owner.locator("#listen-detail")).to_contain_text("La prova è chiusa")
    rate_in_the_tab(owner, shot)
    listener.goto(ab)
    expect(listener.locator("#closed")).to_be_visible()
    expect(listener.locator("table")).to_contain_text("Segreto uno")
    shot(listener, "revealed")
    assert troubles == []
