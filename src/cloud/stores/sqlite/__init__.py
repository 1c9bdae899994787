"""The Store port on SQLite: the state of one server in a file, or of one process in memory."""

from cloud.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
