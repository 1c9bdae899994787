"""The lock behind which an interrupt from the keyboard waits."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from cloud.dispatch.undisturbed import Undisturbed


@pytest.fixture(autouse=True)
def _python_handles_sigint() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_comes_when_the_lock_is_free_again() -> None:
    lock, passed = Undisturbed(), []
    with pytest.raises(KeyboardInterrupt), lock:
        with lock:
            interrupt()
            passed.append("inner")
        passed.append("outer")
    assert passed == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with lock:  # and it came once
        pass


def test_what_was_raised_behind_the_lock_is_not_forgotten() -> None:
    lock = Undisturbed()
    with pytest.raises(KeyboardInterrupt) as interrupted, lock:
        interrupt()
        raise ValueError("something else")
    assert isinstance(interrupted.value.__context__, ValueError)


def test_a_handler_of_the_program_is_called_later_too() -> None:
    lock, calls = Undisturbed(), []
    signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    with lock:
        interrupt()
        assert calls == []
    assert calls == [signal.SIGINT]


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_where_python_handles_no_interrupts_nothing_is_changed(handler: signal.Handlers) -> None:
    signal.signal(signal.SIGINT, handler)
    with Undisturbed():
        assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGINT) is handler


def test_other_threads_have_it_one_at_a_time() -> None:
    lock, taken, free = Undisturbed(), threading.Event(), threading.Event()
    inside: list[str] = []

    def hold() -> None:
        with lock, lock:
            inside.append("other")
            taken.set()
            free.wait(10)
            inside.append("other leaves")

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(10)
    threading.Timer(0.0, free.set).start()
    with lock:
        inside.append("main")
    thread.join()
    assert inside == ["other", "other leaves", "main"]
