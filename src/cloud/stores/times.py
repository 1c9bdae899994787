"""Moments as they are stored: microseconds since the epoch."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """An aware datetime as the integer that is stored."""
    return (at - _EPOCH) // _MICROSECOND


def moment(stored: int) -> datetime:
    """The reverse of `microseconds`, UTC."""
    return _EPOCH + timedelta(microseconds=stored)
