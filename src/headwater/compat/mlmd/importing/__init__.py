"""ML Metadata's own databases, read into a store."""

from headwater.compat.counting import TableCount, Watch
from headwater.compat.mlmd.importing.importer import import_database
from headwater.compat.mlmd.importing.report import ImportReport
from headwater.compat.mlmd.importing.source import Source, open_source

__all__ = ["ImportReport", "Source", "TableCount", "Watch", "import_database", "open_source"]
