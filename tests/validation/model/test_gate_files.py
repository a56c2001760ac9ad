"""Gates in TOML: what is read is what is written, and faults are told by name."""

import tomllib

import pytest

from headwater.errors import InvalidError
from headwater.validation.model import (
    Across,
    Check,
    Evidence,
    Gate,
    InfraGate,
    Plan,
    Small,
    Task,
    gates_from,
    read_gates,
)
from headwater.validation.model.gates import gate_values

FULL = """
[model]
name = "quality"
min_rows = 200
on_small = "skip"
forbids_first = true

[model.plan]
target = "late"
task = "classification"
slices = ["carrier", "dep_hour >= 18"]
positive = 1
confidence = 0.9
draws = 500

[[model.checks]]
metric = "roc_auc"
lower = 0.65
absolute = 0

[[model.checks]]
metric = "recall"
slices = ["carrier"]
across = "gap"
upper = 0.2
by = "point"

[infra]
timeout_s = 30
memory_bytes = 1_000_000_000
"""
GATE = Gate(
    name="quality",
    min_rows=200,
    on_small=Small.SKIP,
    forbids_first=True,
    plan=Plan(
        target="late",
        task=Task.CLASSIFICATION,
        slices=("carrier", "dep_hour >= 18"),
        positive=1,
        confidence=0.9,
        draws=500,
    ),
    checks=(
        Check(metric="roc_auc", lower=0.65, absolute=0.0),
        Check(metric="recall", slices=("carrier",), across=Across.GAP, upper=0.2, by=Evidence.POINT),
    ),
)


def test_a_file_reads_as_the_gates_that_it_describes(tmp_path):
    file = tmp_path / "gate.toml"
    file.write_text(FULL)

    found = read_gates(file)

    assert found.model == GATE
    assert found.infra == InfraGate(timeout_s=30, memory_bytes=1_000_000_000)
    assert found.model.digest == GATE.digest


def test_the_values_of_a_gate_read_back_as_it():
    values = gate_values(GATE)
    plain = {key: value for key, value in values.items() if key not in {"plan", "checks"}}
    plan, *checks = (
        {key: value for key, value in each.items() if value is not None}
        for each in (values["plan"], *values["checks"])
    )
    counts = {key: int(plan[key]) for key in ("draws", "seed", "batch_rows")}

    given = {**plain, "min_rows": 200, "plan": plan | counts, "checks": checks}

    assert gates_from({"model": given}).model.digest == GATE.digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs a table"),
        ("[modle]", "no modle; it has model, infra"),
        ("model = 3", "model must be a table"),
        ("[model]", "needs a table"),
        ("[model.plan]\ntarget = 'y'", "needs tables"),
        ("[[model.checks]]\nmetric = 'f1'\nlower = 0.5", "needs a table"),
        ("[model.plan]\n[[model.checks]]\nmetric = 'f1'", "model.plan needs target"),
        ("[model.plan]\ntarget = 3\n[[model.checks]]", "model.plan.target must be of type str"),
        ("[model.plan]\ntarget = 'y'\ntask = 'x'\n[[model.checks]]", "must be one of classification"),
        ("[model.plan]\ntarget = 'y'\nslices = 'x'\n[[model.checks]]", "must be a list"),
        ("[model.plan]\ntarget = 'y'\ndraws = true\n[[model.checks]]", "must be of type int"),
        ("[model.plan]\ntarget = 'y'\n[[model.checks]]\nmetric = 'f1'\nlover = 1", "no lover"),
        ("[model.plan]\ntarget = 'y'\n[[model.checks]]\nmetric = 'f1'\nlower = 'x'", "checks 1.lower"),
        ("[model.plan]\ntarget = 'y'\n[[model.checks]]\nmetric = 'f1'", "has no limit"),
        ("[infra]\ntimeout_s = 0", "above 0"),
        ("[infra]\nseconds = 3", "no seconds"),
    ],
)
def test_a_fault_is_told_by_its_name(text, says):
    with pytest.raises(InvalidError, match=says):
        gates_from(tomllib.loads(text))


def test_a_file_that_is_not_toml_is_told(tmp_path):
    file = tmp_path / "gate.toml"
    file.write_text("=")

    with pytest.raises(InvalidError, match="is not TOML"):
        read_gates(file)
