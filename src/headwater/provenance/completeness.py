"""Judging the record of a thing. Pure: what the store and the bytes say comes in as values."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from headwater.provenance.history import History, Material, Step
from headwater.provenance.missing import Check, Finding, Missing

_SEED: Final = re.compile(r"(?i)(^|[._-])(random_?state|(\w+_)?seeds?)$")
_EVALUATION: Final = re.compile(
    r"(?i)(^|[^a-z])(test|eval|evaluation|valid|validation|hold-?out|dev)($|[^a-z])"
)
_SHOWN_FILES: Final = 3
USE: Final = 'run.use(hw.dataset("NAME", DATA))'


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a record holds beside the history.

    Attributes:
        inputs: What the maker read, with the name that it gave to each.
        evaluations: References of runs that read the thing together with a data version.
        lost: Ids of materials whose bytes were stored and are gone.
    """

    inputs: Sequence[tuple[Material, str]] = ()
    evaluations: Sequence[str] = ()
    lost: frozenset[int] = frozenset()


def missing_of(history: History, facts: Facts) -> Missing:
    """Tell what the record of a thing lacks.

    For a model version these are looked for: data version, input bytes, code commit, hyperparameters,
    environment, metrics, seed and evaluation data; for a run the same without evaluation data; for data
    that a run made its data version, input bytes, code commit and environment; for data from outside
    their bytes and source.

    The share of a check that concerns every run (code commit, environment) is the share of the runs
    upstream for which it is known, the maker's among them; that of input bytes, of the inputs. All
    else concerns the maker alone. A half is given where a part is known: data were declared and other
    files were read too, a dirty tree without its patch, the random state without the seed, Python
    without the list of packages.
    """
    kind = history.subject.kind if history.subject else "run"
    runs = [step for step in (history.maker, *history.steps) if step is not None]
    checks: dict[str, Callable[[], Check]] = {
        "data": lambda: _data(history, facts),
        "bytes": lambda: _bytes(history, facts),
        "code": lambda: _shared("code commit", history, runs, _code),
        "params": lambda: _params(history),
        "environment": lambda: _shared("environment", history, runs, _environment),
        "metrics": lambda: _metrics(history),
        "seed": lambda: _seed(history),
        "evaluation": lambda: _evaluation(history, facts),
        "source": lambda: _source(history),
    }
    return Missing(ref=history.ref, checks=tuple(checks[name]() for name in _chosen(kind, history)))


def _chosen(kind: str, history: History) -> Sequence[str]:
    match kind:
        case "model":
            return ("data", "bytes", "code", "params", "environment", "metrics", "seed", "evaluation")
        case "run":
            return ("data", "bytes", "code", "params", "environment", "metrics", "seed")
        case _ if history.maker is not None:
            return ("data", "bytes", "code", "environment")
        case _:
            return ("bytes", "source")


def undeclared(step: Step) -> tuple[list[str], int]:
    """Return files that a run read and never declared, and how many more there are."""
    found = step.captured.get("undeclared_reads")
    if not isinstance(found, dict):
        return [], 0
    files, more = found.get("files"), found.get("more")
    named = [str(file) for file in cast("list[object]", files)] if isinstance(files, list) else []
    return named, more if isinstance(more, int) else 0


def _data(history: History, facts: Facts) -> Check:
    name = "data version"
    if history.maker is None:
        return _without_run(name, history)
    # A file that a step further up read unnoticed is missing from this history, too.
    runs = [history.maker, *history.steps]
    findings = [finding for step in runs for finding in _reads(name, step)]
    if not facts.inputs:
        nothing = Finding(
            check=name, ref=history.maker.ref, why="the run declares nothing that it read", call=USE
        )
        return Check(name=name, share=0.0, findings=(nothing, *findings))
    return Check(name=name, share=0.5 if findings else 1.0, findings=tuple(findings))


def _reads(check: str, step: Step) -> Iterator[Finding]:
    files, more = undeclared(step)
    if not files:
        return
    shown = ", ".join(files[:_SHOWN_FILES])
    rest = len(files) + more - _SHOWN_FILES
    yield Finding(
        check=check,
        ref=step.ref,
        why=f"the run read {shown}{f' and {rest} more files' if rest > 0 else ''}, which it did not declare",
        call=f'run.use(hw.dataset("NAME", "{files[0]}"))',
    )


def _bytes(history: History, facts: Facts) -> Check:
    name = "input bytes"
    own = [history.subject] if history.subject and history.subject.kind != "model" else []
    inputs: list[Material] = [*own, *(material for material, _ in facts.inputs)]
    if not inputs:
        return _nothing(name, history, "no input is recorded, so nothing tells its bytes", USE)
    findings = [finding for material in inputs for finding in _unproved(name, material, facts)]
    lacking = {finding.ref for finding in findings}
    share = sum(material.ref not in lacking for material in inputs) / len(inputs)
    return Check(name=name, share=share, findings=tuple(findings))


def _unproved(check: str, material: Material, facts: Facts) -> Iterator[Finding]:
    if material.digest is None:
        why = "neither its bytes nor a fingerprint of them were recorded"
        call = f'hw.dataset("{material.name}", DATA)'
    elif material.id in facts.lost:
        why, call = (
            "its bytes were stored and are gone",
            f'hw.dataset("{material.name}", DATA, store_bytes=True)',
        )
    else:
        return
    yield Finding(check=check, ref=material.ref, why=why, call=call)


def _shared(
    name: str,
    history: History,
    runs: Sequence[Step],
    judge: Callable[[Step], tuple[float, str, str]],
) -> Check:
    if history.maker is None:
        return _without_run(name, history)
    judged = [(step, *judge(step)) for step in runs]
    findings = tuple(
        Finding(check=name, ref=step.ref, why=why, call=call)
        for step, share, why, call in judged
        if share < 1
    )
    return Check(name=name, share=sum(share for _, share, _, _ in judged) / len(judged), findings=findings)


def _code(step: Step) -> tuple[float, str, str]:
    facts = step.captured
    if step.commit is None:
        return 0.0, _why_not(step, "code", "the commit was not captured"), "git init && git commit"
    if facts.get("git_is_dirty") and "git_diff_digest" not in facts:
        why = _why_not(step, "code", "there were uncommitted changes, and no patch of them was kept")
        return 0.5, why, "git commit"
    return 1.0, "", ""


def _environment(step: Step) -> tuple[float, str, str]:
    facts = step.captured
    if "packages_digest" in facts:
        return 1.0, "", ""
    why = _why_not(step, "packages", "the list of packages was not captured")
    return 0.5 if "python_version" in facts else 0.0, why, "hw.run(…, capture=True)"


def _why_not(step: Step, part: str, otherwise: str) -> str:
    """Return what the capture said when a part of it failed."""
    if not {"python_version", "entry_point", "capture_warnings"} & {*step.captured}:
        return "the run was started with capture=False, or by another program"
    warnings = step.captured.get("capture_warnings")
    found = [str(w) for w in warnings] if isinstance(warnings, list) else []
    said = [text.removeprefix(f"{part}: ") for text in found if text.startswith(f"{part}: ")]
    return "; ".join(said) or otherwise


def _params(history: History) -> Check:
    name = "hyperparameters"
    if history.params:
        return Check(name=name, share=1.0)
    if history.maker is None:
        return _without_run(name, history)
    call = 'hw.run("EXPERIMENT", params={"lr": 0.1}) or run.log_params({"lr": 0.1})'
    return _nothing(name, history, "the run has no params", call)


def _metrics(history: History) -> Check:
    name = "metrics"
    if history.metrics:
        return Check(name=name, share=1.0)
    call = 'run.log_metric("auc", 0.71) or run.log_model(…, metrics={"auc": 0.71})'
    return _nothing(name, history, "no metric was logged", call)


def _seed(history: History) -> Check:
    name = "seed"
    if any(_SEED.search(param) for param in history.params):
        return Check(name=name, share=1.0)
    if history.maker is None:
        return _without_run(name, history)
    seeds = history.maker.captured.get("seeds")
    known: set[str] = {*seeds} if isinstance(seeds, dict) else set()
    call = 'seed the generators, and hw.run("EXPERIMENT", params={"seed": 0})'
    if "torch" in known:
        return Check(name=name, share=1.0)
    if known & {"random", "numpy"}:
        why = "only digests of the random states were captured; a seed cannot be read back from them"
        found = Finding(check=name, ref=history.maker.ref, why=why, call=call)
        return Check(name=name, share=0.5, findings=(found,))
    return _nothing(name, history, "no param names a seed, and no random state was captured", call)


def _evaluation(history: History, facts: Facts) -> Check:
    name = "evaluation data"
    named = [label for material, label in facts.inputs if _is_evaluation(material, label)]
    if facts.evaluations or named:
        return Check(name=name, share=1.0)
    return _nothing(
        name,
        history,
        "no run read the version together with data, and no input of its run is named as a test set",
        f'run.use("{history.ref}"); run.use(hw.dataset("NAME", DATA), "evaluation")',
    )


def _is_evaluation(material: Material, label: str) -> bool:
    return any(_EVALUATION.search(text) for text in (label, material.name))


def _source(history: History) -> Check:
    name = "source"
    assert history.subject
    if history.subject.source:
        return Check(name=name, share=1.0)
    why = "no run made it, and nothing says where it came from"
    return _nothing(name, history, why, 'run.log_dataset(data), or hw.dataset("NAME", DATA, source="…")')


def _without_run(name: str, history: History) -> Check:
    is_model = history.subject is not None and history.subject.kind == "model"
    why = "the version was registered without a run" if is_model else "no run is recorded"
    call = 'with hw.run("EXPERIMENT") as run: run.log_model("NAME", MODEL)'
    return _nothing(name, history, why, call)


def _nothing(name: str, history: History, why: str, call: str) -> Check:
    ref = history.maker.ref if history.maker else history.ref
    return Check(name=name, share=0.0, findings=(Finding(check=name, ref=ref, why=why, call=call),))
