"""Secrets of keys on this machine: <config directory>/credentials/<key>/cloudauth, readable for their user only.

An INI file (SPEC C.4) with one section per server, because every server numbers its own keys:

    [ApiKey]
    key = 17
    secretkey = ...
    server = https://lab.example
"""

import os
import re
import uuid
from configparser import ConfigParser
from configparser import Error as MalformedFile

from cloud.config.locations import give_back

EMBEDDED = "embedded"
"""What stands for the server of this user, whose address changes."""
_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


def is_key(key: str) -> bool:
    """Whether this can be a key; it may name a folder."""
    return _KEY.fullmatch(key) is not None


def find_secret(home: str, key: str, url: str | None) -> str | None:
    """The secret of a key for a server, if it is known here.

    Args:
        home: the config directory.
        key: the key.
        url: the server's address; None: the one of this user.
    """
    file = _read(_path(home, key)) if is_key(key) else None
    if file is None:
        return None
    anywhere: str | None = None
    for name in file.sections():
        section = file[name]
        if name.partition(" ")[0] != "ApiKey" or section.get("key", key) != key:
            continue
        server = section.get("server", "")
        if server == (url or EMBEDDED):
            return section.get("secretkey")
        if not server:  # written by hand
            anywhere = section.get("secretkey")
    return anywhere


def keep_secret(home: str, key: str, secret: str, url: str | None) -> bool:
    """Write a secret down; whether that was possible."""
    if not is_key(key) or find_secret(home, key, url) == secret:
        return is_key(key)
    path = _path(home, key)
    file = _read(path) or _new()
    server = url or EMBEDDED
    name = next((n for n in file.sections() if file[n].get("server") == server), "")
    name = name or ("ApiKey" if "ApiKey" not in file else f"ApiKey {server}")
    file[name] = {"key": key, "secretkey": secret, "server": server}
    passing = f"{path}.{uuid.uuid4().hex}"
    try:
        for folder in (home, os.path.join(home, "credentials"), os.path.dirname(path)):
            if not os.path.isdir(folder):
                os.makedirs(folder, mode=0o700, exist_ok=True)
                give_back(folder, home)
        with open(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            file.write(out)
        give_back(passing, home)
        os.replace(passing, path)
    except OSError:
        return False
    return True


def _path(home: str, key: str) -> str:
    return os.path.join(home, "credentials", key, "cloudauth")


def _new() -> ConfigParser:
    return ConfigParser(interpolation=None, default_section="")


def _read(path: str) -> ConfigParser | None:
    file = _new()
    try:
        return file if file.read(path, encoding="utf-8") else None
    except (OSError, MalformedFile, UnicodeDecodeError):
        return None
