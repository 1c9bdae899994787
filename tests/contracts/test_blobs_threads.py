"""Blobs in a folder, used by several threads, as a cache of far ones is."""

import threading
from pathlib import Path

from cloud.stores.blobs import FolderBlobs


def test_threads_that_empty_a_folder_do_not_disturb_those_that_fill_it(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    faults: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for i in range(100):
                ref = blobs.put(f"early/1/{me}-{i}", [b"x" * me])
                assert bytes(blobs.read(ref.name)) == b"x" * me
                blobs.delete([ref.name])
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert list(blobs.names()) == []
