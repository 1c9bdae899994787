"""Overview, Files, Keys and Server pages in real Chromium: every button, charts that move, as a person uses them."""

import json
import re
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.browser import click, text_of
from tests.support.served import Served
from tests.support.waiting import eventually

HOSTILE = "<img src=x onerror=alert(1)>"


def press(browser: WebDriver, css: str, *, agree: bool | None = None) -> None:
    """A button; `agree` answers the question that it asks."""
    click(browser, css)
    if agree is not None:
        click(browser, f"#question[open] button[value={'yes' if agree else 'no'}]")


def fails(x: int) -> int:
    if x == 1:
        raise ValueError(f"no {x} today")
    return x


def tiles(browser: WebDriver) -> tuple[int, int]:
    """How many are done and failed, as the tiles say."""
    text = text_of(browser, ".tiles")
    found = [re.search(rf"([\d,]+)\n{word}", text) for word in ("done", "failed")]
    done, failed = (int(match[1].replace(",", "")) if match else -1 for match in found)
    return done, failed


def test_the_overview_counts_and_draws_while_it_is_looked_at(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/overview")
    eventually(lambda: len(browser.find_elements(By.CSS_SELECTOR, ".chart canvas")) == 3)
    browser.execute_script("window.sameAsBefore = true")
    drawn = "return Number(document.getElementById('charts').dataset.drawn)"
    before = browser.execute_script(drawn)
    done, failed = tiles(browser)
    jids = server.submit(fails, range(6), label=HOSTILE)
    server.wait((jids,))
    eventually(lambda: tiles(browser) == (done + 5, failed + 1))
    eventually(lambda: "ValueError: no 1 today" in text_of(browser, ".failures"))
    eventually(lambda: browser.execute_script(drawn) > before)
    assert browser.execute_script("return window.sameAsBefore") is True
    assert HOSTILE in text_of(browser, ".failures")


def test_the_charts_are_broken_down_and_span_a_day(server: Served, browser: WebDriver) -> None:
    server.wait((server.submit(fails, [2, 3], label="rain of may"),))
    browser.get(f"{server.url}/overview")
    click(browser, "label", By.LINK_TEXT)
    eventually(lambda: "rain of may" in text_of(browser, "[data-chart=ended]"))
    eventually(lambda: "rain of may" in text_of(browser, "#lately"))
    click(browser, "24 hours", By.LINK_TEXT)
    eventually(lambda: "span=day" in browser.current_url and "per minute" in text_of(browser))
    assert "by=label" in browser.current_url
    eventually(lambda: "rain of may" in text_of(browser, "[data-chart=ended]"))
    click(browser, "function", By.LINK_TEXT)
    eventually(lambda: "fails" in text_of(browser, "[data-chart=ended]"))
    click(browser, "#lately a")
    eventually(lambda: "jobs?function=fails" in browser.current_url)


def test_the_charts_take_the_colours_of_the_theme(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/overview")
    drawn = "return Number(document.getElementById('charts').dataset.drawn || 0)"
    before = eventually(lambda: browser.execute_script(drawn))
    click(browser, "theme", By.ID)
    eventually(lambda: browser.execute_script(drawn) > before)
    click(browser, "theme", By.ID)


def test_a_file_is_put_found_fetched_and_deleted(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    path = tmp_path / "may.txt"
    path.write_bytes(b"rain\n" * 1000)
    browser.get(f"{server.url}/files")
    assert "There are no files yet" in text_of(browser)
    browser.find_element(By.ID, "file").send_keys(str(path))
    name = browser.find_element(By.ID, "name")
    eventually(lambda: name.get_attribute("value") == "may.txt")
    name.clear()
    name.send_keys(f"films/{HOSTILE}.txt")
    press(browser, "#upload button")
    eventually(lambda: f"films/{HOSTILE}.txt" in text_of(browser, "#found"))
    assert "5.0 kB" in text_of(browser, "#found")
    _, _, body = server.request("GET", "/v1/files?prefix=films/")
    assert json.loads(body)["files"][0]["size_bytes"] == 5000
    browser.find_element(By.ID, "prefix").send_keys("nothing", Keys.ENTER)
    eventually(lambda: "No file has a name" in text_of(browser))
    browser.get(f"{server.url}/files?prefix=films/")
    press(browser, "#found .danger", agree=False)
    assert f"films/{HOSTILE}" in text_of(browser, "#found")
    press(browser, "#found .danger", agree=True)
    eventually(lambda: "No file has a name" in text_of(browser))
    eventually(lambda: f"Deleted films/{HOSTILE}.txt." in text_of(browser, ".toasts"))


def test_a_name_that_cannot_be_is_refused_where_it_was_typed(
    server: Served, signed_in: WebDriver, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    signed_in.get(f"{server.url}/files")
    signed_in.find_element(By.ID, "file").send_keys(str(path))
    name = signed_in.find_element(By.ID, "name")
    eventually(lambda: name.get_attribute("value") == "x")
    name.clear()
    name.send_keys("../up")
    press(signed_in, "#upload button")
    eventually(lambda: "cannot be called '../up'" in text_of(signed_in, "#wrong"))


def test_a_key_is_made_copied_noted_and_deactivated(server: Served, browser: WebDriver) -> None:
    browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    browser.get(f"{server.url}/keys")
    browser.find_element(By.ID, "note").send_keys(f"night {HOSTILE}", Keys.ENTER)
    text = eventually(lambda: text_of(browser, "#secret"))
    assert f"PICLOUD_URL={server.url}" in text
    key = text.partition("PICLOUD_API_KEY=")[2].partition("\n")[0]
    press(browser, "#copy")
    eventually(lambda: text_of(browser, "#copy") == "Copied")
    click(browser, "I have kept it", By.LINK_TEXT)
    eventually(lambda: not browser.find_elements(By.ID, "secret"))
    note = browser.find_element(By.CSS_SELECTOR, f"#key-{key} input[name=note]")
    assert note.get_attribute("value") == f"night {HOSTILE}"
    note.clear()
    note.send_keys("day", Keys.ENTER)
    eventually(lambda: f"Key {key} has a new note." in text_of(browser, ".toasts"))
    press(browser, f"#key-{key} .warn", agree=True)
    eventually(lambda: "inactive" in text_of(browser, f"#key-{key}"))
    press(browser, f"#key-{key} form[action$='/activate'] button")
    eventually(lambda: "inactive" not in text_of(browser, f"#key-{key}"))


def test_a_copy_button_says_what_it_does_again_however_often_it_was_clicked(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/keys")
    press(browser, "form.upload button")
    button = "[data-copy=secret]"
    eventually(lambda: text_of(browser, button) == "Copy")
    browser.execute_script(
        "window.copies = 0; navigator.clipboard.writeText = async () => { copies += 1; };"
        "window.held = []; window.setTimeout = (act) => held.push(act);"
        "window.clearTimeout = (number) => delete held[number - 1];"
    )
    click(browser, button)
    click(browser, button)
    eventually(lambda: browser.execute_script("return copies") == 2)
    assert text_of(browser, button) == "Copied"
    browser.execute_script("held.forEach((act) => act())")  # time passes
    assert text_of(browser, button) == "Copy"


def test_loading_the_page_of_a_new_key_again_makes_no_other(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/keys")
    press(browser, "form.upload button")
    eventually(lambda: browser.find_elements(By.ID, "secret"))
    rows = len(browser.find_elements(By.CSS_SELECTOR, "#list tbody tr"))
    browser.refresh()
    eventually(lambda: not browser.find_elements(By.ID, "secret"))
    assert len(browser.find_elements(By.CSS_SELECTOR, "#list tbody tr")) == rows


def test_pages_are_reached_from_each_other_and_fit_on_a_phone(server: Served, browser: WebDriver) -> None:
    browser.set_window_size(500, 900)
    browser.get(f"{server.url}/jobs")
    for title in ("Overview", "Files", "Keys", "Server"):
        click(browser, title, By.LINK_TEXT)
        eventually(lambda: browser.find_elements(By.XPATH, f"//h1[text()='{title}']"))  # noqa: B023 - called at once
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert text_of(browser, "nav [aria-current=page]") == title
    browser.set_window_size(1280, 900)
