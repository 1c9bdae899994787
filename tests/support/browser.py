"""Real Chromium, without a window, if the machine has it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from tests.support.required import require_or_skip
from tests.support.waiting import eventually

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--window-size=1280,900",
)  # fmt: skip
_NOT_YET = (
    ElementClickInterceptedException, ElementNotInteractableException, NoSuchElementException,
)  # fmt: skip


@contextmanager
def chromium(profile: str) -> Iterator[WebDriver]:
    """A browser with an empty profile in this folder."""
    program, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if program is None or driver is None:
        require_or_skip("Chromium and its driver are not installed: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver, log_output=os.devnull))
    try:
        browser.set_page_load_timeout(120)
        yield browser
    finally:
        browser.quit()


def text_of(browser: WebDriver, css: str = "main") -> str:
    """What is to be read there; read again if it was being renewed meanwhile."""
    while True:
        try:
            return "\n".join(found.text for found in browser.find_elements(By.CSS_SELECTOR, css))
        except WebDriverException as error:
            if not _is_renewed(error):
                raise


def _is_renewed(error: WebDriverException) -> bool:
    """Whether the element was replaced by another meanwhile; the driver says so in two ways."""
    return isinstance(error, StaleElementReferenceException) or "does not belong to the document" in str(error.msg)


def click(browser: WebDriver, where: str, by: str = By.CSS_SELECTOR) -> None:
    """Once it is there and nothing is before it; tried again if it was being renewed at that very moment."""

    def clicked() -> bool:
        try:
            browser.find_element(by, where).click()
        except WebDriverException as error:
            if not (isinstance(error, _NOT_YET) or _is_renewed(error)):
                raise
            return False
        return True

    eventually(clicked, what=f"a click on {where}")


def at(browser: WebDriver, url: str) -> None:
    """Wait until the page of this address is open, and its scripts have begun."""
    there = "return document.readyState === 'complete' ? location.href : ''"
    eventually(lambda: browser.execute_script(there) == url, what=url)
