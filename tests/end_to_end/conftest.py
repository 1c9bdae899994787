"""Servers, for pages in a real browser that somebody signed in with and for the command line."""

import json
from collections.abc import Iterator

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.support.browser import chromium
from tests.support.command_line import CommandLine
from tests.support.served import Served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With two workers."""
    served = Served(str(tmp_path_factory.mktemp("home")), "--workers", "2")
    yield served
    assert served.end() == 0


@pytest.fixture(scope="module")
def signed_in(server: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    """A browser that followed a one-time link."""
    with chromium(str(tmp_path_factory.mktemp("profile"))) as browser:
        _, _, body = server.request("POST", "/v1/dashboard-links")
        browser.get(server.url + json.loads(body)["path"])
        assert browser.current_url == f"{server.url}/jobs"
        yield browser


@pytest.fixture
def browser(signed_in: WebDriver) -> Iterator[WebDriver]:
    """The same; at the end of the test nothing may have been complained about."""
    signed_in.get_log("browser")  # type: ignore[no-untyped-call]
    yield signed_in
    said = [entry["message"] for entry in signed_in.get_log("browser")]  # type: ignore[no-untyped-call]
    assert said == []


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a server of its own; files whose jobs need more have one of their own."""
    folder = tmp_path_factory.mktemp("line")
    line = CommandLine(folder / "home", folder)
    line.text("start")
    yield line
    line.run("stop", "--force")
