"""Submissions, their sealing, and the numbers given out: sids and jids."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime

from cloud.dispatch.ports import Listed
from cloud.model import Environment, Spec, Submission
from cloud.stores.database import Database, Location, Row
from cloud.stores.specs import environment_text, spec_from_texts, spec_text
from cloud.stores.times import microseconds, moment

_NO_SID = (1 << 63) - 1
_NO_LIMIT = 1 << 40


class Submissions(Database):
    """What users asked for. Sealed submissions never change, so those used lately are held in memory."""

    _most_held = 1024
    """How many submissions, and how many codes, are held in memory."""
    _next_sid = 1
    _next_jid = 1

    def __init__(self, location: Location) -> None:
        self._held: dict[int, Submission] = {}
        self._codes: dict[tuple[str, str], int] = {}
        self._unwritten: dict[int, tuple[Submission, int]] = {}
        super().__init__(location)

    def _reload(self) -> None:
        self._held.clear()
        self._codes.clear()
        self._unwritten.clear()
        super()._reload()

    def write_ahead(self) -> None:
        """Write submissions that were kept back."""
        # Kept back until here, because most submissions are sealed in the transaction that makes them: one row
        # written once.
        if self._unwritten:
            unwritten, self._unwritten = self._unwritten, {}
            for s, code in unwritten.values():
                created_at = microseconds(s.created_at)
                self._write_apart(
                    self._sql.insert_submission,
                    (s.sid, s.account, s.token, code, created_at, None if s.sealed else created_at, s.first_jid,
                     s.count, spec_text(s.spec)),
                )  # fmt: skip

    def _write_kept(self) -> None:
        super()._write_kept()
        self.write_ahead()

    def find_token(self, account: int, token: str) -> Submission | None:
        """The submission with this token, sealed or not."""
        if self._unwritten:
            self._write_kept()
        row = self._first_apart(self._sql.find_token, (account, token))
        return self.submission(row[0]) if row else None

    def add_submission(self, account: int, token: str, spec: Spec, at: datetime) -> Submission:
        """A new, unsealed submission. The token must be new."""
        submission = Submission(self._next_sid, account, token, spec, at)
        code = self._code(spec.function, spec.environment)
        if not self._writing:
            self._begin_writing()
        self._unwritten[submission.sid] = submission, code
        self._kept = True
        self._next_sid += 1
        return self._hold(submission)

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
            self._write(self._sql.seal, (submission.first_jid, count, sid))
        self._hold(submission)
        if count:
            self._await_turn(submission, ready)
        return submission

    @abstractmethod
    def _await_turn(self, submission: Submission, ready: bool) -> None:
        """Make all its jobs one pending range."""

    @abstractmethod
    def _note_deletion(self) -> None:
        """A submission was deleted. Its numbers, perhaps the highest, are not given out again; who else holds it in
        memory must know."""

    def unsealed(self, silent_since: datetime) -> list[int]:
        """Submissions without a seal or sign of life since then."""
        return [sid for (sid,) in self._read(self._sql.unsealed, (microseconds(silent_since),))]

    def submission(self, sid: int) -> Submission | None:
        """The submission, sealed or not."""
        held = self._held.get(sid)
        return held if held is not None else self._look_up_submission(sid)

    def at_jids(self, jids: range, most: int | None = None) -> list[Submission]:
        """Sealed submissions with jids in this range, ascending, `most` at most; gaps are for the caller to notice."""
        if not jids:
            return []
        # The first one may end before the range begins.
        limit = _NO_LIMIT if most is None else most + 1
        sids = [sid for (sid,) in self._read(self._sql.sids_at, (jids.start, jids.stop, limit))]
        found = {sid: held for sid in sids if (held := self._held.get(sid)) is not None and held.first_jid is not None}
        missing = [sid for sid in sids if sid not in found]
        if missing:
            found.update((row[0], self._submission_of(row)) for row in self._read_many(self._sql.submissions, missing))
        return [s for sid in sids if (s := found.get(sid)) is not None and s.jids.stop > jids.start][:most]

    def of_account(self, account: int, *, unfinished: bool) -> list[int]:
        """Sids of an account; with `unfinished`, those with a pending range or a claim, including unsealed ones."""
        wanted = self._sql.unfinished_of_account if unfinished else self._sql.of_account
        return [sid for (sid,) in self._read(wanted, (account,))]

    def newest(self, limit: int, before: int | None = None) -> list[Listed]:
        """Sealed submissions of all accounts, newest first, `limit` at most; with `before`, those with a lower sid."""
        found = []
        for sid, account, text in self._read(self._sql.newest_sealed, (_NO_SID if before is None else before, limit)):
            spec = json.loads(text)  # here: a database's own JSON has no room for every text that Python has
            found.append(Listed(sid, account, spec.get("label"), spec["function_name"]))
        return found

    def _look_up_submission(self, sid: int) -> Submission | None:
        rows = self._read_many(self._sql.submissions, (sid,))
        return self._submission_of(rows[0]) if rows else None

    def _submission_of(self, row: Row) -> Submission:
        sid, account, token, created_at, first_jid, count, spec, digest, environment = row
        held = self._held.get(sid)
        if held is not None and held.first_jid == first_jid:
            return held
        whole = spec_from_texts(spec, digest, environment)
        return self._hold(Submission(sid, account, token, whole, moment(created_at), count, first_jid))

    def _hold(self, submission: Submission) -> Submission:
        if len(self._held) >= self._most_held and submission.sid not in self._held:
            del self._held[next(iter(self._held))]
        self._held[submission.sid] = submission
        return submission

    def _code(self, digest: str, environment: Environment) -> int:
        key = digest, environment.key
        code = self._codes.get(key)
        if code is None:
            text = environment_text(environment)
            code = next((c for c, other in self._read(self._sql.find_codes, (digest,)) if other == text), None)
            if code is None:
                ((code,),) = self._write_read(self._sql.insert_code, (digest, environment.code_version, text))
            if len(self._codes) >= self._most_held:
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
            bases.update(self._read_many(self._sql.bases, missing))
        return bases
