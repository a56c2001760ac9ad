import subprocess
import sys

# Each costs more than all of headwater, or belongs to an extra that may be absent. The contracts in
# pyproject.toml cannot tell an import inside a function, which is fine, from one at the top of a module.
HEAVY = ("alembic", "fsspec", "matplotlib", "numpy", "pandas", "polars", "psycopg", "pyarrow", "pymysql")
HEAVY_TOO = ("duckdb", "ibis", "msgspec", "scipy", "sklearn", "skops", "sqlalchemy", "sqlglot", "yaml")


def test_importing_headwater_imports_nothing_heavy():
    script = "import sys, headwater; print(*sorted({name.partition('.')[0] for name in sys.modules}))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    loaded = done.stdout.split()

    assert "headwater" in loaded
    assert sorted({*HEAVY, *HEAVY_TOO} & set(loaded)) == []
