"""The command line in this process, on a SQLite store in a project of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headwater.cli import main
from headwater.sdk import Client


@dataclass(frozen=True, slots=True)
class Cli:
    """Calls commands on one store."""

    url: str

    def __call__(self, *words: str, code: int = 0, columns: int = 160) -> Result:
        """Call a command and check how it exits."""
        environment = {"COLUMNS": str(columns)}
        done = CliRunner().invoke(main, ["--store", self.url, *words], env=environment)
        assert done.exit_code == code, done.output
        return done

    def json(self, *words: str) -> Any:
        """Return what a command prints with `--json`: one line."""
        text = self(*words, "--json").stdout
        assert text.count("\n") == 1
        return json.loads(text)

    def lines(self, *words: str, columns: int = 160) -> list[str]:
        """Return the lines that a command prints."""
        return self(*words, columns=columns).stdout.splitlines()


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Work in an empty project, where no variable chooses a store."""
    monkeypatch.delenv("HEADWATER_STORE", raising=False)
    monkeypatch.delenv("HEADWATER_BLOBS", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(tmp_path) -> Cli:
    """Calls commands on a store in which nothing is yet."""
    return Cli(f"sqlite:///{tmp_path / 'store.db'}")


@pytest.fixture
def fill(cli) -> Callable[..., Any]:
    """Do something with the store that the commands will show."""

    def work(action: Callable[[Client], Any]) -> Any:
        with Client(cli.url, actor="ann@desk") as client:
            return action(client)

    return work


@pytest.fixture
def trained(fill) -> Any:
    """Two runs on one data version, each with a model; the second one is in production. Returns their ids."""
    return fill(train_two)


def train_two(client: Client) -> list[str]:
    ids: list[str] = []
    for number, rate in enumerate((0.1, 0.01), start=1):
        params = {"lr": rate, "depth": 3}
        with client.run("flights/train", name=f"fold {number}", params=params, capture=False) as run:
            run.use(client.dataset("flights/2013-01", [{"late": 1}, {"late": 0}]))
            run.log_series("loss", range(3), [0.9, 0.5, number / 10])
            run.log_metric("auc", 0.7 + number / 100)
            run.log_model("late-flights", {"lr": rate}, metrics={"auc": 0.7 + number / 100})
        client.models["late-flights"].promote(number, reason=f"release {number}", loads=False)
        ids.append(run.run_id)
    client.models["late-flights"].set_alias("champion", 1, reason="first")
    return ids
