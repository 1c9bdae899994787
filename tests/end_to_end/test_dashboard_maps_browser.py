"""The Jobs page and the page of a map in real Chromium: selecting, searching, the grid, what stays when they renew."""

import json
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from cloud.model import Status
from tests.support.browser import at, chromium, click, text_of
from tests.support.prefixed import under_prefix
from tests.support.served import Served, keep_port
from tests.support.waiting import eventually

HOSTILE = "<img src=x onerror=alert(1)>"


def agree(browser: WebDriver, question: str) -> None:
    """With the dialog that asks this."""
    eventually(lambda: question in text_of(browser, "#sure[open]"), what=question)
    click(browser, "#sure[open] button.primary")


def sids_shown(browser: WebDriver) -> list[str]:
    """Numbers of the submissions that can be picked."""
    boxes = "document.querySelectorAll('input[name=sid][type=checkbox]')"
    found: list[str] = browser.execute_script(f"return [...{boxes}].map((box) => box.value)")
    return found


def shown_jids(browser: WebDriver) -> list[str]:
    return text_of(browser, ".jobs-table .jids a[data-open]").split()


def keys(browser: WebDriver, *pressed: str) -> None:
    ActionChains(browser).send_keys(*pressed).perform()


def some_fail(x: int) -> int:
    if x % 5 == 2:
        raise ValueError(f"no {x} today")
    if x % 50 == 8:
        raise KeyError("colour")
    return x


def one_fails(x: int) -> int:
    if x == 12_345:
        raise ValueError("the needle")
    return x


def colours_of_the_grid(browser: WebDriver) -> list[str]:
    """The statuses whose colours are on it."""
    found: list[str] = browser.execute_script(
        """
        const canvas = document.querySelector("#grid canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const there = new Set(new Uint32Array(data.buffer));
        const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        return ["waiting", "queued", "processing", "done", "error", "killed", "stalled"].filter((word) => {
          brush.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--fill-${word}`);
          brush.fillRect(0, 0, 1, 1);
          return there.has(new Uint32Array(brush.getImageData(0, 0, 1, 1).data.buffer)[0]);
        });
        """
    )
    return found


def wait_for(path: str) -> None:
    import os
    import time

    while not os.path.exists(path):
        time.sleep(0.01)  # the job sleeps


# --- the Jobs page


def test_the_search_finds_while_one_types_and_lives_in_the_address(server: Served, browser: WebDriver) -> None:
    first = server.submit(some_fail, range(3), label="apples")
    word = f"pears-{first.start}"  # nobody else's
    second = server.submit(some_fail, range(3), label=f"two {word}")
    server.wait((first, second))
    browser.get(f"{server.url}/jobs")
    browser.execute_script("window.sameAsBefore = true")
    keys(browser, "/")
    keys(browser, word.upper())
    eventually(lambda: shown_jids(browser) == [f"{second.start}–{second.stop - 1}"])
    eventually(lambda: browser.current_url == f"{server.url}/jobs?label={word.upper()}")
    assert browser.switch_to.active_element.get_attribute("id") == "label"
    keys(browser, Keys.ENTER)
    assert browser.execute_script("return !document.querySelector('#search input:disabled')")
    browser.find_element(By.ID, "since").send_keys("01012020", Keys.TAB, "1000AM")
    eventually(lambda: "since=2020-01-01T10%3A00&zone=" in browser.current_url)
    eventually(lambda: shown_jids(browser) == [f"{second.start}–{second.stop - 1}"])
    assert browser.execute_script("return window.sameAsBefore") is True
    click(browser, ".statuses a:nth-of-type(8)")
    eventually(lambda: "status=stalled" in browser.current_url and "No jobs match" in text_of(browser))
    click(browser, ".clear")
    eventually(lambda: len(shown_jids(browser)) >= 2)


def test_new_jobs_and_counts_appear_without_loading_and_nothing_that_is_in_use_is_lost(
    server: Served, browser: WebDriver, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    first = server.submit(wait_for, [str(gate)] * 4, label="being watched")
    browser.get(f"{server.url}/jobs?label=being+watched")
    eventually(lambda: browser.execute_script("return document.documentElement.dataset.stream") == "open")
    browser.execute_script("window.sameAsBefore = true")
    click(browser, "input[name=sid][type=checkbox]")
    click(browser, ".opener")
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, ".inside a"))
    click(browser, "function", By.ID)
    second = server.submit(some_fail, [0], label="being watched too")
    eventually(lambda: str(second.start) in shown_jids(browser))
    gate.touch()
    server.wait((first, second))
    eventually(lambda: "4 done" in text_of(browser, ".jobs-table"))
    assert browser.execute_script("return window.sameAsBefore") is True
    assert browser.switch_to.active_element.get_attribute("id") == "function"
    eventually(lambda: text_of(browser, ".inside .status").split() == ["done"] * 4)
    assert text_of(browser, "#picked-text") == "1 selected"
    picked = f"input[aria-label='Select jobs {first.start}–{first.stop - 1}']"
    assert browser.execute_script("return document.querySelector(arguments[0]).checked", picked) is True


def test_several_rows_and_everything_found_are_changed_after_the_number_was_agreed_to(
    server: Served, browser: WebDriver
) -> None:
    made = [server.submit(some_fail, range(5), label="bulk") for _ in range(4)]
    server.wait(tuple(made))
    browser.get(f"{server.url}/jobs?label=bulk")
    assert not browser.find_element(By.CSS_SELECTOR, "#bulk button[value=delete]").is_enabled()
    for at_row in (0, 1):
        click(browser, f"input[name=sid][value='{sids_shown(browser)[at_row]}']")
    assert text_of(browser, "#picked-text") == "2 selected"
    click(browser, "#bulk button[value=delete]")
    agree(browser, "Delete 10 jobs?")
    eventually(lambda: "Deleted 10 jobs" in text_of(browser, ".toasts"))
    click(browser, ".toast .close")
    eventually(lambda: text_of(browser, ".toasts") == "")
    eventually(lambda: len(shown_jids(browser)) == 2)
    browser.get(f"{server.url}/jobs?label=bulk&status=error")
    click(browser, "#everything")
    click(browser, "#bulk button[value=rerun]")
    agree(browser, "Run 2 jobs again?")
    eventually(lambda: "Running 2 jobs again" in text_of(browser, ".toasts"))
    assert server.wait((range(made[-1].stop, made[-1].stop + 2),)) == ()
    browser.get(f"{server.url}/jobs?label=bulk")
    click(browser, "#pick-all")
    click(browser, "#bulk button[value=kill]")
    eventually(lambda: "Nothing to kill" in text_of(browser, "#sure[open]"))
    click(browser, "#sure[open] .cancel")
    eventually(lambda: not browser.find_elements(By.CSS_SELECTOR, "#sure[open]"))


def test_rows_are_reached_opened_and_selected_from_the_keyboard(server: Served, browser: WebDriver) -> None:
    jids = server.submit(some_fail, range(3), label="from the keyboard")
    server.wait((jids,))
    browser.get(f"{server.url}/jobs?label=from+the+keyboard")
    keys(browser, "?")
    eventually(lambda: "Next, previous row" in text_of(browser, "#keys[open]"))
    keys(browser, Keys.ESCAPE)
    eventually(lambda: not browser.find_elements(By.CSS_SELECTOR, "#keys[open]"))
    keys(browser, "j", "x")
    eventually(lambda: text_of(browser, "#picked-text") == "1 selected")
    keys(browser, "o")
    eventually(lambda: len(browser.find_elements(By.CSS_SELECTOR, ".inside tbody tr")) == 3)
    keys(browser, "j", Keys.ENTER)
    at(browser, f"{server.url}/maps/{jids.start}")
    keys(browser, "g", "j")
    at(browser, f"{server.url}/jobs")


# --- the page of a map


def test_every_job_of_a_map_is_a_square_that_leads_to_it(server: Served, browser: WebDriver) -> None:
    jids = server.submit(some_fail, range(300), label=HOSTILE)
    server.wait((jids,))
    browser.get(f"{server.url}/maps/{jids.start + 7}")
    assert browser.current_url == f"{server.url}/maps/{jids.start}"
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#grid[data-loaded]"))
    assert HOSTILE in text_of(browser, "#map-head")
    canvas = browser.find_element(By.CSS_SELECTOR, "#grid canvas")
    canvas.send_keys("f")
    assert text_of(browser, "#grid-text") == f"Job {jids.start + 2}: error"
    canvas.send_keys(Keys.ARROW_RIGHT)
    assert text_of(browser, "#grid-text") == f"Job {jids.start + 3}: done"
    canvas.send_keys(Keys.END)
    assert text_of(browser, "#grid-text") == f"Job {jids.stop - 1}: done"
    canvas.send_keys(Keys.HOME, Keys.ENTER)
    at(browser, f"{server.url}/jobs/{jids.start}")
    browser.back()
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#grid[data-loaded]"))
    canvas = browser.find_element(By.CSS_SELECTOR, "#grid canvas")
    box = canvas.rect
    ActionChains(browser).move_to_element_with_offset(
        canvas, -int(box["width"] / 2) + 4, -int(box["height"] / 2) + 4
    ).click().perform()
    eventually(lambda: browser.current_url == f"{server.url}/jobs/{jids.start}")


def test_a_single_failure_among_many_jobs_is_seen_though_its_square_stands_for_several(
    server: Served, browser: WebDriver
) -> None:
    jids = server.submit(one_fails, range(90_000), label="a needle")
    server.wait((jids,))
    browser.get(f"{server.url}/maps/{jids.start}")
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#grid[data-loaded]"))
    assert set(colours_of_the_grid(browser)) == {"done", "error"}


def test_failures_are_grouped_and_the_failed_ones_run_again(server: Served, browser: WebDriver) -> None:
    jids = server.submit(some_fail, range(100), label="to repeat")
    server.wait((jids,))
    browser.get(f"{server.url}/maps/{jids.start}")
    assert text_of(browser, ".groups").split("\n") == ["20 ×", "ValueError: no … today", "2 ×", "KeyError: 'colour'"]
    assert text_of(browser, "#failed tbody tr:first-child td:first-child") == str(jids.start + 2)
    assert browser.find_elements(By.CSS_SELECTOR, ".histogram[aria-label*='half ran at most']")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#slowest tbody tr")) == 8
    click(browser, ".map-actions button.primary")
    agree(browser, "Run 22 jobs again?")
    eventually(lambda: "Running 22 jobs again" in text_of(browser, ".toasts"))
    again = range(jids.stop, jids.stop + 22)
    server.wait((again,))
    assert server.status((again,)) == [Status.ERROR] * 22


def test_the_rest_of_a_map_is_killed_while_the_page_follows(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    gate = tmp_path / "never"
    jids = server.submit(wait_for, [str(gate)] * 40, label="to end")
    browser.get(f"{server.url}/maps/{jids.start}")
    eventually(lambda: "processing" in text_of(browser, "#map-head .legend"))
    click(browser, ".map-actions button.warn")
    agree(browser, "Kill 40 jobs?")
    eventually(lambda: "40 killed" in text_of(browser, "#map-head .legend"))
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#grid[data-loaded]"))
    canvas = browser.find_element(By.CSS_SELECTOR, "#grid canvas")

    def said() -> bool:
        canvas.send_keys(Keys.HOME)
        return text_of(browser, "#grid-text") == f"Job {jids.start}: killed"

    eventually(said)
    click(browser, ".map-actions button.danger")
    agree(browser, "Delete 40 jobs?")
    eventually(lambda: browser.current_url == f"{server.url}/jobs")


def test_a_million_jobs_are_squares_of_many_that_open(server: Served, browser: WebDriver, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    before = server.submit(wait_for, [str(gate)])
    part = server.submit(some_fail, range(1_000_000), depends_on=(before,), label="a million")
    browser.get(f"{server.url}/maps/{part.start}")
    eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#grid[data-loaded]"))
    assert "1,000,000 waiting" in text_of(browser, "#map-head .legend")
    canvas = browser.find_element(By.CSS_SELECTOR, "#grid canvas")
    canvas.send_keys(Keys.HOME)
    assert text_of(browser, "#grid-text").endswith("waiting")
    depth = 1
    while "–" in text_of(browser, "#grid-text"):
        canvas.send_keys(Keys.ENTER)
        depth += 1
        assert len(browser.find_elements(By.CSS_SELECTOR, "#grid-path button")) == depth
        canvas.send_keys(Keys.HOME)
    assert text_of(browser, "#grid-text") == f"Job {part.start}: waiting"
    canvas.send_keys(Keys.ESCAPE, Keys.HOME)
    click(browser, ".map-actions button.warn")
    agree(browser, "Kill 1,000,000 jobs?")
    eventually(lambda: "1,000,000 killed" in text_of(browser, "#map-head .legend"))
    gate.touch()


def test_a_page_says_that_its_server_is_away_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    keep_port(str(tmp_path / "home"))
    served = Served(str(tmp_path / "home"), "--workers", "1")
    try:
        with chromium(str(tmp_path / "profile")) as browser:
            _, _, body = served.request("POST", "/v1/dashboard-links")
            browser.get(served.url + json.loads(body)["path"])
            browser.get(f"{served.url}/jobs")
            browser.execute_script("window.sameAsBefore = true")
            eventually(lambda: text_of(browser, ".state") == "Live")
            assert served.end() == 0
            eventually(lambda: "does not answer" in text_of(browser, ".state"))
            served = Served(str(tmp_path / "home"), "--workers", "1")
            served.submit(some_fail, [0], label="after the break")
            eventually(lambda: "after the break" in text_of(browser, ".jobs-table"))
            eventually(lambda: text_of(browser, ".state") == "Live")
            assert browser.execute_script("return window.sameAsBefore") is True
    finally:
        served.end()


def test_everything_works_behind_a_proxy_that_adds_a_prefix(server: Served, browser: WebDriver) -> None:
    with under_prefix(server.url, "/teams/vision") as url:
        _, _, body = server.request("POST", "/v1/dashboard-links")
        browser.get(url + json.loads(body)["path"])
        assert browser.current_url == f"{url}/jobs"
        eventually(lambda: text_of(browser, ".state") == "Live")
        jids = server.submit(some_fail, range(20), label="behind a proxy")
        eventually(lambda: str(jids.start) in text_of(browser, ".jobs-table .jids"))
        keys(browser, "/", "BEHIND")
        eventually(lambda: browser.current_url == f"{url}/jobs?label=BEHIND")
        click(browser, ".jids a[data-open]")
        eventually(lambda: browser.find_elements(By.CSS_SELECTOR, "#grid[data-loaded]"))
        assert browser.current_url == f"{url}/maps/{jids.start}"
        server.wait((jids,))
        click(browser, ".map-actions button.danger")
        agree(browser, "Delete 20 jobs?")
        eventually(lambda: "Deleted 20 jobs" in text_of(browser, ".toasts"))
        assert browser.current_url == f"{url}/jobs"
        browser.get("about:blank")


def test_both_pages_fit_on_a_phone(server: Served, browser: WebDriver) -> None:
    jids = server.submit(some_fail, range(30), label="x" * 300)
    server.wait((jids,))
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for page in (f"jobs?open={1}", f"maps/{jids.start}"):
        browser.get(f"{server.url}/{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
