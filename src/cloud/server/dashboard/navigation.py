"""The pages that every page leads to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A link at the top of every page."""

    name: str
    """As in `Desk.page(..., here=name)`: marks the page that is open."""
    title: str
    address: str
    """As seen from '/'."""


PAGES: tuple[Entry, ...] = (
    Entry("jobs", "Jobs", "jobs"),
    Entry("overview", "Overview", "overview"),
    Entry("files", "Files", "files"),
    Entry("keys", "Keys", "keys"),
    Entry("account", "Account", "account"),
    Entry("server", "Server", "server"),
)
"""In their order. A page enters itself here when it exists."""
