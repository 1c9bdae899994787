"""Which template runs the jobs of an environment: one per interpreter (DESIGN D11, D15)."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cloud.agent.template import Template, own_search, search_in
from cloud.model import Environment

OWN_TAG = sys.implementation.cache_tag or "unknown"
_AT_START = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Read by the dynamic loader when a process starts, so that a template cannot be given them later."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What a template is started from."""

    executable: str
    at_start: tuple[tuple[str, str], ...]
    search: tuple[str, ...]


class Interpreters:
    """Templates by interpreter, started on demand."""

    def __init__(self, machine: str, lock_fd: int | None, started: Callable[[Template], None]) -> None:
        """
        Args:
            machine: identity of this machine and user as environments carry it.
            lock_fd: see `Template`.
            started: called with each new template.
        """
        self._machine = machine
        self._lock_fd = lock_fd
        self._started = started
        self._chosen: dict[str, Interpreter] = {}
        self.own = Interpreter(sys.executable, (), tuple(own_search()))
        self.templates: dict[Interpreter, Template] = {}
        self._added: dict[str, Interpreter] = {}

    def add(self, tag: str, executable: str) -> None:
        """Let this interpreter run what is pickled under the tag by clients whose own cannot be used here."""
        self._added[tag] = Interpreter(executable, (), ())
        self._chosen.clear()

    def refuse(self, environment: Environment) -> str | None:
        """Why no worker can open what this interpreter pickled; None: one can."""
        tag = environment.cache_tag
        if tag == OWN_TAG or tag in self._added or self._client_executable(environment):
            return None
        return (
            f"no worker runs {environment.cache_tag}, which pickled this function; the workers here run {OWN_TAG}. "
            f"Add one with: picloud start --python PATH"
        )

    def choose(self, environment: Environment) -> Interpreter:
        """The client's own interpreter if it is on this machine, else this process's."""
        key = environment.key
        chosen = self._chosen.get(key)
        if chosen is None:
            executable = self._client_executable(environment)
            chosen = self.own if environment.cache_tag == OWN_TAG else self._added.get(environment.cache_tag, self.own)
            if executable:
                at_start = tuple((n, v) for n in _AT_START if (v := environment.variables.get(n)))
                if at_start or executable != os.path.abspath(sys.executable):
                    same = executable == os.path.abspath(sys.executable)
                    search = self.own.search if same else tuple(search_in(environment.path))
                    chosen = Interpreter(executable, at_start, search)
            self._chosen[key] = chosen
            if len(self._chosen) > 1024:
                del self._chosen[next(iter(self._chosen))]
        return chosen

    def is_local(self, environment: Environment) -> bool:
        """Whether its paths mean something on this machine."""
        return bool(environment.machine) and environment.machine == self._machine

    def template(self, interpreter: Interpreter) -> Template:
        """Running, or just started.

        Raises:
            OSError, ValueError: it cannot be started.
        """
        template = self.templates.get(interpreter)
        if template is None:
            template = Template(interpreter.executable, interpreter.search, dict(interpreter.at_start), self._lock_fd)
            self.templates[interpreter] = template
            self._started(template)
        return template

    def tags(self) -> list[str]:
        """Cache tags of the interpreters that run."""
        return sorted({OWN_TAG, *self._added, *(t.cache_tag for t in self.templates.values() if t.cache_tag)})

    def forget(self, template: Template) -> Interpreter | None:
        """It is gone, or is to go; what it was started from."""
        for interpreter, running in list(self.templates.items()):
            if running is template:
                del self.templates[interpreter]
                return interpreter
        return None

    def _client_executable(self, environment: Environment) -> str | None:
        executable = environment.executable
        try:
            if not executable or not self.is_local(environment) or not os.access(executable, os.X_OK):
                return None
        except ValueError:  # no name that a file can have: others' jobs must not wait behind this one
            return None
        return os.path.abspath(executable)
