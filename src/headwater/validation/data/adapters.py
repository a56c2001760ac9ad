"""Checks of other libraries as a gate: pandera's schemas and Great Expectations' suites."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final, cast

from headwater.errors import InvalidError
from headwater.validation.data.anomalies import AnomalyKind
from headwater.validation.data.evidence import SAMPLES
from headwater.validation.data.findings import Findings
from headwater.validation.data.tables import StoredData, opened

_LIBRARIES: Final = ("pandera", "great_expectations")


def library_of_checks(checks: object) -> str | None:
    """Return the library that checks come from, or None when it is none that is known here."""
    classes = checks.__mro__ if isinstance(checks, type) else type(checks).__mro__
    packages = (cls.__module__.partition(".")[0] for cls in classes)
    return next((package for package in packages if package in _LIBRARIES), None)


def check_with(checks: object, data: object, found: Findings) -> str:
    """Hold data against checks of another library; the data are loaded whole, as these libraries need them.

    Args:
        checks: A `DataFrameSchema` or `DataFrameModel` of pandera for pandas, or an `ExpectationSuite`.
        data: As for `statistics`.
        found: Where anomalies are noted.

    Returns:
        The checks as text, for the record.

    Raises:
        InvalidError: the checks cannot be used.
    """
    check: Callable[[Any, Any, Findings], str]
    check = _check_pandera if library_of_checks(checks) == "pandera" else _check_expectations
    return check(checks, _frame(data), found)


def _frame(data: object) -> Any:
    if type(data).__module__.partition(".")[0] == "pandas":
        return data
    if isinstance(data, StoredData) and data.kind == "frame":
        return data.load("pandas")
    with opened(data) as table:
        return table.frame()


def _check_pandera(checks: Any, frame: Any, found: Findings) -> str:
    schema = checks.to_schema() if hasattr(checks, "to_schema") else checks
    if not hasattr(schema, "validate") or not hasattr(schema, "columns"):
        raise InvalidError(f"a {type(checks).__name__} of pandera is no schema of a data frame")
    from pandera.errors import SchemaErrors

    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases: list[Mapping[str, Any]] = cast("Any", errors).failure_cases.to_dict("records")
        for (column, check), group in _grouped(cases).items():
            _note(found, column, check, len(group), [case["failure_case"] for case in group])
    # What a column checks is not in the text of the schema.
    lines = (f"{n}: nullable={c.nullable}, unique={c.unique}, {c.checks}" for n, c in schema.columns.items())
    return "\n".join([repr(schema), *lines])


def _grouped(cases: Iterable[Mapping[str, Any]]) -> dict[tuple[str | None, str], list[Mapping[str, Any]]]:
    grouped: dict[tuple[str | None, str], list[Mapping[str, Any]]] = {}
    for case in cases:
        is_column = case["schema_context"] == "Column"
        column = str(case["column"]) if is_column else None
        grouped.setdefault((column, str(case["check"])), []).append(case)
    return grouped


def _check_expectations(suite: Any, frame: Any, found: Findings) -> str:
    if not hasattr(suite, "expectations"):
        raise InvalidError(f"a {type(suite).__name__} of Great Expectations is no expectation suite")
    # Its types are too loose to be of use.
    context = import_module("great_expectations").get_context(mode="ephemeral")
    settings = import_module("great_expectations.data_context.types.base")
    context.variables.progress_bars = settings.ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("headwater").add_dataframe_asset("data")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    results: list[Any] = batch.validate(suite, result_format="SUMMARY").results
    for result in results:
        config: Any = result.expectation_config
        column = config.kwargs.get("column")
        trouble: Mapping[str, Any] = result.exception_info or {}
        if trouble.get("raised_exception"):
            found.unjudged.append(f"{column or 'the table'}: {config.type} raised an error")
        elif not result.success:
            count = result.result.get("unexpected_count")
            samples: list[Any] = result.result.get("partial_unexpected_list") or []
            is_minor = str(config.severity).rpartition(".")[2].lower() in {"warning", "info"}
            _note(found, column, config.type, count, samples, is_minor=is_minor)
    return str(suite)


def _note(
    found: Findings,
    column: str | None,
    check: str,
    count: int | None,
    samples: Iterable[object],
    *,
    is_minor: bool = False,
) -> None:
    shown = tuple(dict.fromkeys(str(sample) for sample in samples if sample is not None))[:SAMPLES]
    times = "" if not count else " for 1 value" if count == 1 else f" for {count:,} values"
    found.add(
        AnomalyKind.CHECK_FAILED,
        column,
        f"{check} does not hold{times}",
        "The check is one of another library's, and is changed there.",
        count=count,
        samples=shown,
        is_minor=is_minor,
    )
