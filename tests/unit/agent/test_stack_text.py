"""Dumps of faulthandler, made readable."""

from pathlib import Path

from cloud.agent.stack_text import readable

MAIN = """\
Current thread 0x00007f0000000001 (most recent call first):
  File "{file}", line 2 in inner
  File "{file}", line 4 in outer
  File "/x/cloud/runner/worker.py", line 222 in _run_closely
  File "/x/cloud/runner/worker.py", line 99 in serve
  File "/x/cloud/runner/template.py", line 60 in serve
  File "<frozen runpy>", line 88 in _run_code
"""


def test_the_innermost_call_comes_last_with_its_source(tmp_path: Path) -> None:
    file = tmp_path / "users.py"
    file.write_text("def inner():\n    wait()\ndef outer():\n    inner()\n")
    assert readable(MAIN.format(file=file)) == (
        "Main thread (most recent call last):\n"
        f'  File "{file}", line 4, in outer\n'
        "    inner()\n"
        f'  File "{file}", line 2, in inner\n'
        "    wait()\n"
    )


def test_the_main_thread_is_first_and_threads_of_ours_are_left_out() -> None:
    dump = """\
Thread 0x00007f0000000003 (most recent call first):
  File "/x/cloud/runner/channel.py", line 10 in _exactly
  File "/usr/lib/python3.11/threading.py", line 982 in run
  File "/usr/lib/python3.11/threading.py", line 1045 in _bootstrap_inner
  File "/usr/lib/python3.11/threading.py", line 1002 in _bootstrap

Thread 0x00007f0000000002 [poller] (most recent call first):
  File "/gone/users.py", line 7 in poll
  File "/usr/lib/python3.11/threading.py", line 982 in run
  File "/usr/lib/python3.11/threading.py", line 1045 in _bootstrap_inner
  File "/usr/lib/python3.11/threading.py", line 1002 in _bootstrap

"""
    assert readable(dump + MAIN.format(file="/gone/users.py")).splitlines() == [
        "Main thread (most recent call last):",
        '  File "/gone/users.py", line 4, in outer',
        '  File "/gone/users.py", line 2, in inner',
        "",
        "Thread 'poller' (most recent call last):",
        '  File "/gone/users.py", line 7, in poll',
    ]


def test_a_job_between_its_function_and_its_result_says_so() -> None:
    dump = """\
Current thread 0x00007f0000000001 (most recent call first):
  File "/x/cloud/pickling/keeping.py", line 3 in keep
  File "/x/cloud/runner/worker.py", line 99 in serve
"""
    assert readable(dump).splitlines()[1:] == [
        "  [in a function that is not written in Python, or in picloud's own code around it]"
    ]


def test_when_the_main_thread_is_beyond_what_can_be_shown_it_says_so() -> None:
    thread = 'Thread 0x{:016x} (most recent call first):\n  File "/gone/users.py", line 7 in poll\n\n'
    text = readable("".join(thread.format(i) for i in range(100)) + "...\n")
    assert text.startswith("[There are more threads than the 100 shown,")
    assert text.count("in poll") == 100


def test_what_is_no_dump_is_nothing() -> None:
    assert readable("") == readable("garbage\n") == ""
    assert "\x1b" not in readable("Current thread 0x1 (most recent call first):\n\x1b[31m\n")
