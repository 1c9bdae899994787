"""The dashboard: its pages put together."""

from starlette.routing import Route

from cloud.local import Core
from cloud.server.calls import Calls
from cloud.server.dashboard.account_page import AccountPage
from cloud.server.dashboard.changes import Changes
from cloud.server.dashboard.desk import Desk
from cloud.server.dashboard.doorway import Doorway
from cloud.server.dashboard.files_page import FilesPage
from cloud.server.dashboard.follow import OutputStream
from cloud.server.dashboard.job_page import JobPage
from cloud.server.dashboard.jobs_page import JobsPage
from cloud.server.dashboard.keys_page import KeysPage
from cloud.server.dashboard.live import LiveStream
from cloud.server.dashboard.map_page import MapPage
from cloud.server.dashboard.overview_page import OverviewPage
from cloud.server.dashboard.server_page import ServerPage
from cloud.server.dashboard.static_files import serve_static
from cloud.server.dashboard.watchers import Watchers
from cloud.server.gate import Gate
from cloud.server.history import History


class Dashboard:
    """Pages for whoever signed in with a key: the jobs of the key's account."""

    def __init__(self, asked: Calls, gate: Gate, core: Core, about: tuple[str, str], history: History) -> None:
        """
        Args:
            about: the server's id and version.
        """
        desk = Desk(asked, core, about)
        self._watchers = desk.watchers
        self._doorway = doorway = Doorway(desk, gate)
        # What is more special comes first: of two addresses that fit, the earlier one answers.
        self._parts = (
            LiveStream(desk.watchers, doorway, asked),
            JobsPage(desk, doorway),
            MapPage(desk, doorway),
            Changes(desk, doorway),
            OutputStream(desk, doorway),
            JobPage(desk, doorway),
            OverviewPage(desk, doorway, history),
            FilesPage(desk, doorway, asked),
            KeysPage(desk, doorway, gate),
            AccountPage(desk, doorway, gate),
            ServerPage(desk, doorway),
        )

    @property
    def watchers(self) -> Watchers:
        """Whom it tells of changes."""
        return self._watchers

    def routes(self) -> list[Route]:
        """All of them."""
        found = self._doorway.routes()
        for part in self._parts:
            found += part.routes()
        return [*found, Route("/static/{name}", self._doorway.open(serve_static), methods=["GET"])]
