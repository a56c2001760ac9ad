"""Every benchmark runs, at a tiny size: what is measured is for `make bench`, not for here."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.frame.catalogue import NAMES
from benchmarks.frame.report import marks, write_table
from benchmarks.frame.results import Fact
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
    page.write_text("\n".join(["before", marks()[0], "old", marks()[1], "after\n"]))

    main(["imports", "--quick", "--write", str(page)])

    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| `import headwater`, the whole process | bare Python |" in text
    assert "\nold\n" not in text


def test_a_benchmark_may_have_a_table_of_its_own(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("\n".join([*marks(), "between", marks("server")[0], "old", marks("server")[1], "after"]))

    write_table(page, [Fact(benchmark="server", work="work", seen="1 ms")], {"cores": "2"})

    shared, own = page.read_text().split("between")
    assert shared == "\n".join([*marks(), ""])
    assert "| work |  | 1 ms |" in own
    assert "Machine: cores 2." in own
    assert "old" not in own


def test_an_unknown_name_is_refused(capsys):
    status = main(["nonsense"])

    assert status == 2
    assert "no benchmark 'nonsense'" in capsys.readouterr().err
