"""Random nodes, types and events, over few names and ids, so that they meet each other."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from headwater.compat.mlmd.wire import definitions

KINDS = ("artifact", "execution", "context")
TYPE_NAMES = ("T", "U")
PROPERTY_KINDS = {"i": 1, "d": 2, "s": 3, "m": 4, "p": 5, "b": 6}
STATE = {"artifact": "state", "execution": "last_known_state"}
STRUCTS = ({}, {"a": 1.0}, {"a": [None, True, {"b": "c"}]})
BASE_TYPES = {"artifact": 4, "execution": 5, "context": 0}
SHAPES = (
    {"simple": {"name": "T"}},
    {"list": {"element": {"tuple": {"elements": [{"any": {}}, {"none": {}}]}}}},
    {"union_type": {"candidates": [{"any": {}}, {"intersection": {"constraints": [{"none": {}}]}}]}},
    {"dict": {"properties": {"x": {"any": {}}}, "none_type_not_required": True}},
    {"dict": {"none_type_not_required": False, "extra_properties_type": {"any": {}}}},
)

ids = st.integers(1, 9)
names = st.sampled_from(("a", "b", "c", "d", ""))
keys = st.sampled_from(tuple(PROPERTY_KINDS))
flags = st.booleans()


def message(name: str, /, **fields: Any) -> Any:
    """A message of those fields that are not None."""
    return definitions().message(name)(**{k: v for k, v in fields.items() if v is not None})


def maybe(strategy: st.SearchStrategy[Any], *, often: int = 1) -> st.SearchStrategy[Any]:
    """None, or with a weight of `often` something."""
    return st.one_of(st.none(), *[strategy] * often)


def seldom(draw: Callable[..., Any]) -> bool:
    """True once in twenty times."""
    return draw(st.sampled_from((False,) * 19 + (True,)))


@st.composite
def values(draw: Callable[..., Any], key: str, *, has_struct: bool = True) -> Any:
    """A value, most often of the kind that the key of its name declares."""
    value = message("Value")
    kind = draw(st.sampled_from((key,) * 9 + tuple(PROPERTY_KINDS)))
    match kind if kind != "m" or has_struct else "s":
        case "i":
            value.int_value = draw(st.sampled_from((0, 1, -1, 2**63 - 1)))
        case "d":
            value.double_value = draw(st.sampled_from((0.0, 0.5, -1.25, 1000000.0)))
        case "s":
            value.string_value = draw(st.sampled_from(("", "x", "é", "x" * 200)))
        case "m":
            value.struct_value.SetInParent()
            value.struct_value.update(draw(st.sampled_from(STRUCTS)))
        case "p":
            value.proto_value.type_url = draw(st.sampled_from(("t/ml_metadata.Event", "t/x")))
            value.proto_value.value = draw(st.sampled_from((b"", b"\x08\x01")))
        case _:
            value.bool_value = draw(flags)
    return value


@st.composite
def nodes(draw: Callable[..., Any], kind: str, *, needs_type: bool = False) -> Any:
    """A node, new or with an id."""
    has_id = draw(st.sampled_from((False, False, True)))
    node = message(
        kind.capitalize(),
        id=draw(ids) if has_id else None,
        # Types are put three at a time: artifact, execution, context.
        type_id=_type_id(draw, kind) if needs_type or not has_id or draw(flags) else None,
        name=draw(maybe(names, often=5 if kind == "context" else 1)),
        external_id=draw(st.sampled_from((None,) * 6 + ("x", "y", ""))),
    )
    if kind == "artifact":
        uri = draw(st.sampled_from((None, "", "u", "v")))
        if uri is not None:
            node.uri = uri
    if kind in STATE and draw(flags):
        setattr(node, STATE[kind], draw(st.integers(0, 6)))
    for key in draw(st.lists(keys, max_size=2)):
        node.properties[key].CopyFrom(draw(values(key)))
    for key in draw(st.lists(st.sampled_from(("i", "s", "x.y")), max_size=2)):
        # Filters ask for strings of the two others, and there the original sees the text of a Struct.
        node.custom_properties[key].CopyFrom(draw(values(draw(keys), has_struct=key == "s")))
    if seldom(draw):
        # Given by the store; what a client says is ignored.
        node.type, node.create_time_since_epoch, node.last_update_time_since_epoch = "U", 1, 2
        node.system_metadata.type_url = "t/x"
    return node


def _type_id(draw: Callable[..., Any], kind: str) -> int:
    own = 10 + KINDS.index(kind)
    return draw(st.sampled_from((own,) * 12 + (13, 14, 15, 16, 9, 99)))


@st.composite
def types(draw: Callable[..., Any], kind: str) -> Any:
    """A type of one of few names."""
    title = kind.capitalize()
    declared = draw(st.dictionaries(keys, st.sampled_from((1, 2, 3)), max_size=2))
    if draw(st.sampled_from((True, True, False))):
        declared = {key: PROPERTY_KINDS[key] for key in declared}
    found = message(
        f"{title}Type",
        name=draw(st.sampled_from(TYPE_NAMES * 4 + ("", "mlmd.Dataset", None))),
        version=draw(st.sampled_from((None, None, "", "1"))),
        description=draw(st.sampled_from((None, None, "about"))),
        external_id=draw(st.sampled_from((None,) * 6 + (f"{kind}1", f"{kind}2"))),
        properties={**declared, **draw(st.sampled_from(({},) * 9 + ({"z": 0},)))},
    )
    if draw(st.integers(0, 2)) == 0:
        found.base_type = draw(st.sampled_from(range(BASE_TYPES[kind] + 1)))
    if draw(st.integers(0, 5)) == 0:
        found.id = draw(st.integers(9, 13))
    if kind == "execution" and draw(flags):
        for field in ("input_type", "output_type"):
            shape = message("ArtifactStructType", **draw(st.sampled_from(SHAPES)))
            getattr(found, field).CopyFrom(shape)
    return found


@st.composite
def events(draw: Callable[..., Any], *, artifact: Any = None, execution: Any = None) -> Any:
    """An event."""
    event = message(
        "Event",
        artifact_id=draw(maybe(ids, often=9) if artifact is None else artifact),
        execution_id=draw(maybe(ids, often=9) if execution is None else execution),
        type=draw(st.sampled_from((1, 2, 3, 4, 5, 6, 7) * 2 + (0, None))),
        milliseconds_since_epoch=draw(st.sampled_from((None, None, 5))),
    )
    for step in draw(st.lists(st.sampled_from((0, 7, "k", "")), max_size=2)):
        event.path.steps.add(**({"index": step} if isinstance(step, int) else {"key": step}))
    if seldom(draw):
        event.system_metadata.type_url = "t/x"
    return event
