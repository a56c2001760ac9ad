"""Entities as flat rows, the same in tables and JSON."""

from typing import Any

from headwater.cli.output import duration, when
from headwater.model.approvals import ApprovalRequest
from headwater.model.data import DataVersion
from headwater.model.ledger import LedgerEntry
from headwater.model.models import ModelVersion, RegisteredModel
from headwater.model.refs import ModelRef
from headwater.model.runs import Run
from headwater.model.series import LatestMetric
from headwater.model.verdicts import Deployment, Verdict


def run_row(run: Run) -> dict[str, Any]:
    """Return a run with its params, tags and newest metric values."""
    return {
        "ref": f"runs/{run.run_id}",
        "run": run.run_id[:8],
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status.name.lower(),
        "start": when(run.start_ms),
        "end": when(run.end_ms),
        "seconds": duration(run.start_ms, run.end_ms),
        "user": run.user,
        "host": run.host,
        "error": run.error,
        "metrics": {key: metric.value for key, metric in run.metrics.items()},
        "params": dict(run.params),
        "tags": dict(run.tags),
        "captured": dict(run.properties),
    }


def metric_row(metric: LatestMetric) -> dict[str, Any]:
    """Return the newest point and the range of a series."""
    return {
        "metric": metric.key,
        "last": metric.value,
        "step": metric.step,
        "time": when(metric.time_ms),
        "min": metric.min,
        "max": metric.max,
        "points": metric.count,
    }


def model_row(model: RegisteredModel) -> dict[str, Any]:
    """Return a registered model."""
    return {
        "ref": f"models/{model.name}",
        "name": model.name,
        "versions": model.version_count,
        "production": model.stages.get("production"),
        "stages": dict(model.stages),
        "aliases": dict(model.aliases),
        "owner": model.owner,
        "description": model.description,
        "tags": dict(model.tags),
        "updated": when(model.updated_ms),
    }


def version_row(version: ModelVersion) -> dict[str, Any]:
    """Return a model version."""
    return {
        "ref": version.ref,
        "version": version.version,
        "stage": version.stage,
        "aliases": list(version.aliases),
        "metrics": dict(version.metrics),
        "params": dict(version.params),
        "tags": dict(version.tags),
        "format": version.properties.get("format"),
        "digest": version.digest,
        "size_bytes": version.size_bytes,
        "uri": version.uri,
        "description": version.description,
        "deprecated": version.deprecation.reason if version.deprecation else None,
        "created": when(version.created_ms),
        "deleted": when(version.deleted_ms),
    }


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict."""
    return {
        "ref": str(ModelRef(verdict.model, verdict.version)),
        "gate": verdict.gate,
        "outcome": str(verdict.outcome),
        "summary": verdict.summary,
        "facts": dict(verdict.facts),
        "baseline": verdict.baseline,
        "data": list(verdict.data),
        "exhibits": [each.name for each in verdict.exhibits],
        "actor": verdict.actor,
        "time": when(verdict.time_ms),
        "artifact": f"artifacts/{verdict.id}",
    }


def request_row(request: ApprovalRequest) -> dict[str, Any]:
    """Return an approval request."""
    return {
        "ref": request.ref,
        "to": request.stage,
        "state": request.state,
        "approvals": f"{len(request.counted)} of {request.needed}",
        "approved": [vote.actor for vote in request.votes if vote.approves],
        "rejected": list(request.rejected_by),
        "approvers": list(request.approvers),
        "barred": list(request.barred),
        "requester": request.requester,
        "reason": request.reason,
        "created": when(request.created_ms),
        "closed": when(request.closed_ms),
    }


def deployment_row(deployment: Deployment) -> dict[str, Any]:
    """Return what was seen at a target."""
    return {
        "target": deployment.target,
        "model": deployment.model,
        "version": deployment.version,
        "url": deployment.url,
        "note": deployment.note,
        "actor": deployment.actor,
        "time": when(deployment.time_ms),
        "execution": f"executions/{deployment.id}",
    }


def data_row(version: DataVersion) -> dict[str, Any]:
    """Return a data version."""
    return {
        "ref": version.ref,
        "version": version.version,
        "rows": version.properties.get("row_count"),
        "anomalies": version.properties.get("anomalies"),
        "digest": version.digest,
        "size_bytes": version.size_bytes,
        "uri": version.uri,
        "schema": version.properties.get("schema"),
        "tags": dict(version.tags),
        "created": when(version.created_ms),
    }


def ledger_row(entry: LedgerEntry) -> dict[str, Any]:
    """Return a decision."""
    return {
        "seq": entry.seq,
        "time": when(entry.time_ms),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "details": dict(entry.details),
        "reason": entry.reason,
        "hash": entry.hash,
    }
