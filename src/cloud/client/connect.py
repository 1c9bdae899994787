"""Which server `cloud` speaks to, found out at first use.

in a job of a server          that server, with the job's token
PICLOUD_URL                   that one, with PICLOUD_API_KEY and PICLOUD_API_SECRETKEY
otherwise                     the embedded server of this user, started if need be
"""

import os
from typing import Any

from cloud.api import JobApi
from cloud.client import embedded
from cloud.client.http import Endpoint, HttpApi
from cloud.client.session import Session
from cloud.config import Settings
from cloud.errors import CloudException
from cloud.wire import worker


def network_session() -> Session:
    """The session behind `cloud.call`, ... where nothing else was set."""
    return Session(_open, about=_about)


def _open() -> JobApi:
    settings = Settings.current()
    channel = worker.CHANNEL
    if channel is not None and not channel.serves and settings.url is not None:
        return HttpApi(Endpoint(settings.url, token=_job_token), inside=True)
    if settings.url is not None and settings.job_token is not None:  # a program that a job started
        return HttpApi(Endpoint(settings.url, token=lambda: settings.job_token or ""))
    if settings.url is not None:
        return HttpApi(Endpoint(settings.url, settings.api_key, settings.api_secretkey))
    endpoint = embedded.find(settings) or embedded.find_or_start(settings)
    return HttpApi(endpoint, lambda _: embedded.find_or_start(settings))


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
