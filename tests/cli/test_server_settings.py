"""Settings of `headwater server`: a flag wins over a variable, that over the file, that over the default."""

import json
from pathlib import Path
from typing import Any

import click
import pytest

from headwater.cli.main import main
from headwater.cli.server import server, with_places
from headwater.cli.session import Options
from headwater.errors import InvalidError

OPTIONS = [option for option in server.params if isinstance(option, click.Option) and option.name != "config"]


def values(option: click.Option, folder: Path) -> list[Any]:
    """Three values that an option takes, none of them its default."""
    match option.type:
        case click.Choice(choices=choices):
            return [choice for choice in choices if choice != option.default][:3]
        case click.Path():
            paths = [folder / name for name in "abc"]
            for path in paths:
                path.touch() if option.type.file_okay else path.mkdir(exist_ok=True)
            return [str(path) for path in paths]
        case click.types.BoolParamType():
            return [True, True, True]
        case kind if kind.name.startswith("integer"):
            return [101, 102, 103]
        case _:
            return ["one.example", "two.example", "three.example"]


def parsed(option: click.Option, words: list[str], config: Path | None) -> Any:
    """What a command line comes to."""
    given = [] if config is None else ["--config", str(config)]
    found = server.make_context("server", [*given, *words]).params[option.name]
    found = found[0] if option.multiple and found else found
    return str(found) if isinstance(found, Path) else found


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_flag_wins_over_variable_over_file_over_default(option, tmp_path, monkeypatch):
    (flag,) = option.opts
    on_line, in_variable, in_file = values(option, tmp_path)
    config = tmp_path / "server.toml"
    # What JSON says of such values is TOML, too.
    config.write_text(
        f"[server]\n{flag.removeprefix('--')} = {json.dumps([in_file] if option.multiple else in_file)}\n"
    )

    assert parsed(option, [], config) == in_file != parsed(option, [], None)
    if option.envvar is not None:
        monkeypatch.setenv(str(option.envvar), str(in_variable))
        assert parsed(option, [], config) == in_variable
    assert parsed(option, [flag] if option.is_flag else [flag, str(on_line)], config) == on_line


@pytest.mark.parametrize(
    ("before", "behind", "wanted"),
    [
        ([], [], "sqlite:///variable"),
        (["--store", "sqlite:///before"], [], "sqlite:///before"),
        ([], ["--store", "sqlite:///behind"], "sqlite:///behind"),
        (["--store", "sqlite:///before"], ["--store", "sqlite:///behind"], "sqlite:///behind"),
    ],
)
def test_a_store_behind_the_command_wins_over_one_before_it_over_the_variable(
    before, behind, wanted, monkeypatch
):
    monkeypatch.setenv("HEADWATER_STORE", "sqlite:///variable")
    monkeypatch.delenv("HEADWATER_BLOBS", raising=False)
    root = click.Context(main, obj=Options(before[-1] if before else None, "file:///bytes"))

    found = with_places(server.make_context("server", behind, parent=root))

    assert (found.store, found.blobs) == (wanted, "file:///bytes")


def test_only_what_is_dangerous_has_no_variable():
    assert {option.name for option in OPTIONS if option.envvar is None} == {"insecure"}


def test_a_key_that_is_no_flag_is_refused_with_those_that_are(tmp_path):
    config = tmp_path / "server.toml"
    config.write_text("[server]\nhosts = ['a']\n")

    with pytest.raises(InvalidError, match="has no hosts; it takes allow-host, allow-origin"):
        server.make_context("server", ["--config", str(config)])
