import subprocess
import sys

import pytest

# Each costs more than all of headwater, or belongs to an extra that may be absent. The contracts in
# pyproject.toml cannot tell an import inside a function, which is fine, from one at the top of a module.
HEAVY = ("alembic", "fsspec", "matplotlib", "numpy", "pandas", "polars", "psycopg", "pyarrow", "pymysql")
HEAVY_TOO = ("duckdb", "ibis", "msgspec", "scipy", "sklearn", "skops", "sqlalchemy", "sqlglot", "yaml")
EXTRAS = ("fastapi", "google", "grpc", "pandas", "psycopg", "pyarrow", "pymysql", "sklearn", "yaml")

HELP = """\
from click.testing import CliRunner
from headwater.cli import main
assert CliRunner().invoke(main, ["--help"]).exit_code == 0
"""


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("from headwater import *", {*HEAVY, *HEAVY_TOO}),
        (HELP, {*HEAVY, *HEAVY_TOO, *EXTRAS}),
        (
            "import headwater as hw; hw.connect('memory://').close()",
            {*EXTRAS, "alembic", "fsspec", "sqlglot"},
        ),
        ("import headwater.compat.mlflow.importing", EXTRAS),
    ],
    ids=["import", "help", "open", "import-mlflow"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(program, unwanted):
    script = f"{program}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    loaded = done.stdout.split()
    assert "headwater" in loaded
    assert sorted({*unwanted} & {*loaded}) == []


def test_the_sdk_is_loaded_when_a_name_of_it_is_used():
    names = "'headwater.sdk', 'headwater.model'"
    script = f"import headwater, sys; print(*(name in sys.modules for name in ({names})))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]


def test_every_public_name_is_one_of_the_sdk():
    import headwater
    from headwater import sdk

    assert {*headwater.__all__} - {"__version__"} == {*sdk.__all__}
    assert all(getattr(headwater, name) is getattr(sdk, name) for name in sdk.__all__)
    assert {*sdk.__all__} <= {*dir(headwater)}
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = headwater.runn
