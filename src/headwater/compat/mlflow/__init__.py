"""MLflow's tracking server, answered by a store; knows of no transport."""

from headwater.compat.mlflow.endpoints import Endpoint
from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.service import MlflowService

__all__ = ["Endpoint", "MlflowError", "MlflowService"]
