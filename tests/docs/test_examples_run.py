"""Every python block of the guide runs, top to bottom, in an empty project."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.examples import python_blocks

DOCS = Path(__file__).parents[2] / "docs"

ROWS = 'rows = [{"carrier": "UA", "late": 1}, {"carrier": "AA", "late": 0}]'
ESTIMATOR = """
from sklearn.tree import DecisionTreeClassifier

X = [{"hour": 7}, {"hour": 22}]
estimator = DecisionTreeClassifier(random_state=0).fit([[7], [22]], [0, 1])
"""
CANCER = """
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

found = load_breast_cancer(as_frame=True)
features = list(found.data.columns)
table = found.data.assign(
    benign=found.target, size=np.where(found.data["mean radius"] > 13, "big", "small")
)
train, holdout = table.iloc[::2], table.iloc[1::2].reset_index(drop=True)
stump = DecisionTreeClassifier(max_depth=2, random_state=0).fit(train[features], train["benign"])
forest = RandomForestClassifier(20, random_state=0).fit(train[features], train["benign"])
"""
FLIGHTS = 'flights = [{"carrier": c, "delay": float(i)} for i in range(100) for c in ("UA", "AA", "DL")]'
PRELUDES = {
    "tracking.md": f"{ROWS}\n{ESTIMATOR}\nopen('report.html', 'w').close()",
    "search.md": "",
    "models.md": ESTIMATOR,
    "lineage.md": f"{ROWS}\n{ESTIMATOR}",
    "model-validation.md": CANCER,
    "data-validation.md": FLIGHTS,
    "pipelines.md": "",
}
"""What the reader has at hand on each page."""


@pytest.mark.parametrize("page", PRELUDES)
def test_the_examples_of_a_page_run(tmp_path, page):
    blocks = python_blocks((DOCS / page).read_text(encoding="utf-8"))
    assert blocks
    script = tmp_path / "examples.py"
    script.write_text("\n".join([PRELUDES[page], *blocks]), encoding="utf-8")
    (tmp_path / "pyproject.toml").touch()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}

    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
