"""Content-addressed bytes over fsspec. Loaded when a store is opened, never by `import headwater` alone."""

from headwater.blobs.drivers import hide_password
from headwater.blobs.opening import open_blobs
from headwater.blobs.sources import file_blob, folder_blob
from headwater.blobs.storage import FsspecBlobs
from headwater.blobs.uris import UriFacts, describe_uri

__all__ = [
    "FsspecBlobs",
    "UriFacts",
    "describe_uri",
    "file_blob",
    "folder_blob",
    "hide_password",
    "open_blobs",
]
