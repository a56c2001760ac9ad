"""Random histories, small enough that two of them have much in common."""

from hypothesis import strategies as st

from headwater.provenance.history import History, Material, Step

NAMES = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(1, 6)
VALUES = st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, float("nan"), "x", [1, float("nan")], {"k": 1}])
COLUMNS = st.lists(st.tuples(NAMES, st.sampled_from(["int64", "str"])), max_size=4).map(tuple)
DIGESTS = st.none() | st.sampled_from(["d1", "d2"])


def mappings(values):
    return st.dictionaries(NAMES, values, max_size=3)


PARAMS = mappings(VALUES.filter(lambda value: value is not None))
METRICS = mappings(st.floats() | st.sampled_from([0.5, 1.0]))
CAPTURED = st.fixed_dictionaries(
    {},
    optional={
        "git_commit": st.sampled_from(["a" * 40, "b" * 40]),
        "python_version": st.sampled_from(["CPython 3.11.7", "CPython 3.12.1"]),
        "machine": mappings(VALUES),
        "threads": mappings(VALUES),
        "seeds": mappings(VALUES),
        "arguments": st.lists(NAMES, max_size=2),
    },
)

MATERIALS = st.builds(
    Material,
    id=NUMBERS,
    ref=NUMBERS.map(lambda n: f"artifacts/{n}"),
    name=NAMES,
    kind=st.sampled_from(["data", "artifact"]),
    digest=DIGESTS,
    row_count=st.none() | NUMBERS,
    columns=st.none() | COLUMNS,
    hops=NUMBERS,
)
STEPS = st.builds(
    Step,
    id=NUMBERS,
    ref=NUMBERS.map(lambda n: f"executions/{n}"),
    name=NAMES,
    label=st.none() | NAMES,
    params=PARAMS,
    captured=CAPTURED,
    packages=st.none() | mappings(st.sampled_from(["1.0", "2.0"])),
    patch=st.none() | mappings(st.sampled_from(["p1", "p2"])),
    hops=NUMBERS,
)


def distinct(things):
    """Lists in which no id stands twice: a history names each node once."""
    return st.lists(things, max_size=5, unique_by=lambda thing: thing.id).map(tuple)


HISTORIES = st.builds(
    History,
    ref=st.sampled_from(["models/m/1", "models/m/2"]),
    subject=st.none() | MATERIALS,
    materials=distinct(MATERIALS),
    maker=st.none() | STEPS,
    steps=distinct(STEPS),
    params=PARAMS,
    metrics=METRICS,
    signature=st.none() | mappings(COLUMNS),
    format=PARAMS,
    is_truncated=st.booleans(),
)
