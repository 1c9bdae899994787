"""Submissions, their sealing, and the numbers given out: sids and jids."""

import json
import os
from abc import ABC, abstractmethod
from datetime import datetime

from cloud.dispatch.ports import Listed
from cloud.model import Environment, Spec, Submission
from cloud.stores.connection import Connection, microseconds, moment
from cloud.stores.queries import Queries
from cloud.stores.specs import environment_key, environment_text, spec_from_texts, spec_text

SQL = Queries("submissions.sql")
_NO_SID = (1 << 63) - 1
_HELD = 1024
"""How many submissions, and how many codes, are held in memory."""


class Submissions(Connection, ABC):
    """What users asked for. Sealed submissions never change, so those used lately are held in memory."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._held: dict[int, Submission] = {}
        self._codes: dict[tuple[str, tuple[object, ...]], int] = {}
        self._unwritten: dict[int, tuple[Submission, int]] = {}
        self._next_sid = self._next_jid = self._next_code = 1
        super().__init__(path)

    def _reload(self) -> None:
        self._held.clear()
        self._codes.clear()
        self._unwritten.clear()
        counters = dict(self._read(SQL.counters))
        sid, code, jid = self._first(SQL.newest)
        # Never back, so that numbers which a transaction used before it was rolled back are not seen twice.
        self._next_sid = max(self._next_sid, counters.get("sid", 1), sid + 1)
        self._next_jid = max(self._next_jid, counters.get("jid", 1), jid or 1)
        self._next_code = max(self._next_code, code + 1)
        super()._reload()

    def write_ahead(self) -> None:
        """Write submissions that were kept back."""
        # Kept back until here, because most submissions are sealed in the transaction that makes them: one row
        # written once. Whatever reads the table flushes first.
        if self._unwritten:
            unwritten, self._unwritten = self._unwritten, {}
            for submission, code in unwritten.values():
                s, created_at = submission, microseconds(submission.created_at)
                self._write_apart(
                    SQL.insert_submission,
                    (s.sid, s.account, s.token, code, created_at, None if s.sealed else created_at, s.first_jid,
                     s.count, spec_text(s.spec)),
                )  # fmt: skip

    def _flush(self) -> None:
        self.write_ahead()
        super()._flush()

    def find_token(self, account: int, token: str) -> Submission | None:
        """The submission with this token, sealed or not."""
        if self._unwritten:
            self._flush()
        row = self._first_apart(SQL.find_token, (account, token))
        return self.submission(row[0]) if row else None

    def add_submission(self, account: int, token: str, spec: Spec, at: datetime) -> Submission:
        """A new, unsealed submission. The token must be new."""
        submission = Submission(self._next_sid, account, token, spec, at)
        code = self._code(spec.function, spec.environment)
        if not self._begun:
            self._begin()
        self._unwritten[submission.sid] = submission, code
        self._next_sid += 1
        self._hold(submission)
        return submission

    def seal(self, sid: int, count: int, *, ready: bool) -> Submission:
        """Allot `count` consecutive jids, the next ones of this store, and make all jobs one pending range."""
        submission = self.submission(sid)
        if submission is None or submission.sealed:
            raise ValueError(f"submission {sid} does not exist or is sealed already")
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
        self._flush()
        return [sid for (sid,) in self._read(SQL.unsealed, (microseconds(silent_since),))]

    def submission(self, sid: int) -> Submission | None:
        """The submission, sealed or not."""
        held = self._held.get(sid)
        if held is not None:
            return held
        self._flush()
        row = self._first(SQL.submission, (sid,))
        if row is None:
            return None
        sid, account, token, created_at, first_jid, count, spec, digest, environment = row
        spec = spec_from_texts(spec, digest, environment)
        return self._hold(Submission(sid, account, token, spec, moment(created_at), count, first_jid))

    def at_jids(self, jids: range, most: int | None = None) -> list[Submission]:
        """Sealed submissions with jids in this range, ascending, `most` at most; gaps are for the caller to notice."""
        self._flush()
        if not jids:
            return []
        limit = -1 if most is None else most
        sids = self._read(SQL.at_first_jid, (jids.start,)) + self._read(
            SQL.between_jids, (jids.start, jids.stop, limit)
        )
        found = [submission for (sid,) in sids if (submission := self.submission(sid))]
        return [s for s in found if s.jids and s.jids.stop > jids.start][:most]

    def of_account(self, account: int, *, unfinished: bool) -> list[int]:
        """Sids of an account; with `unfinished`, those with a pending range or a claim, including unsealed ones."""
        self._flush()
        return [sid for (sid,) in self._read(SQL.unfinished_of_account if unfinished else SQL.of_account, (account,))]

    def newest(self, limit: int, before: int | None = None) -> list[Listed]:
        """Sealed submissions of all accounts, newest first, `limit` at most; with `before`, those with a lower sid."""
        self._flush()
        rows = self._read(SQL.newest_sealed, (_NO_SID if before is None else before, limit))
        return [Listed(sid, account, *json.loads(said)) for sid, account, said in rows]

    def _hold(self, submission: Submission) -> Submission:
        if len(self._held) >= _HELD:
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
                code = self._next_code
                self._next_code += 1
                self._write(SQL.insert_code, (code, digest, text))
            if len(self._codes) >= _HELD:
                self._codes.clear()
            self._codes[key] = code
        return code

    def _base(self, sid: int) -> int | None:
        """The first jid of a sealed submission, else None."""
        submission = self._held.get(sid) or self.submission(sid)
        return None if submission is None else submission.first_jid
