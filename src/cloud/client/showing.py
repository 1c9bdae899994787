"""Handles in a notebook: what the jobs do, as HTML that is asked for once, or that follows them while they run."""

import html
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloud.client import notebook
from cloud.client.naming import printable
from cloud.client.progress_text import Counts
from cloud.errors import JobNotFound
from cloud.model import FINISHED_WORDS

if TYPE_CHECKING:
    from cloud.client.jobs import Job, Jobs

PATIENCE_SECONDS = 1.0
"""How long an answer is waited for before a handle is shown without it."""
UPDATE_SECONDS = 1.0
MOST_SHOWN = 20
"""So many handles follow their jobs at once; older ones stay as they are."""


class View:
    """A handle and what is known of its jobs."""

    def __init__(self, handle: "Job | Jobs") -> None:
        self._handle = handle
        single = isinstance(handle, int)
        jids = range(int(handle), int(handle) + 1) if isinstance(handle, int) else handle.as_range
        self._ranges = (jids,) if jids.step == 1 else tuple(range(jid, jid + 1) for jid in sorted(jids))
        self._single = single
        self.counts = Counts("", len(jids), jids[0] if jids else 0)
        self.gone = False

    def ask(self) -> bool:
        """Find out how many of the jobs have which status; False if that cannot be found out now. Opens no cloud."""
        try:
            session = self._handle._cloud
            if not session.opened or not self.counts.total:
                return False
            self.counts.take(session.api.counts(self._ranges))
        except JobNotFound:
            self.gone = True
            return False
        except Exception:
            return False
        return True

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more, as far as is known."""
        return self.gone or self.counts.finished >= self.counts.total

    def markup(self) -> str:
        """HTML, on the notebook's own colours."""
        name = html.escape(printable(self._handle._name))
        code = f" <code>{name}</code>" if name else ""
        known: Mapping[str, int] = self.counts.by_word
        if self._single:
            word = "deleted" if self.gone else next(iter(known), "")
            return f"<div><b>Job {self.counts.first_jid}</b>{code} {_coloured(word)}</div>".replace(" </div>", "</div>")
        head = f"<b>{self.counts.total:,} jobs</b> {self._handle._span()}{code}"  # type: ignore[union-attr]
        self.counts.over = self.finished
        rest = notebook.markup(self.counts, clock=False) if known else ""
        return f"<div>{head}{rest}</div>"


def _coloured(word: str) -> str:
    colour = {"done": "#2a9155", "processing": "#3a87c8"}.get(word) or ("#d9483b" if word in FINISHED_WORDS else "")
    return f'<span style="color:{colour};font-weight:bold">{word}</span>' if colour else word


def markup_of(handle: "Job | Jobs") -> str:
    """What a notebook shows of a handle. The cloud is asked once, if it is open, and not waited for long."""
    view = View(handle)
    asking = threading.Thread(target=view.ask, name="cloud-look", daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    return view.markup()


def display(handle: "Job | Jobs") -> None:
    """Show a handle in the cell that runs, and follow its jobs there.

    Raises:
        NotImplementedError: this is no notebook, so IPython shows it otherwise.
    """
    if notebook.kernel() is None:
        raise NotImplementedError
    _FOLLOWING.add(View(handle), repr(handle))


class _Following:
    """One thread that keeps what is shown up to date, and ends when nothing changes any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: list[tuple[View, str, notebook.Output]] = []
        self._pause = threading.Event()
        self._runs = False

    def add(self, view: View, text: str) -> None:
        """Show this, and follow it."""
        asking = threading.Thread(target=view.ask, name="cloud-look", daemon=True)
        asking.start()
        asking.join(PATIENCE_SECONDS)
        output = notebook.Output()
        output.show(text, view.markup())
        with self._lock:
            self._shown = [*self._shown[1 - MOST_SHOWN :], (view, text, output)]
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._follow, name="cloud-display", daemon=True).start()

    def _follow(self) -> None:
        while True:
            with self._lock:
                self._shown = [shown for shown in self._shown if not shown[0].finished]
                if not self._shown:
                    self._runs = False
                    return
                shown = list(self._shown)
            self._pause.wait(UPDATE_SECONDS)
            for view, text, output in shown:
                before: Any = view.markup()
                view.ask()
                if view.markup() != before:
                    output.show(text, view.markup())


_FOLLOWING = _Following()
