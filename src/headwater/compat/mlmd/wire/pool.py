"""Message classes from the compiled definitions, in a descriptor pool of their own.

The original package registers files of the same names in the pool that all
share, which takes each name once; and its generated code needs a protobuf
below 5. Classes that are made at run time need neither.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from google.protobuf import any_pb2, descriptor_pb2, field_mask_pb2, message_factory, struct_pb2
from google.protobuf.descriptor import FileDescriptor
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
    pool = DescriptorPool()
    for module in (any_pb2, struct_pb2, field_mask_pb2, descriptor_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    compiled = descriptor_pb2.FileDescriptorSet.FromString(
        files("headwater.compat.mlmd.wire").joinpath(COMPILED).read_bytes()
    )
    for file in compiled.file:
        pool.AddSerializedFile(file.SerializeToString())
    # Makes the extensions known, so that they are read where they stand.
    message_factory.GetMessageClassesForFiles([STORE, SERVICE, UPKEEP], pool)
    return Definitions(pool)
