"""Message classes from the compiled definitions, in a descriptor pool of their own.

The original package registers files of the same names in the pool that all
share, which takes each name once; and its generated code needs the protobuf of
its release. Classes that are made at run time need neither.

Where the distribution in `shims/ml-metadata` has taken the original's place,
they are in the shared pool instead, as the original's would be: generated code
of others, such as TFX's, has fields of these messages and looks for them there.
"""

import copyreg
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import PathFinder
from importlib.resources import files
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Any, Final

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    field_mask_pb2,
    message_factory,
    struct_pb2,
)
from google.protobuf.descriptor import Descriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

STORE: Final = "ml_metadata/proto/metadata_store.proto"
SERVICE: Final = "ml_metadata/proto/metadata_store_service.proto"
UPKEEP: Final = "headwater/mlmd/upkeep.proto"
COMPILED: Final = "definitions.binpb"
"""The definitions beside this file, as protoc compiles them; a test compiles them again and compares."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """The compiled definitions and the pool that holds them."""

    pool: DescriptorPool
    _classes: dict[str, Any] = field(default_factory=dict[str, Any])

    def file(self, name: str) -> FileDescriptor:
        """Return the descriptor of one file."""
        return self.pool.FindFileByName(name)

    def names(self, file: str) -> dict[str, Any]:
        """Return what generated code for a file would hold: messages, enums and their values, extensions."""
        descriptor = self.file(file)
        found: dict[str, Any] = {"DESCRIPTOR": descriptor}
        for name, message in descriptor.message_types_by_name.items():
            found[name] = message_factory.GetMessageClass(message)
        for name, enum in descriptor.enum_types_by_name.items():
            found[name] = EnumTypeWrapper(enum)
            found |= dict(found[name].items())
        for name, extension in descriptor.extensions_by_name.items():
            found[name] = extension
        return found

    def message(self, name: str) -> Any:
        """Return the class of a message of the package `ml_metadata`."""
        return self.class_of(f"ml_metadata.{name}")

    def class_of(self, full_name: str) -> Any:
        """Return the class of a message of any package."""
        found = self._classes.get(full_name)
        if found is None:
            found = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full_name))
            self._classes[full_name] = found
        return found

    def own(self, message: Message) -> Any:
        """Return a message as one of these classes; one of the original package's is converted."""
        if message.DESCRIPTOR.file.pool is self.pool:
            return message
        return self.class_of(message.DESCRIPTOR.full_name).FromString(message.SerializeToString())


@cache
def definitions() -> Definitions:
    """Return the definitions, loaded once."""
    is_shared = _in_place_of_the_original()
    pool = descriptor_pool.Default() if is_shared else _own_pool()
    compiled = descriptor_pb2.FileDescriptorSet.FromString(
        files("headwater.compat.mlmd.wire").joinpath(COMPILED).read_bytes()
    )
    for file in compiled.file:
        pool.AddSerializedFile(file.SerializeToString())
    # Makes the extensions known, so that they are read where they stand.
    message_factory.GetMessageClassesForFiles([STORE, SERVICE, UPKEEP], pool)
    home = "ml_metadata.proto" if is_shared else "headwater.compat.mlmd.proto"
    for name in (STORE, SERVICE):
        _give_home(pool.FindFileByName(name), f"{home}.{PurePosixPath(name).stem}_pb2")
    return Definitions(pool)


def _in_place_of_the_original() -> bool:
    """Tell whether `import ml_metadata` leads here, without doing it."""
    package = find_spec("ml_metadata")
    if package is None:
        return False
    return PathFinder.find_spec("by_headwater", package.submodule_search_locations) is not None


def _own_pool() -> DescriptorPool:
    pool = DescriptorPool()
    for module in (any_pb2, struct_pb2, field_mask_pb2, descriptor_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    return pool


def _give_home(file: FileDescriptor, module: str) -> None:
    """Let the messages of a file be pickled, and say where they are from."""
    for descriptor in _with_nested(file.message_types_by_name.values()):
        message = message_factory.GetMessageClass(descriptor)
        message.__module__ = module
        # protobuf's own way looks nested messages up in the shared pool.
        copyreg.pickle(message, _reduced)


def _with_nested(descriptors: Iterable[Descriptor]) -> Iterator[Descriptor]:
    for descriptor in descriptors:
        yield descriptor
        yield from _with_nested(descriptor.nested_types)


def _reduced(message: Message) -> tuple[Any, ...]:
    return _restored, (message.DESCRIPTOR.full_name, message.SerializePartialToString())


def _restored(full_name: str, data: bytes) -> Message:
    return definitions().class_of(full_name).FromString(data)
