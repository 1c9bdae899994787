"""Real Chromium, without a window, if the machine has it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from tests.support.required import require_or_skip

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--window-size=1280,900",
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
        browser.set_page_load_timeout(30)
        yield browser
    finally:
        browser.quit()


def text_of(browser: WebDriver, css: str = "main") -> str:
    """What is to be read there; '' while it is being renewed."""
    try:
        return "\n".join(found.text for found in browser.find_elements(By.CSS_SELECTOR, css))
    except StaleElementReferenceException:
        return ""
