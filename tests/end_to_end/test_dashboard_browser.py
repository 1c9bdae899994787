"""The web view in real Chromium: every page and button, as a person uses them."""

from pathlib import Path

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from cloud.model import Status
from tests.support.browser import click, text_of
from tests.support.served import Served
from tests.support.waiting import eventually

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def press(browser: WebDriver, css: str, *, agree: bool = True) -> None:
    """A button that asks back."""
    click(browser, css)
    click(browser, f"dialog[open] {'button.primary' if agree else 'button[value=no], dialog[open] .cancel'}")


def speak(path: str) -> None:
    import os
    import time

    print("begun", flush=True)
    while not os.path.exists(path):
        time.sleep(0.01)  # the job sleeps
    print("over")


def outer(n: int) -> int:
    return sum(len(str(i)) for i in range(n))


def test_jobs_are_found_by_label_with_the_form(server: Served, browser: WebDriver) -> None:
    """S31: typed into the form, and by a click on a label."""
    server.wait((server.submit(outer, range(3), label="rain of may"), server.submit(outer, [1], label="snow")))
    browser.get(f"{server.url}/jobs")
    browser.find_element(By.ID, "label").send_keys("MAY", Keys.ENTER)

    def found() -> bool:
        shown = text_of(browser, ".rows")
        return "rain of may" in shown and "3 done" in shown and "snow" not in shown

    eventually(lambda: "label=MAY" in browser.current_url and found())
    click(browser, "rain of may", By.LINK_TEXT)
    eventually(lambda: "label=rain" in browser.current_url)


def test_output_appears_while_the_page_is_open_and_the_status_changes(
    server: Served, browser: WebDriver, tmp_path: Path
) -> None:
    """S22: without loading the page again."""
    gate = tmp_path / "gate"
    (jid,) = server.submit(speak, [str(gate)])
    browser.get(f"{server.url}/jobs/{jid}")
    browser.execute_script("window.sameAsBefore = true")
    eventually(lambda: "begun" in text_of(browser, "#stdout"))
    eventually(lambda: "processing" in text_of(browser, ".status"))
    gate.touch()
    eventually(lambda: "over" in text_of(browser, "#stdout") and text_of(browser, ".status") == "done")
    assert browser.execute_script("return window.sameAsBefore") is True
    click(browser, "As plain text", By.LINK_TEXT)
    eventually(lambda: text_of(browser, "body") == "begun\nover")


def test_a_profile_is_sorted_by_a_click(server: Served, browser: WebDriver) -> None:
    """S37: on the page of the job."""
    (jid,) = jids = server.submit(outer, [200], profile=True)
    server.wait((jids,))
    browser.get(f"{server.url}/jobs/{jid}")
    assert "outer" in text_of(browser, ".profile tbody tr:first-child")
    click(browser, "Calls", By.LINK_TEXT)
    eventually(lambda: text_of(browser, ".profile th[aria-sort]") == "Calls ▼")
    assert "outer" not in text_of(browser, ".profile tbody tr:first-child")


def test_a_job_is_killed_and_deleted_with_its_buttons(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    (jid,) = jids = server.submit(speak, [str(tmp_path / "never")], label="to end")
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    browser.get(f"{server.url}/jobs/{jid}")
    press(browser, "form[action$='/kill'] button", agree=False)
    assert server.status((jids,)) == [Status.PROCESSING]
    press(browser, "form[action$='/kill'] button")
    eventually(lambda: text_of(browser, ".status") == "killed")
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "form[action$='/delete']"))
    press(browser, "form[action$='/delete'] button")
    eventually(lambda: browser.current_url == f"{server.url}/jobs")
    assert "to end" not in text_of(browser)


def test_a_map_is_killed_and_deleted_on_the_jobs_page(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    jids = server.submit(speak, [str(tmp_path / "never")] * 5, label="many to end")
    browser.get(f"{server.url}/jobs?label=many")
    press(browser, ".rows button[aria-label^='Kill: ']")
    eventually(lambda: "5 killed" in text_of(browser, ".rows"))
    press(browser, ".rows button[aria-label^='Delete: ']")
    eventually(lambda: "No jobs match" in text_of(browser))
    assert jids.start


def test_hostile_labels_and_output_stay_text(server: Served, browser: WebDriver) -> None:
    (jid,) = jids = server.submit(print, [HOSTILE], label=HOSTILE)
    server.wait((jids,))
    for page in ("jobs", f"jobs/{jid}", f"jobs/{jid}/stdout"):
        browser.get(f"{server.url}/{page}")
        assert HOSTILE in text_of(browser, "body")
        with pytest.raises(NoAlertPresentException):
            _ = browser.switch_to.alert.text


def test_the_theme_is_chosen_and_remembered(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/jobs")
    ground = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(ground)
    click(browser, "theme", By.ID)
    after = browser.execute_script(ground)
    assert after != before
    browser.refresh()
    assert browser.execute_script(ground) == after


def test_the_keyboard_skips_to_the_content_first(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/jobs")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to content"


def test_pages_fit_on_a_phone(server: Served, browser: WebDriver) -> None:
    jids = server.submit(outer, range(3), label="x" * 300)
    server.wait((jids,))
    browser.set_window_size(500, 900)
    for page in ("jobs", f"jobs/{jids.start}"):
        browser.get(f"{server.url}/{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    browser.set_window_size(1280, 900)


def test_signing_out_and_in_again_with_the_key(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/jobs")
    click(browser, "form[action$='sign-out'] button")
    eventually(lambda: "sign-in" in browser.current_url)
    browser.get(f"{server.url}/jobs?label=back+here")
    browser.find_element(By.ID, "key").send_keys(server.card["key"])
    browser.find_element(By.ID, "secret").send_keys(server.card["secret"], Keys.ENTER)
    eventually(lambda: browser.current_url == f"{server.url}/jobs?label=back+here")
