"""What a browser does with the dashboard, without one: cookies kept, forms found in pages and sent."""

import http.client
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

from tests.support.served import Served


class Look:
    """A visitor with cookies who follows redirects."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}
        self.path = "/"
        self.status = 0
        self.text = ""
        self.headers = http.client.HTTPMessage()

    def get(self, path: str) -> "Look":
        """A page."""
        return self._ask("GET", path, b"", {})

    def post(self, path: str, fields: dict[str, str], **headers: str) -> "Look":
        """A form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._ask("POST", path, urlencode(fields).encode(), {**kind, **headers})

    def send(self, method: str, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]) -> "Look":
        """Anything else that a script may send."""
        return self._ask(method, f"{path}?{urlencode(query)}", body, headers)

    def sign_in(self, key: str, secret: str) -> "Look":
        """By the form."""
        return self.post("/sign-in", {"key": key, "secret": secret})

    def form(self, end: str) -> tuple[str, dict[str, str]]:
        """Address and hidden fields of the form on this page whose address ends like this."""
        parser = _Forms()
        parser.feed(self.text)
        found = [(action, fields) for action, fields in parser.found if action.endswith(end)]
        assert found, f"no form for {end} among {[action for action, _ in parser.found]}"
        return urljoin(self.path, found[0][0]), found[0][1]

    def press(self, end: str) -> "Look":
        """Send that form."""
        return self.post(*self.form(end))

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> "Look":
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **headers}
        self.status, self.headers, data = self.server.request(method, path, body, sent)
        for cookie in self.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        self.path, self.text = path, data.decode()
        if self.status == 303:
            return self._ask("GET", urljoin(path, self.headers["location"]), b"", {})
        return self


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and self.found and given.get("type") == "hidden":
            self.found[-1][1][given["name"]] = given.get("value", "")
