import re
from collections.abc import Iterator
from pathlib import Path

import click

DOCS = Path(__file__).parents[2] / "docs"


def written() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md")))


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with the words that one types for it."""
    if isinstance(command, click.Group):
        # Asked by name, as some groups import a command only when it is called.
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from commands(child, (*path, name))
    elif not command.hidden:
        yield " ".join(path), command


def has(text: str, words: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(words)}(?![\w-])", text) is not None


def test_every_command_is_in_the_docs_and_has_help():
    from headwater.cli import main

    found = dict(commands(main, ("headwater",)))
    text = written()

    assert found
    assert [words for words, command in found.items() if not command.help] == []
    assert [words for words in found if not has(text, words)] == []


def test_every_public_name_is_in_the_docs():
    import headwater

    text = written()
    # `run` alone is a word of every page; `Dataset` is not.
    missing = [
        n for n in headwater.__all__ if not (has(text, f"hw.{n}") or (n[0].isupper() and has(text, n)))
    ]

    assert headwater.__all__
    assert missing == []


def test_every_setting_is_in_the_docs():
    source = Path(__file__).parents[2] / "src"
    settings = {
        setting
        for module in source.rglob("*.py")
        for setting in re.findall(r"\bHEADWATER_[A-Z_]+\b", module.read_text(encoding="utf-8"))
    }
    text = written()

    assert sorted(setting for setting in settings if not has(text, setting)) == []


def test_every_page_is_in_the_index():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if page != DOCS / "README.md"]

    assert [page for page in sorted(pages) if f"({page})" not in index] == []
