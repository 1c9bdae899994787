"""Every page at the widths of phones, tablets and screens: nothing sticks out, and all of the frame is in view."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from tests.support.browser import click, text_of
from tests.support.served import Served
from tests.support.waiting import eventually

WIDTHS = (360, 390, 768, 900, 1440)
LABEL = "a label that is long enough to need several lines on a telephone"
PAGES = (
    "jobs", "jobs?open={sid}", "maps/{map}", "maps/{done}", "jobs/{failed}", "jobs/{call}", "jobs/{running}",
    "overview?by=label", "files", "keys", "account", "server", "jobs/99999999",
)  # fmt: skip
OUTSIDE = """
return [...document.querySelectorAll(".top a, .top button")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && (box.left < 0 || box.right > innerWidth || box.height > 60);
}).map((one) => one.textContent.trim());
"""
NARROW = """
return [...document.querySelectorAll("main td, main th, main dd, main h1, main h2")].filter((one) => {
  const text = one.textContent.trim(), style = getComputedStyle(one);
  const letters = one.getBoundingClientRect().width / (parseFloat(style.fontSize) * 0.5);
  return text.length > 12 && one.offsetWidth && !one.querySelector("input, svg") && letters < 10;
}).map((one) => one.textContent.trim().slice(0, 60));
"""
"""Cells whose text stands in a column of a few letters."""


def a_function_with_a_name_that_is_rather_long(x: int) -> dict[str, Any]:
    print("word " * 40)
    if x % 3 == 2:
        raise ValueError(f"measurement {x} is not finite, whatever was tried to make it so")
    return {"result": x}


def lasts(seconds: float) -> None:
    import time

    print("begun", flush=True)
    time.sleep(seconds)  # the job sleeps


@pytest.fixture(scope="module")
def jids(server: Served) -> dict[str, int]:
    """First jids by what they are."""
    ends = server.submit(a_function_with_a_name_that_is_rather_long, range(40), label=LABEL)
    done = server.submit(abs, range(50))
    call = server.submit(abs, [-1], label="one")
    running = server.submit(lasts, [600.0], label=LABEL)
    server.wait((ends, done, call))
    server.request("PUT", "/v1/files/a/very/long/path/to/a/file/whose/name/does/not/end/soon/captions.csv", b"x")
    found = {"sid": 1, "map": ends.start, "done": done.start, "failed": ends.start + 2}
    return {**found, "call": call.start, "running": running.start}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits(server: Served, jids: dict[str, int], signed_in: WebDriver, page: str) -> None:
    signed_in.get(f"{server.url}/{page.format(**jids)}")
    try:
        for width in WIDTHS:
            metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
            signed_in.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            fits = partial(
                signed_in.execute_script, "return document.documentElement.scrollWidth <= arguments[0]", width
            )
            eventually(fits, what=f"{page} in {width}")  # charts take their new size a moment later
            assert signed_in.execute_script(OUTSIDE) == [], f"{page} in {width}"
            assert signed_in.execute_script(NARROW) == [], f"{page} in {width}"
    finally:
        signed_in.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_only_the_first_filter_is_before_the_jobs_until_more_are_wanted(
    server: Served, signed_in: WebDriver
) -> None:
    def shown() -> list[str]:
        fields = signed_in.find_elements(By.CSS_SELECTOR, "#search input:not([type=hidden])")
        return [str(field.get_attribute("name")) for field in fields if field.is_displayed()]

    every = ["label", "function", "jid", "since", "until"]
    signed_in.get(f"{server.url}/jobs")
    assert shown() == every
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    signed_in.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        signed_in.get(f"{server.url}/jobs?function=abs")
        assert shown() == every, "one of them is in use"
        signed_in.get(f"{server.url}/jobs?label=one")
        assert shown() == ["label"]
        click(signed_in, "#search .more")
        assert shown() == every
        assert signed_in.switch_to.active_element.get_attribute("name") == "function"
    finally:
        signed_in.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_page_that_is_not_there_says_what_to_do_apart(server: Served, signed_in: WebDriver) -> None:
    signed_in.get(f"{server.url}/jobs/99999999")
    assert text_of(signed_in, "h1") == "Not found"
    assert "TIP" not in text_of(signed_in)
    assert signed_in.find_elements(By.CSS_SELECTOR, ".problem + .faint")


def test_the_traceback_is_open_at_the_users_own_innermost_frame(
    server: Served, signed_in: WebDriver, tmp_path: Path
) -> None:
    def down(n: int) -> int:
        if n == 0:
            raise RuntimeError("the bottom")
        return down(n - 1) + down(n - 2)

    def chained(_: object) -> None:
        try:
            down(20)
        except RuntimeError as error:
            raise ValueError("the cause is far above") from error

    (jid,) = jids = server.submit(chained, [None])
    server.wait((jids,))
    signed_in.get(f"{server.url}/jobs/{jid}")
    seen = """
    const box = document.getElementById("traceback"), frame = box.querySelector(".innermost").getBoundingClientRect();
    const own = box.getBoundingClientRect();
    return [box.scrollTop > 0, frame.top >= own.top - 1, frame.bottom <= own.bottom + 1];
    """
    assert signed_in.execute_script(seen) == [True, True, True]
