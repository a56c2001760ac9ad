"""Every benchmark runs, at a tiny size: what is measured is for `make bench`, not for here."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.frame.catalogue import NAMES
from benchmarks.frame.report import BEGIN, END
from tests.conftest import SERVERS

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_runs(name, tmp_path, pytestconfig):
    answers = tmp_path / "results.jsonl"

    status = main([name, "--quick", "--json", str(answers)], servers=pytestconfig.stash[SERVERS])

    records = [json.loads(line) for line in answers.read_text().splitlines()]
    assert status == 0
    assert {record["benchmark"] for record in records} == {name}


def test_the_catalogue_has_every_file():
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "__main__"}

    assert files == set(NAMES)


def test_the_table_goes_between_the_marks(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    main(["imports", "--quick", "--write", str(page)])

    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| `import headwater`, the whole process | bare Python |" in text
    assert "\nold\n" not in text


def test_an_unknown_name_is_refused(capsys):
    status = main(["nonsense"])

    assert status == 2
    assert "no benchmark 'nonsense'" in capsys.readouterr().err
