"""Pages that are open at the same time, in real Chromium: how many streams they hold, and that none blocks another."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from tests.support.browser import text_of
from tests.support.served import Served
from tests.support.waiting import eventually

CONNECTIONS = 6
"""What a browser has for one server over HTTP/1.1."""
COUNTED = """
if (!window.streams) {
  window.streams = [];
  window.EventSource = class extends EventSource { constructor(...given) { super(...given); streams.push(this); } };
}
"""
LISTENING = "return (window.streams || []).filter((stream) => stream.readyState !== 2).length"
HASTY = """
let held;
Object.defineProperty(window, "picloud", {
  get: () => held, set(value) { held = value; window.dispatchEvent(new Event("focus")); }
});
"""
"""A page that is used after each of its scripts."""
STREAM = "return document.documentElement.dataset.stream"


def speak(folder: str) -> None:
    """Says a line for each file that appears in the folder, and ends with the file 'end'."""
    import os
    import time

    print("begun", flush=True)
    said: set[str] = set()
    while "end" not in said:
        for name in sorted(set(os.listdir(folder)) - said):
            said.add(name)
            print("heard", name, flush=True)
        time.sleep(0.005)  # the job sleeps


@pytest.fixture
def running(server: Served, tmp_path: Path) -> Iterator[int]:
    """A job that says what appears in `tmp_path`."""
    (jid,) = jids = server.submit(speak, [str(tmp_path)])
    yield jid
    (tmp_path / "end").touch()
    server.wait((jids,))


@pytest.fixture
def counted(browser: WebDriver) -> Iterator[WebDriver]:
    """A browser of which every window that opens counts its streams; at the end it has the one that it began with."""
    first = browser.current_window_handle
    count(browser)
    yield browser
    for handle in browser.window_handles:
        if handle != first:
            browser.switch_to.window(handle)
            browser.close()
    browser.switch_to.window(first)
    browser.get("about:blank")


def count(browser: WebDriver) -> None:
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNTED})


def opened(browser: WebDriver, url: str, kind: str) -> str:
    """A page in a new tab or window, beside those there are."""
    browser.switch_to.new_window(kind)
    count(browser)
    browser.get(url)
    return browser.current_window_handle


def listening(browser: WebDriver) -> int:
    """Streams of all pages that are open."""
    found = 0
    for handle in browser.window_handles:
        browser.switch_to.window(handle)
        found += browser.execute_script(LISTENING)
    return found


def test_the_page_of_a_running_job_holds_one_stream(
    server: Served, counted: WebDriver, running: int, tmp_path: Path
) -> None:
    counted.get(f"{server.url}/jobs/{running}")
    eventually(lambda: text_of(counted, "#stdout") == "begun")
    assert counted.execute_script("return streams.length") == 1
    (tmp_path / "end").touch()
    eventually(lambda: text_of(counted, ".status") == "done")
    eventually(lambda: counted.find_elements(By.CSS_SELECTOR, "#output[data-over]"))
    eventually(lambda: counted.execute_script(LISTENING) == 0, what="a finished job's page that holds no stream")


def test_a_page_that_is_used_while_it_loads_listens_to_its_job(
    server: Served, counted: WebDriver, running: int, tmp_path: Path
) -> None:
    counted.switch_to.new_window("tab")
    count(counted)
    counted.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HASTY})
    counted.get(f"{server.url}/jobs/{running}")
    eventually(lambda: counted.execute_script(STREAM) == "open")
    (tmp_path / "later").touch()
    eventually(lambda: "heard later" in text_of(counted, "#stdout"))
    assert counted.execute_script("return streams.length") == 1


def test_seven_windows_of_running_jobs_leave_room_for_more_and_all_go_on(
    server: Served, counted: WebDriver, running: int, tmp_path: Path
) -> None:
    windows = [opened(counted, f"{server.url}/jobs/{running}", "window") for _ in range(7)]
    eventually(lambda: 0 < listening(counted) < CONNECTIONS - 1)
    counted.switch_to.window(windows[0])
    assert counted.execute_script(LISTENING) == 0, "the others were opened later"
    assert text_of(counted, ".state") == "Every 3 s"
    counted.execute_script("window.dispatchEvent(new Event('focus'))")
    eventually(lambda: counted.execute_script(STREAM) == "open", what="a stream for the page that is used")
    eventually(lambda: 0 < listening(counted) < CONNECTIONS - 1)
    (tmp_path / "later").touch()
    for window in windows:
        counted.switch_to.window(window)
        eventually(lambda: "heard later" in text_of(counted, "#stdout"))
    (tmp_path / "end").touch()
    for window in windows:
        counted.switch_to.window(window)
        eventually(lambda: text_of(counted, ".status") == "done")
        eventually(lambda: "heard end" in text_of(counted, "#stdout"))
        eventually(lambda: counted.find_elements(By.CSS_SELECTOR, "#output[data-over]"))


def test_a_page_that_nobody_sees_holds_no_stream_and_has_all_when_it_is_seen_again(
    server: Served, counted: WebDriver, running: int, tmp_path: Path
) -> None:
    tabs = [opened(counted, f"{server.url}/jobs/{running}", "tab") for _ in range(7)]
    counted.switch_to.window(tabs[0])
    eventually(lambda: text_of(counted, "#stdout") == "begun")
    (tmp_path / "later").touch()
    eventually(lambda: "heard later" in text_of(counted, "#stdout"))
    counted.switch_to.window(tabs[3])
    eventually(lambda: text_of(counted, "#stdout").splitlines() == ["begun", "heard later"])
