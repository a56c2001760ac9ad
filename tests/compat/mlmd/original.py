"""Runs in the original library's own environment: answers calls on standard input with its C++ library.

A frame is a 4-byte length and as many bytes. A call is two frames: its method and the serialized request.
The answer is three: the status code in decimal, the message and the response. Two calls are this file's
own: `open` opens a SQLite file (or without a name a store in memory), `definitions` gives the descriptors.
"""

import struct
import sys

from google.protobuf import descriptor_pb2
from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store as library  # pyright: ignore[reportMissingImports]
from ml_metadata.proto import metadata_store_pb2, metadata_store_service_pb2  # pyright: ignore[reportMissingImports]


def read():
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        sys.exit()
    return sys.stdin.buffer.read(struct.unpack("<I", head)[0])


def write(data):
    sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)


def open_store(file):
    config = metadata_store_pb2.ConnectionConfig()
    if file:
        config.sqlite.filename_uri = file
    else:
        config.fake_database.SetInParent()
    options = metadata_store_pb2.MigrationOptions()
    return library.CreateMetadataStore(config.SerializeToString(), options.SerializeToString())


def definitions():
    files = descriptor_pb2.FileDescriptorSet()
    for module in (metadata_store_pb2, metadata_store_service_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    return files.SerializeToString()


def main():
    store = None
    while True:
        method, request = read().decode(), read()
        if method == "open":
            store = open_store(request.decode())
            code, message, response = 0, b"", b""
        elif method == "definitions":
            code, message, response = 0, b"", definitions()
        else:
            response, message, code = getattr(library, method)(store, request)
        for part in (str(code).encode(), message, response):
            write(part)
        sys.stdout.buffer.flush()


main()
