"""Which server `cloud` speaks to, found out at first use.

in a job of a server          that server, with the job's token
a `url` that is set           that one, with the `api_key` and `api_secretkey` that are set (`cloud.config`)
otherwise                     the embedded server of this user, started if need be
"""

import logging
import os
from dataclasses import replace
from typing import Any

from cloud.api import JobApi
from cloud.client import embedded
from cloud.client.http import Endpoint, HttpApi
from cloud.client.session import Session
from cloud.config import Settings
from cloud.config.values import VALUES
from cloud.errors import CloudException
from cloud.wire import worker

log = logging.getLogger("Cloud.HTTPConnection")


def network_session() -> Session:
    """The session behind `cloud.call`, ... where nothing else was set."""
    return Session(_open, about=_about)


def _open() -> JobApi:
    settings = settings_with_secret()
    channel = worker.CHANNEL
    if channel is not None and not channel.serves and settings.url is not None:
        return HttpApi(Endpoint(settings.url, token=_job_token), inside=True)
    if settings.url is not None and settings.job_token is not None:  # a program that a job started
        return HttpApi(Endpoint(settings.url, token=lambda: settings.job_token or ""))
    embeds = settings.url is None
    api = HttpApi(endpoint_of(settings), (lambda _: embedded.find_or_start(settings)) if embeds else None)
    _keep_secret(api, settings)
    log.info("connected to %s with key %s", api.endpoint.url, api.endpoint.api_key)
    return api


def settings_with_secret() -> Settings:
    """What is set now; if a key is set without its secret, with that, if it is known here."""
    settings = Settings.current()
    if settings.api_key is not None and settings.api_secretkey is None:
        return replace(settings, api_secretkey=secret_of(settings))
    return settings


def endpoint_of(settings: Settings) -> Endpoint:
    """The server that a program speaks to; the one of this user is started if need be."""
    if settings.url is not None and settings.job_token is not None:  # in a job, or a program that a job started
        return Endpoint(settings.url, token=_job_token)
    if settings.url is not None:
        return Endpoint(settings.url, settings.api_key, settings.api_secretkey)
    return embedded.find(settings) or embedded.find_or_start(settings)


def secret_of(settings: Settings) -> str | None:
    """The secret of the key that is set, which is set itself, or was written down on this machine; None: unknown."""
    if settings.api_key is None or settings.api_secretkey is not None:
        return settings.api_secretkey
    from cloud.client.credentials import find_secret

    if settings.url is None:
        own = embedded.own_secret(settings.home, settings.api_key)
        if own is not None:
            return own
    return find_secret(settings.home, settings.api_key, settings.url)


def _keep_secret(api: HttpApi, settings: Settings) -> None:
    """Write down what `cloud.setkey` was given, once the server has accepted it."""
    secret = VALUES.chosen.get("api_secretkey")
    if not isinstance(secret, str) or settings.api_key is None:
        return
    from cloud.client.credentials import find_secret, keep_secret

    if find_secret(settings.home, settings.api_key, settings.url) != secret:
        api.describe()
        keep_secret(settings.home, settings.api_key, secret, settings.url)


def _job_token() -> str:
    """Of the job that runs now: a worker runs many, and keeps its connection."""
    channel = worker.CHANNEL
    return channel.token if channel is not None else os.environ.get("PICLOUD_JOB_TOKEN", "")


def _about(api: JobApi | None) -> dict[str, Any]:
    endpoint = api.endpoint if isinstance(api, HttpApi) else _expected()
    return {
        "connection_type": "HTTPS" if endpoint is not None and endpoint.url.startswith("https:") else "HTTP",
        "server_url": endpoint.url if endpoint is not None else None,
        "api_key": endpoint.api_key if endpoint is not None else None,
    }


def _expected() -> Endpoint | None:
    """Where the next use would go, if that is known without starting anything."""
    settings = Settings.current()
    if settings.url is not None:
        return Endpoint(settings.url, settings.api_key)
    try:
        return embedded.find(settings)
    except CloudException:
        return None
