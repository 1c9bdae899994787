"""A reverse proxy that shows a server under a prefix, as people put it behind the web server they have."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OWN = {"connection", "transfer-encoding", "keep-alive"}


@contextmanager
def under_prefix(url: str, prefix: str) -> Iterator[str]:
    """The address of what is at `url`, seen through the proxy.

    Args:
        prefix: as '/some/where'.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _proxy(urlsplit(url).netloc, prefix))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _proxy(target: str, prefix: str) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404, "outside of the prefix")
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            connection = http.client.HTTPConnection(target)
            try:
                connection.request(self.command, self.path[len(prefix) :], body, headers)
                answer = connection.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.end_headers()
                while piece := answer.read1(65536):
                    self.wfile.write(piece)
            except OSError:  # either side went away
                pass
            finally:
                connection.close()

        do_GET = do_POST = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Proxy
