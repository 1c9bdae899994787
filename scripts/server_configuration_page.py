"""Writes docs/reference/server-configuration.md out of the settings that there are; a test compares the two.

python -m scripts.server_configuration_page
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from cloud.server.configuration.sections import SECTIONS, TypeSection

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "server-configuration.md"
BEGINNING = """# Settings of a server

`picloud serve --config FILE` reads one TOML file. What the command line says wins over it. The programs of users have
[settings of their own](configuration.md).

```toml
[server]
host = "0.0.0.0"
url = "https://jobs.example.com"
tls_certificate = "/etc/picloud/cert.pem"
tls_key = "/etc/picloud/key.pem"

[store]
url = "postgresql://picloud@db.example.com/jobs"
password_file = "db-password"

[blobs]
url = "s3://bucket/jobs"

[engine]
kind = "ray"
address = "head.example.com:6379"
slots = 8
most = 20

[types.gpu]
gpus = 1
memory = "16 GiB"

[retention]
max_age = "90 days"

[logs]
format = "json"
```

- **All of it is checked before anything starts.** Every mistake is told, with its line and what to write; an unknown
  name is one. `picloud serve --config FILE --check` looks besides whether store, blobs and cluster can be reached, and
  starts nothing. Exit status: 0 well, 2 mistakes in the settings, 3 something cannot be reached.
- **Secrets** need not stand in the file: `${NAME}` in any text is a variable of the environment, and settings marked
  *secret* may be read from a file, named by `<setting>_file`. They are never shown.
- **Paths** are relative to the file.
- **Signals.** SIGTERM and SIGINT let answers finish; what runs on a cluster goes on, what runs on this machine goes
  back into the queue. A second one waits for nothing (exit status 130). SIGHUP reads the certificate again,
  if there is one, and nothing else.

What there is to watch: [operations](http.md#operations).
"""


def page() -> str:
    """The whole text."""
    parts = [BEGINNING]
    for name, section in (*SECTIONS.items(), ("types.NAME", TypeSection)):
        about = (section.__doc__ or "").partition(": ")[2]
        parts.append(f"## [{name}]\n\n{about[0].upper()}{about[1:]}\n\n| setting | default | meaning |\n|---|---|---|")
        parts[-1] += "".join(f"\n{_row(field)}" for field in fields(section)) + "\n"
    return "\n".join(parts)


def _row(field: Any) -> str:
    secret = " (*secret*)" if field.metadata["secret"] else ""
    return f"| `{field.name}` | {_default(field.default)} | {field.metadata['doc']}{secret} |"


def _default(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[]`"
    if isinstance(value, int) and value >= 1 << 30 and value % (1 << 30) == 0:
        return f'`"{value >> 30} GiB"`'
    if isinstance(value, float):
        return f"`{value:g}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
