"""The Store port on SQLite: a file for a server, `:memory:` for `cloud.mp` and the simulator."""

from cloud.stores.code import CodeVersions
from cloud.stores.dispatchers import Dispatchers
from cloud.stores.facts import Facts
from cloud.stores.files import Files
from cloud.stores.forgetting import Forgetting


class SQLiteStore(Forgetting, Dispatchers, CodeVersions, Files, Facts):
    """Durable memory of jobs in one SQLite database.

    One chain of classes, a file for each concern, all on one `Connection`: pending ranges, claims and outcome rows
    share jids, transactions and what is held in memory.

    Args:
        path: of the database file, made when there is none; or ':memory:'.

    Raises:
        ServerUnavailable: another process uses the file, or it cannot be opened.
        ProtocolMismatch: a newer picloud wrote it, or another program.
    """
