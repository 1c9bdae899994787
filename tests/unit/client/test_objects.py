"""Blobs under links: what an object store does wrong is tried again, or left to the server."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cloud.client import objects
from cloud.client.direct import NoWay

CONTENT = bytes(range(256)) * 1000


class Store:
    """Does as it is told, once; then as it should."""

    def __init__(self) -> None:
        self.tricks: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.written = b""
        self.asked = 0
        self.url = ""

    def link(self) -> str:
        return f"{self.url}/blob?secret"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(objects, "PART_BYTES", 100_000)
    monkeypatch.setattr(objects, "_FIRST_PAUSE_SECONDS", 0.0)
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            store.asked += 1
            if store.tricks:
                store.tricks.pop(0)(self)
                return
            first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(CONTENT)}")
            self.send_header("Content-Length", str(last + 1 - first))
            self.end_headers()
            self.wfile.write(CONTENT[first : last + 1])

        def do_PUT(self) -> None:
            store.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if store.tricks:
                store.tricks.pop(0)(self)
                return
            store.written = body
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield store
    server.shutdown()
    server.server_close()
    thread.join()


def says(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def trick(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return trick


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    """In the middle of an answer."""
    handler.send_response(206)
    first, last = map(int, handler.headers["Range"].removeprefix("bytes=").split("-"))
    handler.send_header("Content-Range", f"bytes {first}-{last}/{len(CONTENT)}")
    handler.send_header("Content-Length", str(last + 1 - first))
    handler.end_headers()
    handler.wfile.write(b"x" * 10)
    handler.close_connection = True


def no_more() -> str | None:
    return None


def test_a_blob_is_read_in_parts_and_can_be_written_to(store: Store) -> None:
    found = objects.fetch(store.link(), len(CONTENT), no_more)
    assert found == CONTENT
    assert store.asked == 3
    found[0] = 7


@pytest.mark.parametrize("trick", [hangs_up, says(503), says(500)])
def test_what_may_pass_is_tried_again(store: Store, trick: Callable[[BaseHTTPRequestHandler], None]) -> None:
    store.tricks = [trick, trick]
    assert objects.fetch(store.link(), len(CONTENT), no_more) == CONTENT


def test_a_link_that_is_refused_is_renewed_once_for_all_connections(store: Store) -> None:
    store.tricks = [says(403)]
    renewed: list[str] = []

    def renew() -> str:
        renewed.append(store.link() + "again")
        return renewed[-1]

    assert objects.fetch(store.link(), len(CONTENT), renew) == CONTENT
    assert len(renewed) == 1


@pytest.mark.parametrize(
    "trick", [says(404), says(302, Location="http://elsewhere/"), says(200), says(206, Content_Range="bytes 5-9/10")]
)
def test_what_will_not_pass_is_left_to_the_server(
    store: Store, trick: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    store.tricks = [trick] * 20
    with pytest.raises(NoWay) as caught:
        objects.fetch(store.link(), len(CONTENT), no_more)
    assert "secret" not in str(caught.value)


def test_where_there_are_no_more_links_the_server_is_asked(store: Store) -> None:
    store.tricks = [says(403)] * 20
    with pytest.raises(NoWay, match="no links"):
        objects.fetch(store.link(), len(CONTENT), no_more)


def test_an_error_while_a_link_is_renewed_is_for_the_server_to_tell(store: Store) -> None:
    def renew() -> str:
        raise RuntimeError("the job was deleted")

    store.tricks = [says(403)] * 20
    with pytest.raises(NoWay):
        objects.fetch(store.link(), len(CONTENT), renew)


def test_a_blob_is_written_whole_and_again_after_trouble(store: Store) -> None:
    store.tricks = [says(503)]
    objects.put(store.link(), [CONTENT[:10], memoryview(CONTENT)[10:]], len(CONTENT))
    assert store.written == CONTENT


def test_a_refused_blob_goes_through_the_server(store: Store) -> None:
    store.tricks = [says(403)]
    with pytest.raises(NoWay, match="403"):
        objects.put(store.link(), [CONTENT], len(CONTENT))


def test_nobody_there_is_noticed_at_once() -> None:
    with pytest.raises(NoWay):
        objects.put("http://127.0.0.1:9/x?secret", [b"x"], 1)
    with pytest.raises(NoWay) as caught:
        objects.fetch("http://127.0.0.1:9/x?secret", 10, no_more)
    assert "secret" not in str(caught.value)
