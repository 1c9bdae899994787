"""Which cloud a pool means."""

import operator
from typing import Any

from cloud.client import sessions
from cloud.client.reserved import NAMES, meant
from cloud.client.session import Session


def session_of(cloud: Any) -> Session:
    """The session behind `cloud` (also None), `cloud.mp`, or a session itself, opened and bound to that connection.

    Raises:
        TypeError: it is none of these.
        CloudException: it cannot be opened.
    """
    if cloud is None or getattr(cloud, "__name__", "") == "cloud":
        return sessions.active().bound()
    session = cloud if isinstance(cloud, Session) else getattr(cloud, "_session", None)
    if not isinstance(session, Session):
        raise TypeError(f"cloud must be the module cloud or cloud.mp, not {cloud!r:.80}")
    return session.bound()


def check_reserved(keywords: dict[str, Any], where: str) -> dict[str, Any]:
    """The keywords, if all of them are reserved ones of `cloud.call`; their values are checked with each job.

    Raises:
        TypeError: naming the first that is not.
    """
    for name in keywords:
        if name not in NAMES:
            close = meant(name)
            advice = f" (did you mean {close}?)" if close else ""
            raise TypeError(f"{where} got an unexpected keyword argument {name!r}{advice}")
    return keywords


def as_number(value: Any, name: str) -> float:
    """
    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, bool) or not (isinstance(value, float) or hasattr(type(value), "__index__")):
        raise TypeError(f"{name} must be a number of jobs, not {value!r:.80}")
    return value if isinstance(value, float) else operator.index(value)
