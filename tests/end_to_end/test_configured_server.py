"""`picloud serve --config`: probes, metrics, logs, TLS, proxies, tokens of jobs, and an end that is not waited for."""

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud.model import Status
from tests.support.configured import ConfiguredServer
from tests.support.required import require_or_skip
from tests.support.waiting import eventually

PLAIN = """
[server]
port = 0
metrics_token = "of-the-metrics"
proxies = ["127.0.0.1"]
url = "https://jobs.example.com"
url_prefix = "/picloud"
[engine]
workers = 1
[limits]
queued_jobs = 100_000
[logs]
format = "json"
requests = true
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfiguredServer]:
    server = ConfiguredServer(tmp_path_factory.mktemp("configured"), PLAIN)
    yield server
    assert server.end() == 0


def get(server: ConfiguredServer, path: str, **headers: str) -> tuple[int, bytes]:
    """Without a key, unless it is given."""
    status, _, body = server.request("GET", path, headers={n.replace("_", "-"): v for n, v in headers.items()})
    return status, body


def test_probes_need_no_key_and_no_name(server: ConfiguredServer) -> None:
    assert get(server, "/healthz", host="10.1.2.3:8000") == (200, b'{"ok":true}\n')
    assert get(server, "/readyz", host="picloud-0.picloud") == (200, b'{"ready":true}\n')
    assert get(server, "/v1/summary", host="picloud-0.picloud")[0] == 403


def test_sighup_is_no_end_where_there_is_no_certificate(server: ConfiguredServer) -> None:
    server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "no certificate to read again" in server.log())
    assert get(server, "/healthz")[0] == 200


def test_metrics_count_jobs_requests_and_transactions_for_who_may_see_them(server: ConfiguredServer) -> None:
    def counted() -> dict[str, float]:
        text = get(server, "/metrics", authorization="Bearer of-the-metrics")[1].decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return defaultdict(float, {name: float(number) for name, number in lines})

    before = counted()
    jids = server.submit(lambda x: 1 // x, [1, 2, 0])
    server.wait((jids,))
    assert get(server, "/metrics")[0] == 401
    assert get(server, "/metrics", authorization="Bearer of-somebody")[0] == 401
    status, body = get(server, "/metrics", authorization="Bearer of-the-metrics")
    assert status == 200
    assert get(server, "/metrics", **server.authorization)[0] == 200
    text = body.decode()
    now = counted()
    more = {name: number - before[name] for name, number in now.items()}
    assert more['picloud_jobs_ended_total{account="1",status="done"}'] == 2
    assert more['picloud_jobs_ended_total{account="1",status="error"}'] == 1
    assert now["picloud_slots"] == 1
    assert now["picloud_store_up"] == 1
    assert more['picloud_requests_total{call="submit",status="200"}'] == 1
    assert more["picloud_store_transaction_seconds_count"] >= 2
    assert more['picloud_request_seconds_bucket{call="submit",le="+Inf"}'] == 1
    named = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert all(name.startswith(("picloud_", "process_")) for name in named)


def test_jobs_of_this_machine_ask_the_server_without_a_way_round_by_its_proxy(server: ConfiguredServer) -> None:
    def ask(_: int) -> int:
        import cloud

        return int(cloud.call(lambda: 6 * 7).result())

    assert server.results(server.submit(ask, [0])) == [42]


def test_a_named_proxy_is_believed_about_host_and_scheme(server: ConfiguredServer) -> None:
    outside = {"X-Forwarded-Host": "jobs.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    status, _, _ = server.request("GET", "/", headers={**outside, "Host": "internal:8000"})
    assert status == 200
    assert server.request("GET", "/", headers={"X-Forwarded-Host": "evil.example"})[0] == 403


def test_paths_are_served_with_the_prefix_of_the_proxy_and_without(server: ConfiguredServer) -> None:
    for path in ("/picloud/v1/summary", "/v1/summary"):
        assert server.request("GET", path)[0] == 200
    assert server.request("GET", "/picloud")[0] == 307
    assert server.request("GET", "/picloudy")[0] == 404


def test_each_request_has_a_line_that_tells_no_secret(server: ConfiguredServer) -> None:
    headers = {**server.authorization, "X-Request-Id": "asked-by-me"}
    _, head, _ = server.request("GET", "/v1/summary?secret=hush", headers=headers)
    assert head["x-request-id"] == "asked-by-me"
    server.request("GET", "/sign-in/a-one-time-token")
    lines = eventually(
        lambda: [line for line in server.lines() if "sign-in/" in line.get("path", "")] and server.lines()
    )
    (line,) = [line for line in lines if line.get("request_id") == "asked-by-me"]
    assert {"time", "level", "event", "ms"} <= set(line)
    assert (line["method"], line["path"], line["status"], line["account"]) == ("GET", "/v1/summary", 200, 1)
    for secret in ("hush", "a-one-time-token", server.variables["PICLOUD_API_SECRETKEY"], "of-the-metrics"):
        assert secret not in server.log()


def test_the_second_signal_is_not_made_to_wait_and_nothing_is_lost(tmp_path: Path) -> None:
    text = f'[server]\nport = 0\ngrace_seconds = 300\n[store]\nurl = "{tmp_path}/store"\n[engine]\nworkers = 1\n'
    server = ConfiguredServer(tmp_path, text)

    def run(path: str) -> None:
        import os
        import time

        while not os.path.exists(path):
            time.sleep(0.05)

    (jid,) = jids = server.submit(run, [str(tmp_path / "go")])
    eventually(lambda: server.status((jids,)) == [Status.PROCESSING])
    connection = server.connect()
    connection.putrequest("PUT", "/v1/files/endless")
    for name, value in {**server.authorization, "Content-Length": "1000000"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"begun")
    eventually(lambda: b"\n" in get(server, "/healthz")[1])
    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping: SIGTERM" in server.log())
    assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(120) == 130
    connection.close()
    (tmp_path / "go").touch()
    again = ConfiguredServer(tmp_path, text)
    assert again.wait((range(jid, jid + 1),)) == ()
    assert again.end() == 0


def test_it_speaks_tls_and_reads_a_new_certificate_on_sighup(tmp_path: Path) -> None:
    first = _certify(tmp_path, "first")
    text = '[server]\nport = 0\ntls_certificate = "cert.pem"\ntls_key = "key.pem"\n[engine]\nworkers = 1\n'
    server = ConfiguredServer(tmp_path, text)
    try:
        assert server.url.startswith("https://127.0.0.1:")
        assert _serial(server, first) == "first"
        program = "import cloud; print(cloud.call(lambda: 6 * 7).result())"
        client = {**os.environ, **server.variables, "SSL_CERT_FILE": str(first), "PICLOUD_HOME": str(tmp_path / "home")}
        said = subprocess.run([sys.executable, "-c", program], env=client, capture_output=True, text=True, check=False)
        assert (said.stdout, said.stderr) == ("42\n", "")
        second = _certify(tmp_path, "second")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "was read again" in server.log())
        assert _serial(server, second) == "second"
        (tmp_path / "cert.pem").write_text("nothing")
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "is not replaced" in server.log())
        assert _serial(server, second) == "second"
    finally:
        assert server.end() == 0


def _certify(folder: Path, name: str) -> Path:
    """Writes cert.pem and key.pem; returns a copy of the certificate, for those who trust it."""
    if shutil.which("openssl") is None:
        require_or_skip("openssl is not installed: apt-get install openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out",
         folder / "cert.pem"], check=True, capture_output=True,
    )  # fmt: skip
    return Path(shutil.copy(folder / "cert.pem", folder / f"{name}.pem"))


def _serial(server: ConfiguredServer, trusted: Path) -> str:
    """Name in the certificate of a new connection."""
    context = ssl.create_default_context(cafile=str(trusted))
    port = int(server.url.rpartition(":")[2])
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=120)
    try:
        connection.request("GET", "/healthz")
        assert json.loads(connection.getresponse().read()) == {"ok": True}
        about: Any = connection.sock.getpeercert()
        return str(dict(pair for names in about["subject"] for pair in names)["commonName"])
    finally:
        connection.close()


def test_check_finds_what_cannot_be_reached_and_starts_nothing(tmp_path: Path) -> None:
    def check(text: str) -> tuple[int, list[str]]:
        (tmp_path / "checked.toml").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "cloud.cli", "serve", "--check", "--config", str(tmp_path / "checked.toml")],
            capture_output=True, text=True, check=False, env={**os.environ, "PICLOUD_HOME": str(tmp_path)},
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).splitlines()

    code, lines = check(f'[store]\nurl = "{tmp_path}/new"\n')
    assert (code, [line.split(" (")[0] for line in lines]) == (
        0, ["settings: good", f"store: good: {tmp_path}/new, which will be made",
            f"blobs: good: {tmp_path}/new/blobs, which will be made"],
    )  # fmt: skip
    assert not (tmp_path / "new").exists()
    code, lines = check(
        f'[store]\nurl = "postgresql://u:hush@/d?host={tmp_path}"\n[blobs]\nurl = "{tmp_path}/checked.toml/x"\n'
        '[server]\nurl = "http://x"\n[engine]\nkind = "ray"\naddress = "127.0.0.1:1"\n'
    )
    assert code == 3
    assert [line.partition(": BAD")[0] for line in lines if "BAD" in line] == ["store", "blobs", "cluster"]
    assert not any("hush" in line for line in lines)
    code, lines = check("[server]\nport = -1\n")
    assert (code, len(lines)) == (2, 1)
