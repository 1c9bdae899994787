"""A folder is saved between two servers, as docs/operations/backup-restore-upgrade.md says, and restored elsewhere."""

import shutil
import signal
from pathlib import Path

from tests.support.configured import ConfiguredServer

TEXT = '[server]\nport = 0\n[store]\nurl = "{}"\n[engine]\nworkers = 1\n'


def test_what_was_saved_is_there_after_the_restore_and_what_waited_then_runs(tmp_path: Path) -> None:
    kept, saved = tmp_path / "kept", tmp_path / "saved"
    server = ConfiguredServer(tmp_path, TEXT.format(kept))
    small = server.submit(lambda x: x * x, range(200))
    large = server.submit(lambda x: b"x" * (100_000 + x), range(3))
    assert server.wait((small, large)) == ()
    later = server.submit(lambda x: x + 1, range(2000))

    assert server.end() == 0
    shutil.copytree(kept, saved)
    again = ConfiguredServer(tmp_path, TEXT.format(kept))
    assert again.results(later) == list(range(1, 2001))
    again.end(signal.SIGKILL)
    shutil.rmtree(kept)

    restored = ConfiguredServer(tmp_path, TEXT.format(saved))
    assert restored.results(small) == [x * x for x in range(200)]
    assert [len(value) for value in restored.results(large)] == [100_000, 100_001, 100_002]
    assert restored.results(later) == list(range(1, 2001))
    assert restored.end() == 0
