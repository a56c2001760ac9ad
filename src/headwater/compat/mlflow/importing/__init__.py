"""What MLflow stored, brought into a store."""

from headwater.compat.mlflow.importing.importer import MlflowReport, import_mlflow
from headwater.compat.mlflow.importing.sources import open_tables
from headwater.compat.mlflow.importing.tables import MlflowTables

__all__ = ["MlflowReport", "MlflowTables", "import_mlflow", "open_tables"]
