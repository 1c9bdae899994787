"""Facts that are few: keys, settings, the server's identity."""

from cloud.stores.database import Database


class Facts(Database):
    """Text by name."""

    def get_fact(self, name: str) -> str | None:
        """Its value, or None."""
        row = self._first(self._sql.get_fact, (name,))
        return row[0] if row else None

    def set_fact(self, name: str, value: str | None) -> None:
        """None removes it."""
        if value is None:
            self._write(self._sql.forget_fact, (name,))
        else:
            self._write(self._sql.set_fact, (name, value))

    def facts(self, prefix: str) -> dict[str, str]:
        """All whose name begins so."""
        return dict(self._read(self._sql.facts, (prefix,)))
