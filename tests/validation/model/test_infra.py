"""Models that load, hang, crash and eat memory, in processes that are really started and really killed."""

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from headwater.errors import InvalidError, NotFoundError
from headwater.formats import example_of, signature_of
from headwater.formats.answering import table_of
from headwater.model.models import NewVersion
from headwater.model.verdicts import Outcome
from headwater.sdk import Client
from headwater.validation.model import InfraGate

MODULE = "a_model_of_many_moods"
SOURCE = """
import os, subprocess, sys, time
from pathlib import Path

class Moody:
    def __init__(self, mood):
        self.mood = mood

    def __setstate__(self, state):
        self.__dict__ = state
        if self.mood == "hangs":
            self.hangs()

    def predict(self, rows):
        return getattr(self, self.mood)(len(rows))

    def fine(self, n):
        return [0.5] * n

    def hangs(self):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        Path(os.environ["CHILD_FILE"]).write_text(str(child.pid))
        time.sleep(300)

    def crashes(self, n):
        os.abort()

    def exits(self, n):
        os._exit(3)

    def raises(self, n):
        raise KeyError("weights")

    def eats(self, n):
        eaten = []
        while True:
            eaten.append(b"x" * 20_000_000)

    def takes_a_gulp(self, n):
        return [len(b"x" * 400_000_000)] * n

    def says_nan(self, n):
        return [float("nan")] * n

    def says_none(self, n):
        return [None] * n

    def says_too_little(self, n):
        return [0.5] * (n - 1)

    def says_one(self, n):
        return 0.5

    def says_two_columns(self, n):
        return [[0.5, 0.5]] * n
"""
ROWS = np.array([[7.0, 1.0], [22.0, 2.0], [23.0, 3.0]])


@pytest.fixture
def client(tmp_path):
    with Client("memory://", blobs=str(tmp_path / "blobs"), actor="ann") as opened:
        yield opened


@pytest.fixture
def moody(tmp_path, monkeypatch):
    """The class of a model that does what its mood says, in a module that a fresh process finds, too."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("CHILD_FILE", str(tmp_path / "child"))
    import importlib
    import sys

    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    monkeypatch.setitem(sys.modules, MODULE, importlib.import_module(MODULE))
    return sys.modules[MODULE].Moody


def log(client: Client, model: Any, example: Any = ROWS, **options: Any) -> str:
    """Register a model with its example; return its reference."""
    with client.run("train", capture=False) as run:
        version = run.log_model("m", model, input_example=example, format="pickle", **options)
    return version.ref


def test_a_model_that_answers_passes(client, moody):
    judged = client.judge_infra(log(client, moody("fine")))

    assert judged.is_pass
    assert client.store.releases.verdicts("m", 1) == [judged.verdict]
    assert judged.verdict.config_digest == InfraGate().digest
    facts = judged.verdict.facts
    assert facts["answer"] == {"method": "predict", "shape": [3]}
    assert (facts["differences"], facts["other_difference_count"]) == ([], 0)
    assert facts["load_s"] > 0
    assert facts["peak_bytes"] > 1_000_000


@pytest.mark.parametrize(
    ("mood", "says"),
    [
        ("crashes", "its process ended with exit code -6 (SIGABRT)"),
        ("exits", "its process ended with exit code 3"),
        ("raises", "KeyError: 'weights'"),
        ("says_nan", "predict gave NaN or infinity for 3 values"),
        ("says_none", "predict gave missing values"),
        ("says_too_little", "predict gave shape (2,) for 3 rows"),
        ("says_one", "predict gave shape () for 3 rows"),
        ("has_no_such_mood", "AttributeError"),
    ],
)
def test_a_model_that_misbehaves_fails_with_a_plain_reason(client, moody, mood, says):
    judged = client.judge_infra(log(client, moody(mood)))

    assert judged.verdict.outcome is Outcome.FAIL
    assert judged.verdict.summary.startswith("models/m/1 does not load and answer: ")
    assert says in judged.verdict.summary
    assert client.store.releases.verdicts("m", 1) == [judged.verdict]


def test_a_model_that_hangs_is_killed_with_what_it_started(client, moody, tmp_path):
    judged = client.judge_infra(log(client, moody("hangs")), gate=InfraGate(timeout_s=8))

    assert judged.verdict.summary == "models/m/1 does not load and answer: not done after 8 s"
    child = int((tmp_path / "child").read_text())
    assert is_gone(child)


@pytest.mark.parametrize("mood", ["eats", "takes_a_gulp"])
def test_a_model_that_takes_too_much_memory_fails(client, moody, mood):
    gate = InfraGate(memory_bytes=300 << 20)

    judged = client.judge_infra(log(client, moody(mood)), gate=gate)

    assert judged.verdict.outcome is Outcome.FAIL
    assert "MiB of memory, 300 are allowed" in judged.verdict.summary


def test_an_answer_that_is_not_what_the_signature_says_fails(client, moody):
    signature = (ROWS, np.zeros((3, 1)))
    fine = log(client, moody("fine"), signature=signature)
    odd = log(client, moody("says_two_columns"), signature=signature)

    assert client.judge_infra(fine).is_pass
    assert "the answer has 2 columns, the signature 1" in client.judge_infra(odd).verdict.summary


def test_a_model_without_an_example_is_not_proven(client, moody):
    judged = client.judge_infra(log(client, moody("fine"), None))

    assert judged.verdict.outcome is Outcome.INSUFFICIENT
    assert "log it with input_example" in judged.verdict.summary


@pytest.mark.parametrize("kind", ["frame", "matrix"])
def test_scikit_learns_models_get_the_table_that_they_were_trained_on(client, kind):
    table = pd.DataFrame({"hour": [7.0, 22.0, 23.0, 8.0], "day": [1, 2, 3, 4]})
    given = table if kind == "frame" else table.to_numpy()
    model = LogisticRegression().fit(given, [0, 1, 1, 0])

    judged = client.judge_infra(log(client, model, given))

    assert judged.verdict.summary.startswith("models/m/1 loads and answers in ")
    assert judged.trial.answer == {"method": "predict", "shape": [4]}


def test_a_frame_comes_back_with_its_types_and_gaps():
    table = pd.DataFrame(
        {
            "hour": np.array([7, 22], "int32"),
            "carrier": ["UA", None],
            "temp": [np.nan, 3.5],
            "late": [True, False],
            "day": pd.to_datetime(["2013-01-01", "2013-01-02"]),
        }
    )

    found = table_of(example_of(table), signature_of(table)["inputs"])

    pd.testing.assert_frame_equal(found[["hour", "temp", "late"]], table[["hour", "temp", "late"]])
    assert found["carrier"].isna().tolist() == [False, True]
    assert found["day"].tolist() == table["day"].tolist()


@pytest.mark.parametrize("any_environment", [True, False])
def test_packages_that_changed_since_are_named(client, moody, any_environment):
    version = client.models["m"][1] if log(client, moody("fine")) else None
    facts = {**version.properties["facts"], "versions": {"python": "2.7.18", "numpy": np.__version__}}
    other = NewVersion(model="m", digest=version.digest, properties={**version.properties, "facts": facts})
    client.store.models.add_version(other, actor="ann")

    judged = client.judge_infra("models/m/2", gate=InfraGate(any_environment=any_environment))

    assert judged.verdict.outcome is (Outcome.PASS if any_environment else Outcome.INSUFFICIENT)
    assert "python 2.7.18 is now 3." in judged.verdict.summary
    assert [each.package for each in judged.differences] == ["python"]


def test_bytes_that_are_gone_or_were_never_there_fail(client, moody):
    version = client.models["m"][1] if log(client, moody("fine")) else None
    far = NewVersion(model="m", uri="s3://there")
    lost = NewVersion(model="m", digest="blake3:" + "0" * 64, properties=version.properties)
    for new in (far, lost):
        client.store.models.add_version(new, actor="ann")

    assert "without its bytes" in client.judge_infra("models/m/2").verdict.summary
    assert client.judge_infra("models/m/3").verdict.outcome is Outcome.FAIL


def test_what_is_not_there_is_not_found(client):
    with pytest.raises(NotFoundError):
        client.judge_infra("models/m/1")


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(InvalidError, match="above 0"):
        InfraGate(timeout_s=0)


def is_gone(pid: int) -> bool:
    """Tell whether a process ends within a few seconds; one that is dead and not waited for counts."""
    from pathlib import Path

    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
