"""Runs in the original library's own environment: answers calls on standard input with its C++ library.

A frame is a 4-byte length and as many bytes. A call is two frames: its method and the serialized request.
The answer is three: the status code in decimal, the message and the response. Four calls are this file's
own: `open` opens a SQLite file or a server's URL (or without a name a store in memory), `definitions` gives
the descriptors, `downgrade VERSION` and `upgrade` bring a SQLite file to an older or the newest schema.
"""

import struct
import sys
from urllib.parse import urlsplit

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


def open_store(place, version=0, upgrades=False):
    config = metadata_store_pb2.ConnectionConfig()
    url = urlsplit(place)
    if url.scheme == "mysql":
        account = {"user": url.username, "password": url.password or ""}
        config.mysql.MergeFrom(
            metadata_store_pb2.MySQLDatabaseConfig(
                host=url.hostname, port=url.port, database=url.path[1:], skip_db_creation=True, **account
            )
        )
    elif url.scheme == "postgresql":
        server = config.postgresql
        server.host, server.port, server.dbname = url.hostname, str(url.port), url.path[1:]
        server.user, server.password, server.skip_db_creation = url.username, url.password or "", True
    elif place:
        config.sqlite.filename_uri = place
    else:
        config.fake_database.SetInParent()
    options = metadata_store_pb2.MigrationOptions()
    options.enable_upgrade_migration = upgrades
    if version:
        options.downgrade_to_schema_version = version
    return library.CreateMetadataStore(config.SerializeToString(), options.SerializeToString())


def downgrade(file, version):
    try:
        open_store(file, version)
    except RuntimeError as told:
        # That it is done comes as an error, too.
        return 0 if "Downgrade migration was performed" in str(told) else 13
    return 13


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
        elif method == "upgrade":
            store = open_store(request.decode(), upgrades=True)
            code, message, response = 0, b"", b""
        elif method.startswith("downgrade "):
            code, message, response = downgrade(request.decode(), int(method.split()[1])), b"", b""
        elif method == "definitions":
            code, message, response = 0, b"", definitions()
        else:
            response, message, code = getattr(library, method)(store, request)
        for part in (str(code).encode(), message, response):
            write(part)
        sys.stdout.buffer.flush()


main()
