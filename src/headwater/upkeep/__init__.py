"""Looking after a store and its bytes: deletion, removal for good, and integrity."""

from headwater.upkeep.backups import Backup, Restored, back_up, backups, choose, prune, restore
from headwater.upkeep.collecting import Collected, Plan, collect, plan_collection
from headwater.upkeep.deleting import (
    delete_data,
    delete_experiment,
    delete_runs,
    restore_data,
    restore_experiment,
    restore_runs,
)
from headwater.upkeep.deleting_nodes import delete_nodes, restore_nodes
from headwater.upkeep.examining import Examination, examine, repair

__all__ = [
    "Backup",
    "Collected",
    "Examination",
    "Plan",
    "Restored",
    "back_up",
    "backups",
    "choose",
    "collect",
    "delete_data",
    "delete_experiment",
    "delete_nodes",
    "delete_runs",
    "examine",
    "plan_collection",
    "prune",
    "repair",
    "restore",
    "restore_data",
    "restore_experiment",
    "restore_nodes",
    "restore_runs",
]
