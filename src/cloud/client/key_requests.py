"""What a program asks a server about keys, in JSON; `cloud.account` in the words of PiCloud."""

import json
from typing import Any

from cloud.client.connect import endpoint_of, settings_with_secret
from cloud.client.connection import Connection, Lost
from cloud.client.http import Endpoint
from cloud.client.unreachable import foreign, never_reachable, refused, unreachable
from cloud.errors import (
    CloudException,
    InvalidSubmission,
    LimitExceeded,
    NotAuthorised,
    ServerUnavailable,
)

_ANSWER_SECONDS = 30.0
_ERRORS: dict[int, type[CloudException]] = {
    400: InvalidSubmission, 401: NotAuthorised, 403: NotAuthorised, 429: LimitExceeded, 503: ServerUnavailable,
}  # fmt: skip


class KeyRequests:
    """Requests to the server that is set, with the key that is set or with another one.

    Args:
        key, secret: who asks; None: whoever `cloud` speaks for.
    """

    def __init__(self, key: str | None = None, secret: str | None = None) -> None:
        self._settings = settings_with_secret()
        found = endpoint_of(self._settings)
        self._endpoint = found if key is None else Endpoint(found.url, key, secret)

    @property
    def key(self) -> str | None:
        """Who asks."""
        return self._endpoint.api_key

    @property
    def server(self) -> str:
        """The address that is asked, also when it is of the server of this user."""
        return self._endpoint.url

    @property
    def home(self) -> str:
        """The config directory."""
        return self._settings.home

    @property
    def url(self) -> str | None:
        """The server, None for the one of this user."""
        return self._settings.url

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request, not repeated: making a key twice would make two.

        Raises:
            NotAuthorised: the key is refused, or may not do that.
            ServerUnavailable: the server cannot be reached.
        """
        sent = [json.dumps(body).encode()] if body is not None else []
        try:
            connection = Connection(self._endpoint.url)
            try:
                answer = connection.request(path, self._endpoint.authorization(), sent, _ANSWER_SECONDS, method)
            finally:
                connection.close()
        except (OSError, Lost) as error:
            url = self._endpoint.url
            raise never_reachable(url, error) or unreachable(url, error, own=self._settings.url is None) from None
        try:
            found: Any = json.loads(bytes(answer.body))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise foreign(answer, self._endpoint.url)
        refusal = found.get("error")
        if refusal is None:
            return found
        kind = _ERRORS.get(answer.status, CloudException)
        answered = kind(str(refusal.get("msg")), retry=bool(refusal.get("retry")), hint=refusal.get("hint"))
        raise refused(answered, self._endpoint.url, self._endpoint.api_key)
