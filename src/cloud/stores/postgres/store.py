"""The Store port on PostgreSQL."""

from cloud.stores.postgres.code import CodeVersions
from cloud.stores.postgres.dispatchers import Dispatchers
from cloud.stores.postgres.facts import Facts
from cloud.stores.postgres.files import Files
from cloud.stores.postgres.forgetting import Forgetting


class PostgresStore(Forgetting, Dispatchers, CodeVersions, Files, Facts):
    """Durable memory of jobs in one schema of a PostgreSQL database, for as many processes at once as there are.

    One chain of classes, a file for each concern, all on one `Connection`, as for SQLite.

    Args:
        url: postgresql://user@host/database; `?schema=` names the schema, 'picloud' otherwise.

    Raises:
        ServerUnavailable: the database does not answer, or refuses us.
        ProtocolMismatch: a newer picloud wrote the schema, or another program.
    """
