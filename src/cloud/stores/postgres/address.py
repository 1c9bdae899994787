"""The address of a database, as `--store` names it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from cloud.errors import InvalidSubmission

SCHEMES = ("postgresql", "postgres")
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,40}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the tables are."""

    url: str
    """For libpq; several hosts may be named, with commas between them: the one that takes writes is used."""
    schema: str = "picloud"

    @classmethod
    def of(cls, url: str) -> "Address":
        """A libpq URL, in which `schema` may be among the parameters: several stores share a database so.

        Raises:
            InvalidSubmission: it is no such URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            given_as = f"{parts.scheme}:…" if parts.scheme else "a path"  # the rest may hold a password
            raise InvalidSubmission(f"a store on PostgreSQL is named postgresql://user@host/database, not {given_as}")
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        schema = given.pop("schema", "picloud")
        if not _NAME.fullmatch(schema):
            raise InvalidSubmission(f"{schema!r} cannot be a schema: lower-case letters, digits and _ only")
        return cls(urlunsplit(parts._replace(query=urlencode(given))), schema)

    def __str__(self) -> str:
        """Without the password."""
        parts = urlsplit(self.url)
        _, _, where = parts.netloc.rpartition("@")
        return f"postgresql://{where}{parts.path} (schema {self.schema})"
