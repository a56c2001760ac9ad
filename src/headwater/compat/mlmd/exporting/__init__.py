"""A store, written as a SQLite file that ML Metadata opens."""

from headwater.compat.mlmd.exporting.exporter import export_database
from headwater.compat.mlmd.exporting.report import ExportReport

__all__ = ["ExportReport", "export_database"]
