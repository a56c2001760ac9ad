"""Pipelines: steps that are run, reused and resumed from what the store records."""

from headwater.pipelines.definitions import Options
from headwater.pipelines.graph import Graph
from headwater.pipelines.pipeline import Definition
from headwater.pipelines.steps import Step, approval, step, when

__all__ = ["Definition", "Graph", "Options", "Step", "approval", "step", "when"]
