"""The Blobs port on a folder and in memory."""

from cloud.stores.blobs.folder import FolderBlobs
from cloud.stores.blobs.memory import MemoryBlobs

__all__ = ["FolderBlobs", "MemoryBlobs"]
