"""Submissions and their sealing."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from cloud.dispatch.ports import Listed
from cloud.model import Environment, Spec, Submission
from cloud.stores.connection import microseconds, moment
from cloud.stores.postgres.connection import Row
from cloud.stores.postgres.head import Head
from cloud.stores.queries import Queries
from cloud.stores.specs import environment_key, environment_text, spec_text
from cloud.wire.environments import environment_from_bytes
from cloud.wire.values import spec_from_json

SQL = Queries("submissions.sql", __package__)
_NO_SID = (1 << 63) - 1
_HELD = 10_000
"""How many submissions, and how many codes, are held in memory."""


@lru_cache(1024)
def _environment(text: str) -> Environment:
    """Shared by all submissions that have it."""
    return environment_from_bytes(text.encode())


class Submissions(Head, ABC):
    """What users asked for. Sealed submissions never change, so those used lately are held in memory."""

    def __init__(self, url: str) -> None:
        self._held: dict[int, Submission] = {}
        self._codes: dict[tuple[str, tuple[object, ...]], int] = {}
        self._unwritten: dict[int, tuple[Submission, int]] = {}
        super().__init__(url)

    def _reload(self) -> None:
        super()._reload()
        self._held.clear()
        self._codes.clear()
        self._unwritten.clear()

    def _write_kept(self) -> None:
        # Kept back until something is asked, because most submissions are sealed in the transaction that makes them.
        super()._write_kept()
        unwritten, self._unwritten = self._unwritten, {}
        for s, code in unwritten.values():
            created_at = microseconds(s.created_at)
            self._write_apart(
                SQL.insert_submission,
                (s.sid, s.account, s.token, code, created_at, None if s.sealed else created_at, s.first_jid, s.count,
                 spec_text(s.spec)),
            )  # fmt: skip

    def write_ahead(self) -> None:
        """Send what was kept back for the commit."""
        if self._kept:
            self._write_kept()

    def find_token(self, account: int, token: str) -> Submission | None:
        """The submission with this token, sealed or not."""
        row = self._first(SQL.find_token, (account, token))
        return self._submission_of(row) if row else None

    def add_submission(self, account: int, token: str, spec: Spec, at: datetime) -> Submission:
        """A new, unsealed submission. The token must be new."""
        self._must_write()
        code = self._code(spec.function, spec.environment)
        submission = Submission(self._next_sid, account, token, spec, at)
        self._next_sid += 1
        self._unwritten[submission.sid] = submission, code
        self._kept = True
        return self._hold(submission)

    def seal(self, sid: int, count: int, *, ready: bool) -> Submission:
        """Allot `count` consecutive jids, the next ones of this store, and make all jobs one pending range."""
        submission = self.submission(sid)
        if submission is None or submission.sealed:
            raise ValueError(f"submission {sid} does not exist or is sealed already")
        self._must_write()
        submission = submission.sealed_as(self._next_jid, count)
        self._next_jid += count
        if sid in self._unwritten:
            self._unwritten[sid] = submission, self._unwritten[sid][1]
        else:
            self._write(SQL.seal, (submission.first_jid, count, sid))
        self._hold(submission)
        if count:
            self._await_turn(submission, ready)
        return submission

    @abstractmethod
    def _await_turn(self, submission: Submission, ready: bool) -> None:
        """Make all its jobs one pending range."""

    def unsealed(self, silent_since: datetime) -> list[int]:
        """Submissions without a seal or sign of life since then."""
        return [sid for (sid,) in self._read(SQL.unsealed, (microseconds(silent_since),))]

    def submission(self, sid: int) -> Submission | None:
        """The submission, sealed or not."""
        held = self._held.get(sid)
        if held is not None and (held.sealed or sid in self._unwritten):
            return held  # one that is not sealed may be, by another process
        row = self._first(SQL.submission, (sid,))
        return self._submission_of(row) if row else None

    def at_jids(self, jids: range, most: int | None = None) -> list[Submission]:
        """Sealed submissions with jids in this range, ascending, `most` at most; gaps are for the caller to notice."""
        if not jids:
            return []
        rows = self._read(SQL.at_jids, {"start": jids.start, "stop": jids.stop, "limit": most and most + 1})
        found = [self._submission_of(row) for row in rows]
        return [s for s in found if s.jids and s.jids.stop > jids.start][:most]

    def of_account(self, account: int, *, unfinished: bool) -> list[int]:
        """Sids of an account; with `unfinished`, those with a pending range or a claim, including unsealed ones."""
        if unfinished:
            return [sid for (sid,) in self._read(SQL.unfinished_of_account, {"account": account})]
        return [sid for (sid,) in self._read(SQL.of_account, (account,))]

    def newest(self, limit: int, before: int | None = None) -> list[Listed]:
        """Sealed submissions of all accounts, newest first, `limit` at most; with `before`, those with a lower sid."""
        found = []
        for sid, account, text in self._read(SQL.newest_sealed, (_NO_SID if before is None else before, limit)):
            spec = json.loads(text)  # PostgreSQL's own JSON has no room for every text that Python has
            found.append(Listed(sid, account, spec.get("label"), spec["function_name"]))
        return found

    def _submission_of(self, row: Row) -> Submission:
        sid, account, token, created_at, first_jid, count, spec, digest, environment = row
        held = self._held.get(sid)
        if held is not None and held.first_jid == first_jid:
            return held
        whole = spec_from_json({**json.loads(spec), "function": digest}, _environment(environment))
        return self._hold(Submission(sid, account, token, whole, moment(created_at), count, first_jid))

    def _hold(self, submission: Submission) -> Submission:
        if len(self._held) >= _HELD and submission.sid not in self._held:
            del self._held[next(iter(self._held))]
        self._held[submission.sid] = submission
        return submission

    def _code(self, digest: str, environment: Environment) -> int:
        key = digest, environment_key(environment)
        code = self._codes.get(key)
        if code is None:
            text = environment_text(environment)
            code = next((c for c, other in self._read(SQL.find_codes, (digest,)) if other == text), None)
            if code is None:
                row = self._write_first(SQL.insert_code, (digest, environment.code_version, text))
                code = int(row[0])
            if len(self._codes) >= _HELD:
                self._codes.clear()
            self._codes[key] = code
        return code

    def _base(self, sid: int) -> int | None:
        """The first jid of a sealed submission, else None."""
        submission = self._held.get(sid)
        if submission is None or submission.first_jid is None:
            submission = self.submission(sid)
        return None if submission is None else submission.first_jid

    def _bases(self, sids: Sequence[int]) -> dict[int, int]:
        """The first jids of those that are sealed."""
        held = {sid: self._held[sid].first_jid for sid in sids if sid in self._held}
        bases = {sid: jid for sid, jid in held.items() if jid is not None}
        missing = sorted({sid for sid in sids if sid not in bases})
        if missing:
            bases.update(self._read(SQL.bases, (missing,)))
        return bases
