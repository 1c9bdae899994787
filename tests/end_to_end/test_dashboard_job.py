"""The Job page in real Chromium: live output and its tools, traceback, flame graph, buttons; nothing is ever markup."""

import http.client
import json
from pathlib import Path
from typing import Any

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


def press(browser: WebDriver, css: str, *, sure: bool = False) -> None:
    """A button; if it asks back, say yes."""
    click(browser, css)
    if sure:
        click(browser, "dialog[open] button.primary")


def page(server: Served, browser: WebDriver, function: Any, argument: Any, **spec: Any) -> int:
    """The open page of a job that has ended."""
    (jid,) = jids = server.submit(function, [argument], **spec)
    server.wait((jids,))
    browser.get(f"{server.url}/jobs/{jid}")
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#output[data-over]"))
    return jid


def speak(folder: str) -> None:
    """Says a line for each file that appears in the folder, and ends with the file 'end'."""
    import os
    import sys
    import time

    print("begun", flush=True)
    said: set[str] = set()
    while "end" not in said:
        for name in sorted(set(os.listdir(folder)) - said):
            said.add(name)
            print("heard", name, flush=True)
            print("also", name, file=sys.stderr, flush=True)
        time.sleep(0.005)  # the job sleeps


def stubborn(_: object) -> None:
    import time

    while True:
        try:
            while True:
                time.sleep(0.005)  # the job sleeps
        except BaseException:  # not even when it is asked to end
            print("no", flush=True)


def lines(texts: list[str]) -> None:
    for text in texts:
        print(text)


def fails(_: object) -> None:
    print("about to")
    json.loads("{")


def leaf(n: int) -> int:
    return sum(range(n))


def twig(n: int) -> int:
    return leaf(n)


def branch(n: int) -> int:
    most = 0
    for i in range(n):
        most = max(most, twig(10_000 + i))
    return most


def tree(n: int) -> int:
    return branch(n)


def spray(n: int) -> int:
    return sum(range(n))


def fork(n: int) -> int:
    both = 0
    for _ in range(n):
        both += twig(10_000) + spray(10_000)
    return both


def shrub(n: int) -> int:
    return fork(n)


# --- live


def test_output_appears_as_it_is_written_and_the_page_ends_with_the_job(
    server: Served, browser: WebDriver, tmp_path: Path
) -> None:
    """What is written later is seen later, without loading the page again, and each piece once."""
    (jid,) = server.submit(speak, [str(tmp_path)])
    browser.get(f"{server.url}/jobs/{jid}")
    browser.execute_script("window.sameAsBefore = true")
    eventually(lambda: text_of(browser, "#stdout") == "begun")
    for name in ("a", "b", "c"):
        assert f"heard {name}" not in text_of(browser, "#stdout")
        (tmp_path / name).touch()
        eventually(lambda name=name: text_of(browser, "#stdout").endswith(f"heard {name}"))  # type: ignore[misc]
    eventually(lambda: text_of(browser, "#stderr-tab").split() == ["stderr", "3"])
    (tmp_path / "end").touch()
    eventually(lambda: text_of(browser, ".status") == "done")
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#output[data-over]"))
    assert text_of(browser, "#stdout").splitlines() == ["begun", "heard a", "heard b", "heard c", "heard end"]
    click(browser, "stderr-tab", By.ID)
    assert text_of(browser, "#stderr").splitlines() == ["also a", "also b", "also c", "also end"]
    assert browser.execute_script("return window.sameAsBefore") is True


def test_the_end_is_followed_until_somebody_scrolls_up(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    (jid,) = jids = server.submit(speak, [str(tmp_path)])
    for at in range(100):
        (tmp_path / f"{at:03}").touch()
    browser.get(f"{server.url}/jobs/{jid}")
    eventually(lambda: "heard 099" in text_of(browser, "#stdout"))
    follow = "#stdout-panel .toggle"
    top = "return document.getElementById('stdout').scrollTop"
    distance = "const p = document.getElementById('stdout'); return p.scrollHeight - p.scrollTop - p.clientHeight"
    eventually(lambda: browser.execute_script(distance) < 5)

    def scrolled_up() -> bool:  # again, if the page was about to follow at that very moment
        browser.execute_script("document.getElementById('stdout').scrollTop = 40")
        return browser.find_element(By.CSS_SELECTOR, follow).get_attribute("aria-pressed") == "false"

    eventually(scrolled_up)
    (tmp_path / "later").touch()
    eventually(lambda: "heard later" in text_of(browser, "#stdout"))
    assert browser.execute_script(top) == 40
    click(browser, follow)
    eventually(lambda: browser.execute_script(distance) < 5)
    (tmp_path / "end").touch()
    server.wait((jids,))


def test_of_a_job_that_was_lost_the_new_attempt_is_shown_and_why_the_old_one_ended(
    server: Served, browser: WebDriver, tmp_path: Path
) -> None:
    def lost_once(folder: str) -> None:
        import os
        import signal
        import time

        first = not os.path.exists(f"{folder}/before")
        print("first try" if first else "second try", flush=True)
        while not os.path.exists(f"{folder}/{'go' if first else 'end'}"):
            time.sleep(0.005)
        if first:
            os.mkdir(f"{folder}/before")
            os.kill(os.getpid(), signal.SIGKILL)

    (jid,) = server.submit(lost_once, [str(tmp_path)])
    browser.get(f"{server.url}/jobs/{jid}")
    eventually(lambda: text_of(browser, "#stdout") == "first try")
    (tmp_path / "go").touch()
    eventually(lambda: text_of(browser, "#stdout") == "second try")
    eventually(lambda: "SIGKILL" in text_of(browser, ".attempts"))
    (tmp_path / "end").touch()
    eventually(lambda: text_of(browser, ".status") == "done")
    eventually(lambda: len(browser.find_elements(By.CSS_SELECTOR, ".attempts li")) == 2)


def test_without_room_for_a_stream_the_output_is_asked_for(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    (jid,) = jids = server.submit(speak, [str(tmp_path)])
    cookies = {"Cookie": "; ".join(f"{c['name']}={c['value']}" for c in browser.get_cookies())}
    open_streams: list[tuple[http.client.HTTPConnection, http.client.HTTPResponse]] = []
    while not open_streams or open_streams[-1][1].status == 200:
        connection = server.connect()
        connection.request("GET", f"/jobs/{jid}/live", headers=cookies)
        open_streams.append((connection, connection.getresponse()))
        assert len(open_streams) < 100
    assert open_streams[-1][1].status == 503
    browser.get(f"{server.url}/jobs/{jid}")
    (tmp_path / "later").touch()
    eventually(lambda: "heard later" in text_of(browser, "#stdout"))
    for connection, answer in open_streams:
        answer.close()
        connection.close()
    (tmp_path / "end").touch()
    server.wait((jids,))
    browser.get(f"{server.url}/jobs")
    browser.get_log("browser")  # type: ignore[no-untyped-call]


# --- what is written stays text


def test_whatever_is_written_stays_text(server: Served, browser: WebDriver) -> None:
    long = "0123456789" * 6000
    texts = [HOSTILE, "\x1b[31mred\x1b[0m\x1b]0;title\x07 plain", "10%\r50%\r100%", long, "tail\x00\x08"]
    jid = page(server, browser, lines, texts, label=HOSTILE)
    shown = text_of(browser, "#stdout").splitlines()
    assert shown[:3] == [HOSTILE, "red plain", "100%"]
    assert shown[3:] == [long[:3000], "57,000 more characters", "tail"]
    assert text_of(browser, "#stdout .ansi-red") == "red"
    assert HOSTILE in text_of(browser, "main .label")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    click(browser, "#stdout .more")
    assert text_of(browser, "#stdout").splitlines()[3] == long
    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert.text
    assert browser.find_elements(By.CSS_SELECTOR, "main img, main script") == []
    click(browser, "//button[text()='Wrap']", By.XPATH)
    assert browser.execute_script("const p = document.getElementById('stdout'); return p.scrollWidth > p.clientWidth")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    click(browser, "//button[text()='Wrap']", By.XPATH)
    assert browser.current_url == f"{server.url}/jobs/{jid}"


def test_output_is_searched(server: Served, browser: WebDriver) -> None:
    page(server, browser, lines, [f"line {i} {'needle' if i % 100 == 0 else 'hay'}" for i in range(900)])
    field = browser.find_element(By.CSS_SELECTOR, "#stdout-panel input[type=search]")
    field.send_keys("NEEDLE")
    eventually(lambda: text_of(browser, "#stdout-panel .hits") == "1 of 9")
    assert text_of(browser, "#stdout .hit") == "line 0 needle"
    field.send_keys(Keys.ENTER)
    eventually(lambda: text_of(browser, "#stdout .hit") == "line 100 needle")
    box, own = (browser.find_element(By.CSS_SELECTOR, css).rect for css in ("#stdout .hit", "#stdout"))
    assert own["y"] <= box["y"] <= own["y"] + own["height"]
    field.send_keys(Keys.SHIFT, Keys.ENTER)
    click(browser, "[aria-label='Previous hit']")
    eventually(lambda: text_of(browser, "#stdout-panel .hits") == "9 of 9")
    assert browser.execute_script("return CSS.highlights.get('found').size") == 9
    field.send_keys("!")
    eventually(lambda: text_of(browser, "#stdout-panel .hits") == "none")
    field.send_keys(Keys.ESCAPE)
    eventually(lambda: text_of(browser, "#stdout-panel .hits") == "")


def test_very_much_output_leaves_the_page_usable(server: Served, browser: WebDriver) -> None:
    """The last 4 MB of 10; what is long is folded."""
    jid = page(server, browser, lines, ["x" * 10_000] * 1000)
    assert browser.execute_script("return document.querySelectorAll('#stdout .line').length") > 300
    assert browser.execute_script("return document.getElementById('stdout').textContent.length") < 4 << 20
    assert browser.execute_script("return document.querySelectorAll('#stdout .note').length") <= 1
    assert text_of(browser, "h1") == f"Job {jid}"


def test_a_job_that_writes_without_end_is_followed(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    """What nobody could read is left out."""

    def flood(path: str) -> None:
        import os

        while not os.path.exists(path):
            print("\n".join(str(i) for i in range(1000)))
        print("the end")

    (jid,) = server.submit(flood, [str(tmp_path / "stop")])
    browser.get(f"{server.url}/jobs/{jid}")
    number = "return Number(document.querySelector('#stdout-tab .badge').textContent.replaceAll(',', ''))"
    eventually(lambda: browser.execute_script(number) > 20_000)
    seen = browser.execute_script(number)
    eventually(lambda: browser.execute_script(number) > seen)
    (tmp_path / "stop").touch()
    eventually(lambda: text_of(browser, "#stdout .line:last-child") == "the end")
    assert browser.execute_script("return document.querySelectorAll('#stdout .line').length") <= 2000


# --- how it failed


def test_a_traceback_shows_whose_frames_they_are(server: Served, browser: WebDriver) -> None:
    page(server, browser, fails, None)
    assert text_of(browser, ".failure h2").startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert text_of(browser, "#traceback .innermost b") == "fails"
    assert 'json.loads("{")' in text_of(browser, "#traceback .innermost pre")
    assert "raw_decode" not in text_of(browser, "#traceback")
    click(browser, "#traceback summary")
    assert "raw_decode" in text_of(browser, "#traceback")

    def copied() -> bool:  # it says so for a moment
        said = text_of(browser, "[data-copy=traceback-text]") == "Copied"
        if not said:
            click(browser, "[data-copy=traceback-text]")
        return said

    eventually(copied)
    click(browser, "As text", By.LINK_TEXT)
    eventually(lambda: text_of(browser, "body").startswith("Traceback (most recent call last):"))


# --- profile


def test_a_flame_graph_is_walked_and_zoomed_with_the_keyboard(server: Served, browser: WebDriver) -> None:
    page(server, browser, shrub, 60, profile=True)
    said = "#flame .flame-said"
    first = browser.find_element(By.CSS_SELECTOR, "#flame .frame[tabindex='0']")
    assert first.text == "shrub"
    browser.execute_script("arguments[0].focus()", first)
    focused = browser.switch_to.active_element
    focused.send_keys(Keys.ARROW_DOWN)
    assert text_of(browser, said).startswith("fork")
    browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    assert text_of(browser, said).startswith(("twig", "spray"))
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    width = browser.switch_to.active_element.get_attribute("width")
    assert width == "100%"
    assert browser.find_elements(By.CSS_SELECTOR, "#flame .frame.away")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not browser.find_elements(By.CSS_SELECTOR, "#flame .frame.away")


def test_a_flame_graph_is_zoomed_and_searched_with_the_mouse(server: Served, browser: WebDriver) -> None:
    page(server, browser, tree, 60, profile=True)
    frame = browser.find_element(By.XPATH, "//*[@id='flame']//*[local-name()='text'][text()='leaf']/..")
    frame.click()
    assert frame.get_attribute("width") == "100%"
    click(browser, "[data-flame=out]")
    assert frame.get_attribute("width") != "100%"
    browser.find_element(By.ID, "flame-search").send_keys("LEAF")
    eventually(lambda: text_of(browser, "#flame .flame-said") == "1 frame")
    assert text_of(browser, "#flame .hit") == "leaf"


# --- buttons


def test_a_stubborn_job_is_killed_at_once(server: Served, browser: WebDriver) -> None:
    (jid,) = jids = server.submit(stubborn, [None])
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    browser.get(f"{server.url}/jobs/{jid}")
    press(browser, "form:has([name=force]) button", sure=True)
    eventually(lambda: text_of(browser, ".status") == "killed")
    eventually(lambda: text_of(browser, "#traceback") == "Killed")


def test_the_stack_of_a_running_job_is_shown(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    (jid,) = jids = server.submit(speak, [str(tmp_path)])
    browser.get(f"{server.url}/jobs/{jid}")
    eventually(lambda: text_of(browser, "#stdout") == "begun")
    press(browser, "[data-stack] button")
    eventually(lambda: "in speak" in text_of(browser, "#stack-text"))
    click(browser, "//*[@id='stack-panel']//button[text()='Close']", By.XPATH)
    eventually(lambda: text_of(browser, "#stack-panel") == "")
    (tmp_path / "end").touch()
    server.wait((jids,))
    eventually(lambda: not browser.find_elements(By.CSS_SELECTOR, "[data-stack]"))


def test_a_job_runs_again_as_a_new_one(server: Served, browser: WebDriver) -> None:
    jid = page(server, browser, lines, ["once more"])
    press(browser, "form[action$='/rerun'] button")
    eventually(lambda: browser.current_url != f"{server.url}/jobs/{jid}")
    eventually(lambda: text_of(browser, ".status") == "done" and text_of(browser, "#stdout") == "once more")


def test_a_waiting_job_says_what_it_waits_for_and_who_waits_for_it(
    server: Served, browser: WebDriver, tmp_path: Path
) -> None:
    (first,) = jids = server.submit(speak, [str(tmp_path)])
    second = server.submit(lines, [["after"]], depends_on=(jids,))
    browser.get(f"{server.url}/jobs/{second.start}")
    eventually(lambda: f"depends on job {first}" in text_of(browser, "#why"))
    click(browser, str(first), By.LINK_TEXT)
    eventually(lambda: text_of(browser, "#dependents").startswith(str(second.start)))
    (tmp_path / "end").touch()
    browser.get(f"{server.url}/jobs/{second.start}")
    eventually(lambda: text_of(browser, "#stdout") == "after" and text_of(browser, ".status") == "done")
    eventually(lambda: not browser.find_elements(By.ID, "why"))


def test_the_page_is_read_without_scripts(server: Served, browser: WebDriver) -> None:
    (jid,) = jids = server.submit(fails, [None])
    server.wait((jids,))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(f"{server.url}/jobs/{jid}")
        assert text_of(browser, "#stdout") == "about to"
        assert "JSONDecodeError" in text_of(browser, "#traceback")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
