"""axe-core in real Chromium finds nothing serious on any page of the dashboard, in light and in dark."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from tests.support.browser import chromium, click, text_of
from tests.support.served import Served
from tests.support.waiting import eventually

AXE = Path(__file__).parents[1] / "support" / "vendored" / "axe.min.js"
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then((found) => done(found.violations.map((v) => ({
  id: v.id, impact: v.impact, help: v.help,
  where: v.nodes.slice(0, 5).map((n) => n.target.join(" ") + ": " + n.failureSummary),
}))), (error) => done([{ id: "axe", impact: "critical", help: String(error), where: [] }]));
"""
SERIOUS = ("serious", "critical")
PAGES = (
    "jobs", "jobs?label=may", "jobs?label=nobody+has+this", "maps/{map}", "jobs/{done}", "jobs/{failed}",
    "jobs/{running}", "jobs/{profiled}", "jobs/123456789", "overview", "overview?span=day&by=label", "files", "keys",
    "account", "server", "jobs?open=3", "jobs?status=error",
)  # fmt: skip


def speaks(x: int) -> int:
    import sys

    print("\033[31mred\033[0m words", x)
    print("and a complaint", file=sys.stderr)
    return x


def fails(x: int) -> int:
    if x % 2:
        raise ValueError(f"no {x} today")
    return x


def lasts(seconds: float) -> None:
    print("begun", flush=True)
    time.sleep(seconds)  # the job sleeps


@pytest.fixture(scope="module")
def jids(server: Served) -> dict[str, int]:
    """Jobs of every kind, and a file."""
    done = server.submit(speaks, [1], label="of may")
    profiled = server.submit(speaks, [2], profile=True)
    mapped = server.submit(fails, range(40), label="many of may")
    server.wait((done, profiled, mapped))
    running = server.submit(lasts, [600.0])
    server.submit(lasts, range(600, 610), label="in the queue")
    server.request("PUT", "/v1/files/a/file.txt", b"text")
    eventually(lambda: server.request("GET", f"/v1/jobs/{running.start}/stdout")[2] == b"begun\n")
    return {
        "done": done.start, "profiled": profiled.start, "map": mapped.start, "failed": mapped.start + 1,
        "running": running.start,
    }  # fmt: skip


@pytest.fixture(scope="module")
def browser(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    with chromium(str(tmp_path_factory.mktemp("profile"))) as browser:
        yield browser


@pytest.fixture(scope="module")
def signed_in(server: Served, browser: WebDriver) -> WebDriver:
    _, _, body = server.request("POST", "/v1/dashboard-links")
    browser.get(server.url + json.loads(body)["path"])
    return browser


def violations(browser: WebDriver, theme: str) -> list[dict[str, Any]]:
    """What axe-core finds on the page that is open, in these colours."""
    wanted = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = browser.execute_async_script(RUN)
    return [violation for violation in found if violation["impact"] in SERIOUS]


def test_the_sign_in_page(server: Served, browser: WebDriver) -> None:
    browser.get(f"{server.url}/sign-in")
    assert [violations(browser, theme) for theme in ("light", "dark")] == [[], []]


@pytest.mark.parametrize("page", PAGES)
def test_a_page(server: Served, jids: dict[str, int], signed_in: WebDriver, page: str) -> None:
    signed_in.get(f"{server.url}/{page.format(**jids)}")
    assert "sign-in" not in signed_in.current_url
    for theme in ("light", "dark"):
        assert violations(signed_in, theme) == [], theme


def test_a_key_that_was_just_made(server: Served, signed_in: WebDriver) -> None:
    signed_in.get(f"{server.url}/keys")
    signed_in.execute_script("document.querySelector('form.upload').submit()")
    eventually(lambda: signed_in.execute_script("return document.getElementById('secret') !== null"))
    assert [violations(signed_in, theme) for theme in ("light", "dark")] == [[], []]


def test_the_stack_of_a_job(server: Served, jids: dict[str, int], signed_in: WebDriver) -> None:
    signed_in.get(f"{server.url}/jobs/{jids['running']}")
    click(signed_in, "form[data-stack] button")
    eventually(lambda: "lasts" in text_of(signed_in, "#stack-panel"))
    assert [violations(signed_in, theme) for theme in ("light", "dark")] == [[], []]


@pytest.mark.usefixtures("jids")
def test_dialogs(server: Served, signed_in: WebDriver) -> None:
    signed_in.get(f"{server.url}/jobs")
    signed_in.find_element(By.TAG_NAME, "body").send_keys("?")
    eventually(lambda: signed_in.find_elements(By.CSS_SELECTOR, "#keys[open]"))
    assert [violations(signed_in, theme) for theme in ("light", "dark")] == [[], []]
    signed_in.get(f"{server.url}/jobs?label=many")
    click(signed_in, "tbody .danger")
    eventually(lambda: signed_in.find_elements(By.CSS_SELECTOR, "#sure[open]"))
    assert [violations(signed_in, theme) for theme in ("light", "dark")] == [[], []]
    server.request("PUT", "/v1/files/to-delete", b"x")
    signed_in.get(f"{server.url}/files")
    click(signed_in, "#found .danger")
    eventually(lambda: signed_in.find_elements(By.CSS_SELECTOR, "#question[open]"))
    assert [violations(signed_in, theme) for theme in ("light", "dark")] == [[], []]
