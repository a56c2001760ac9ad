import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs.examples import first_example, section

README = Path(__file__).parents[2] / "README.md"


def test_the_quick_start_prints_what_the_readme_shows(tmp_path):
    assert README.exists(), "there is no README.md"
    example = first_example(section(README.read_text(encoding="utf-8"), "Quick start"))
    script = tmp_path / "quick_start.py"
    script.write_text(example.code, encoding="utf-8")
    # A newcomer's machine: no store chosen, a project of its own, a plain terminal.
    (tmp_path / "pyproject.toml").touch()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}

    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**environ, "COLUMNS": "110"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert without_run_ids(done.stdout) == without_run_ids(example.output)


def without_run_ids(text):
    """A run has another id each time."""
    return re.sub(r"runs/[0-9a-f]{8}", "runs/ID", text)
