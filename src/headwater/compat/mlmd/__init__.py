"""A successor of ML Metadata: write `from headwater.compat import mlmd` for `import ml_metadata as mlmd`."""

from importlib.util import find_spec

from headwater.errors import MissingDependencyError

if any(find_spec(package) is None for package in ("google", "google.protobuf", "grpc")):
    raise MissingDependencyError("protobuf and grpcio", "mlmd", "headwater.compat.mlmd")

from headwater.compat.mlmd import errors, metadata_store, proto
from headwater.compat.mlmd.metadata_store import ListOptions, MetadataStore, OrderByField, downgrade_schema
from headwater.version import VERSION

__version__ = VERSION

__all__ = [
    "ListOptions",
    "MetadataStore",
    "OrderByField",
    "__version__",
    "downgrade_schema",
    "errors",
    "metadata_store",
    "proto",
]
