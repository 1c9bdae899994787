"""What the Server page warns of: much that is stored, little that is free."""

import pytest

from cloud.server.dashboard.server_page import Disk

GB = 10**9


@pytest.mark.parametrize(
    ("disk", "warned"),
    [
        (Disk(GB, GB, 0, "/here", "/here", free_bytes=100 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB), ""),
        (
            Disk(4 * GB, 7 * GB, 0, "/here", "/here", free_bytes=100 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB),
            "10.0 GB",
        ),
        (Disk(GB, GB, 50 * GB, "/here", "/here", free_bytes=100 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB), ""),
        (Disk(GB, GB, 0, "/here", "/here", free_bytes=GB, whole_bytes=5 * GB, warn_bytes=10 * GB), "nearly full"),
        (
            Disk(GB, GB, 0, "/here", "/here", free_bytes=20 * GB, whole_bytes=500 * GB, warn_bytes=10 * GB),
            "nearly full",
        ),
        (Disk(GB, GB, 0, "", "", warn_bytes=10 * GB), ""),
    ],
    ids=["enough room", "much is stored", "files are the user's to delete", "a gigabyte", "a twentieth", "in memory"],
)
def test_a_disk_is_warned_of_when_it_should_be_seen_to(disk: Disk, warned: str) -> None:
    assert len(disk.warnings) == bool(warned)
    assert warned in " ".join(disk.warnings)


def test_the_disk_that_is_nearly_full_is_named_by_its_machine_and_what_it_holds() -> None:
    full = {"free_bytes": 0, "whole_bytes": GB, "warn_bytes": 10 * GB, "machine": "head"}
    (own,) = Disk(0, 0, 0, "/here", "/here", **full).warnings  # type: ignore[arg-type]
    assert own.startswith("The disk of /here on head is nearly full.")
    (cache,) = Disk(0, 0, 0, "s3://bucket", "/cache", copies=True, **full).warnings  # type: ignore[arg-type]
    assert cache.startswith("The disk of /cache on head, which has copies of large values, is nearly full.")
