"""What the Server page warns of: much that is stored, little that is free."""

import pytest

from cloud.server.dashboard.server_page import Disk

GB = 10**9


@pytest.mark.parametrize(
    ("disk", "warned"),
    [
        (Disk(GB, GB, 0, "/here", free_bytes=100 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB), ""),
        (Disk(4 * GB, 7 * GB, 0, "/here", free_bytes=100 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB), "10.0 GB"),
        (Disk(GB, GB, 50 * GB, "/here", free_bytes=100 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB), ""),
        (Disk(GB, GB, 0, "/here", free_bytes=GB, whole_bytes=5 * GB, warn_bytes=10 * GB), "nearly full"),
        (Disk(GB, GB, 0, "/here", free_bytes=20 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB), "nearly full"),
        (Disk(GB, GB, 0, "", warn_bytes=10 * GB), ""),
    ],
    ids=["enough room", "much is stored", "files are the user's to delete", "a gigabyte", "a twentieth", "in memory"],
)
def test_a_disk_is_warned_of_when_it_should_be_seen_to(disk: Disk, warned: str) -> None:
    assert len(disk.warnings) == bool(warned)
    assert warned in " ".join(disk.warnings)
