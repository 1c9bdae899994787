"""`make screenshots`: a server with realistic jobs, and every page of its dashboard, light and dark, wide and on a
phone, into docs/images/."""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium.webdriver.chrome.webdriver import WebDriver

from tests.support.browser import chromium

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SCENE_SECONDS = 75
"""So much happens before the first picture."""
SIZES = {"wide": (1280, 800, 1.0), "phone": (390, 780, 1.5)}
THEMES = ("light", "dark")
QUALITY = 82
PAGES = {
    "jobs": "jobs", "map": "maps/{album}", "job": "jobs/{training}", "failed": "jobs/{failed}",
    "profile": "jobs/{restored}", "overview": "overview?by=label", "files": "files", "keys": "keys",
    "account": "account", "server": "server",
}  # fmt: skip
TALL = frozenset({"map", "overview", "profile"})
"""Shown to their end, up to twice the height of the others."""
HIDE = """
document.documentElement.style.scrollbarGutter = "auto";
const names = arguments[0];
function hide() {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) for (const [from, to] of names)
    if (walk.currentNode.data.includes(from)) walk.currentNode.data = walk.currentNode.data.replaceAll(from, to);
}
hide();
new MutationObserver(hide).observe(document.body, { subtree: true, childList: true, characterData: true });
"""
"""Names of this machine are replaced, again and again: pages renew themselves."""


def main() -> None:
    """Everything is gone afterwards but the pictures."""
    folder = Path(tempfile.mkdtemp(prefix="photos-"))
    shutil.copy(ROOT / "scripts" / "scene.py", folder / "album.py")
    environment = {**os.environ, "PICLOUD_HOME": str(folder / "home"), "PICLOUD_WORKERS": "4", "PYTHONPATH": ""}
    scene = subprocess.Popen(
        [sys.executable, "-c", "import album; album.main()"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert scene.stdout is not None
        jids = dict(re.findall(r"(\w+)=(\d+)", scene.stdout.readline()))
        names = [
            (str(folder / "home"), "/home/ada/.picloud3"), (str(folder), "/home/ada/photos"), (folder.name, "photos"),
            (sys.prefix, "/home/ada/.venv"), (socket.gethostname(), "studio"),
        ]  # fmt: skip
        with chromium(str(folder / "profile")) as browser:
            browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
            for note in ("laptop of Grace", "night shift"):
                _picloud(environment, "keys", "create", "--note", note)
            link = _picloud(environment, "dashboard", "--no-open")
            browser.get(link)
            address = link.partition("/sign-in/")[0]
            time.sleep(SCENE_SECONDS)
            for name, page in PAGES.items():
                _picture(browser, f"{address}/{page.format(**jids)}", name, names)
    finally:
        scene.terminate()
        scene.wait()
        _picloud(environment, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _picloud(environment: dict[str, str], *arguments: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "cloud.cli", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def _picture(browser: WebDriver, url: str, name: str, names: list[tuple[str, str]]) -> None:
    for size, (width, height, scale) in SIZES.items():
        for theme in THEMES:
            wanted = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
            _resize(browser, width, height, scale)
            browser.get(url)
            assert browser.execute_script("return document.getElementById('main') !== null"), f"{url} is no page"
            time.sleep(1.5)  # charts and live output arrive
            if name in TALL:
                end = browser.execute_script("return document.documentElement.scrollHeight")
                _resize(browser, width, min(end, 2 * height), scale)
                time.sleep(0.5)
            browser.execute_script(HIDE, names)
            shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
            IMAGES.mkdir(parents=True, exist_ok=True)
            path = IMAGES / f"{name}-{size}-{theme}.webp"
            path.write_bytes(base64.b64decode(shot["data"]))
            print(f"{path.relative_to(ROOT)}  {path.stat().st_size // 1000} KB")


def _resize(browser: WebDriver, width: int, height: int, scale: float) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    main()
