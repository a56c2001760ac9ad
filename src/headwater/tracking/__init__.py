"""Tracking: runs, what they log, and what they capture by themselves."""

from headwater.tracking.datasets import Dataset, log_dataset
from headwater.tracking.run import ActiveRun, current_run
from headwater.tracking.session import Session
from headwater.tracking.settings import TrackingSettings
from headwater.tracking.starting import find_run, start_run
from headwater.tracking.sync import SyncReport

__all__ = [
    "ActiveRun",
    "Dataset",
    "Session",
    "SyncReport",
    "TrackingSettings",
    "current_run",
    "find_run",
    "log_dataset",
    "start_run",
]
