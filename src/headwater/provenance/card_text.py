"""A model card as Markdown: answers first, then what they rest on, then what nobody knows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from headwater.model.ledger import LedgerEntry
from headwater.model.upkeep import date_words
from headwater.model.values import Json
from headwater.model.verdicts import Outcome
from headwater.provenance.history import Columns, Step
from headwater.provenance.labels import printable
from headwater.provenance.wording import counted, listed, short

if TYPE_CHECKING:
    from headwater.provenance.card import Card

_MOST_COLUMNS: Final = 40
"""Columns of a signature that are named; of the others only their number."""
_SHOWN_PACKAGES: Final = (
    "scikit-learn",
    "torch",
    "tensorflow",
    "xgboost",
    "lightgbm",
    "numpy",
    "pandas",
    "polars",
)
_MOST_ORIGINS: Final = 20
_OUTCOMES: Final = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.INSUFFICIENT: "not enough evidence",
}


def card_markdown(card: "Card") -> str:
    """Return a card as Markdown, one section for each question."""
    sections = (
        ("What it is", _identity(card)),
        ("Where it comes from", _origin(card)),
        ("How good it is", _quality(card)),
        ("Who decided", _decisions(card)),
        ("Where it runs", _places(card)),
        ("What is not known", _gaps(card)),
    )
    title = [f"# {_plain(card.version.model)}, version {card.version.version}", _plain(card.sentence())]
    if card.description:
        # Quoted, whatever it holds: only what the record says stands in the card's own voice.
        title.append("\n".join(f"> {_plain(line)}" for line in card.description.splitlines()))
    texts = [f"## {name}\n\n" + "\n\n".join(parts) for name, parts in ((n, [*p]) for n, p in sections)]
    return "\n\n".join([*title, *texts]) + "\n"


def _identity(card: "Card") -> Iterator[str]:
    version = card.version
    facts = {
        "reference": version.ref,
        "owner": card.owner,
        "registered": date_words(version.created_ms),
        "aliases": ", ".join(version.aliases),
        "format": _format(card.history.format),
        "digest": version.digest,
        "size": f"{version.size_bytes:,} bytes" if version.size_bytes is not None else None,
        "kept at": version.uri,
    }
    yield _table(("", ""), [(name, value) for name, value in facts.items() if value])
    for side, verb in (("inputs", "It takes"), ("outputs", "It gives")):
        if columns := (card.history.signature or {}).get(side):
            yield f"{verb} {_columns(columns)}."
    if not card.history.signature:
        yield "What it takes and gives was not recorded."


def _origin(card: "Card") -> Iterator[str]:
    maker, run = card.history.maker, card.run
    if maker is None:
        yield "What made it was not recorded."
        return
    name = f" “{run.name}”" if run and run.name else ""
    where = f" of {maker.name}" if run else ""
    by = f" by {run.user}" if run and run.user else ""
    on = f" on {run.host}" if run and run.host else ""
    when = f", {date_words(run.start_ms)}" if run else ""
    took = f", in {(run.end_ms - run.start_ms) / 1000:,.1f} s" if run and run.end_ms is not None else ""
    yield _plain(f"Made by {short(maker.ref)}{name}{where}{by}{on}{when}{took}.")
    yield from _data(card)
    yield from _code(maker)
    if params := card.history.params or maker.params:
        yield _table(("param", "value"), [(name, short(value)) for name, value in sorted(params.items())])


def _data(card: "Card") -> Iterator[str]:
    if not card.inputs:
        yield "What it was trained on was not recorded."
        return
    rows = [
        (
            called,
            short(material.ref),
            "" if material.row_count is None else f"{material.row_count:,}",
            "" if material.columns is None else str(len(material.columns)),
            material.source,
        )
        for material, called in card.inputs
    ]
    yield _table(("read as", "data", "rows", "columns", "source"), rows)
    read = {material.id for material, _ in card.inputs}
    origins: dict[str, list[str]] = {}
    for each in card.origins:
        if each.id not in read:
            origins.setdefault(each.source or "", []).append(short(each.ref))
    if origins:
        named = [_from(source, refs) for source, refs in origins.items()]
        through = counted(len(card.history.steps), "more step")
        yield f"Through {through} it goes back to {listed(named, most=_MOST_ORIGINS, rest='sources')}."
    if card.history.is_truncated:
        yield "There is more upstream than was read."


def _from(source: str, refs: Sequence[str]) -> str:
    named = listed(refs, most=_MOST_ORIGINS, rest="others")
    return f"{named} from {_plain(source)}" if source else named


def _code(maker: Step) -> Iterator[str]:
    facts = maker.captured
    if maker.commit:
        changes = ", clean"
        if facts.get("git_is_dirty"):
            kept = "git_diff_digest" in facts
            changes = f", with changes that were not committed and are {'kept' if kept else 'not kept'}"
        place = f" of {remote}" if (remote := facts.get("git_remote")) else ""
        yield _plain(f"Code: commit {short(maker.commit)}{place}{changes}.")
    if entry := facts.get("entry_point"):
        words = " ".join([str(entry), *maker.arguments])
        yield f"Started as `{_plain(words).replace('`', '')}`."
    if python := facts.get("python_version"):
        packages = maker.packages or {}
        shown = [f"{name} {packages[name]}" for name in _SHOWN_PACKAGES if name in packages]
        known = f", {counted(len(packages), 'package')}" if packages else ", packages not known"
        yield f"Environment: {python}{known}{f' ({listed(shown, most=len(shown))})' if shown else ''}."


def _quality(card: "Card") -> Iterator[str]:
    metrics = card.history.metrics or (card.history.maker.metrics if card.history.maker else {})
    if metrics:
        yield _table(("metric", "value"), [(name, short(value)) for name, value in sorted(metrics.items())])
    else:
        yield "No metrics were recorded."
    if not card.verdicts:
        yield "No gate has judged it."
        return
    rows = [
        (
            verdict.gate,
            _OUTCOMES[verdict.outcome],
            verdict.summary,
            "" if verdict.baseline is None else f"version {verdict.baseline}",
            ", ".join(verdict.data),
            date_words(verdict.time_ms),
        )
        for verdict in card.verdicts
    ]
    yield _table(("gate", "outcome", "finding", "against", "judged on", "when"), rows)


def _decisions(card: "Card") -> Iterator[str]:
    if not card.decisions:
        yield "No decision on it is recorded."
        return
    rows = [
        (date_words(entry.time_ms), entry.actor, _decision(entry, card), entry.reason, str(entry.seq))
        for entry in card.decisions
    ]
    yield _table(("when", "who", "what", "why", "ledger"), rows)
    yield "`headwater ledger verify` shows that none of these entries was altered."


def _decision(entry: LedgerEntry, card: "Card") -> str:
    if entry.details.get("replaced") == card.version.version:
        return f"{entry.action} {entry.subject} in its place"
    to, alias = entry.details.get("to"), entry.details.get("alias")
    return f"{entry.action} to {to}" if to else f"{entry.action} {alias}" if alias else entry.action


def _places(card: "Card") -> Iterator[str]:
    rows = [(each.target, each.url, each.actor, date_words(each.time_ms)) for each in card.deployments]
    if rows:
        yield _table(("target", "address", "seen by", "when"), rows)
    elif not card.disagreements:
        yield "It was not seen anywhere."
    for each in card.disagreements:
        yield f"**{_plain(each)}.**"


def _gaps(card: "Card") -> Iterator[str]:
    yield card.missing.sentence()
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in card.missing.findings:
        alike.setdefault((each.check, each.why, each.call), []).append(short(each.ref))
    rows = [(what, listed(refs), why, f"`{call}`") for (what, why, call), refs in alike.items()]
    if rows:
        yield _table(("what", "of", "why", "would have recorded it"), rows)


def _format(found: Mapping[str, Json]) -> str:
    name, is_safe = found.get("format"), found.get("is_safe")
    if not isinstance(name, str):
        return ""
    return (
        name if is_safe is None else f"{name}, {'runs no code' if is_safe else 'runs code'} when it is loaded"
    )


def _columns(columns: Columns) -> str:
    shown = [f"{_plain(name)} ({kind})" if kind else _plain(name) for name, kind in columns]
    return listed(shown, most=_MOST_COLUMNS, rest="columns")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; columns that are empty throughout are left out."""
    cells = [[_cell(value) for value in row] for row in rows]
    kept = [place for place in range(len(head)) if any(row[place] for row in cells)]
    lines = [
        [head[place] for place in kept],
        ["---" for _ in kept],
        *([row[p] for p in kept] for row in cells),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return "" if value is None else _plain(str(value)).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return text on one line, as nothing but text: a name must not become a link or a tag."""
    return printable(text).replace("<", "&lt;").replace("](", "]\\(")
