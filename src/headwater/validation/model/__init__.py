"""Judging models: metrics with intervals by slice, gates against the version in production, verdicts."""

from headwater.model.verdicts import RUBBER_STAMP
from headwater.validation.model.estimates import Estimate, Interval
from headwater.validation.model.evaluation import Evaluation, Measure, Plan, evaluate
from headwater.validation.model.gate_files import GateFile, gates_from, read_gates
from headwater.validation.model.gates import Across, Check, Evidence, Gate, Small
from headwater.validation.model.infra import InfraGate, InfraJudged, judge_infra
from headwater.validation.model.judgements import Finding, Judgement
from headwater.validation.model.judging import hold
from headwater.validation.model.samples import Task
from headwater.validation.model.verdicts import Judged, Place, baseline_of, evaluate_version, judge

__all__ = [
    "RUBBER_STAMP",
    "Across",
    "Check",
    "Estimate",
    "Evaluation",
    "Evidence",
    "Finding",
    "Gate",
    "GateFile",
    "InfraGate",
    "InfraJudged",
    "Interval",
    "Judged",
    "Judgement",
    "Measure",
    "Place",
    "Plan",
    "Small",
    "Task",
    "baseline_of",
    "evaluate",
    "evaluate_version",
    "gates_from",
    "hold",
    "judge",
    "judge_infra",
    "read_gates",
]
