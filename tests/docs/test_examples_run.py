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
PRELUDES = {
    "tracking.md": f"{ROWS}\n{ESTIMATOR}\nopen('report.html', 'w').close()",
    "search.md": "",
    "models.md": ESTIMATOR,
    "lineage.md": f"{ROWS}\n{ESTIMATOR}",
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
