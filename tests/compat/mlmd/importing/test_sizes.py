"""Batches are cut by the size of their values."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.compat.mlmd.importing.sizes import by_size
from headwater.model.graph import Artifact
from headwater.model.values import PropertyValue, ProtoValue


def node(value: PropertyValue) -> Artifact:
    """An artifact with one value."""
    return Artifact(
        id=1, type_id=1, type_name="T", custom_properties={"k": value}, created_ms=0, updated_ms=0
    )


@given(st.lists(st.integers(0, 40)))
def test_pieces_are_the_nodes_in_order_and_as_large_as_may_be(sizes: list[int]):
    nodes = [node("x" * size) for size in sizes]

    pieces = [*by_size(nodes, most=30)]

    assert [each for piece in pieces for each in piece] == nodes
    totals = [sum(len(str(each.custom_properties["k"])) for each in piece) for piece in pieces]
    assert all(total <= 30 or len(piece) == 1 for total, piece in zip(totals, pieces, strict=True))
    firsts = [len(str(piece[0].custom_properties["k"])) for piece in pieces[1:]]
    assert all(total + first > 30 for total, first in zip(totals, firsts, strict=False))


def test_every_kind_of_value_has_its_size():
    large = ["x" * 31, b"x" * 31, ProtoValue("t/x", b"x" * 31), {"k": "x" * 31}, ["x" * 31]]

    assert [len(piece) for piece in by_size(map(node, [1, *large, 1.0, True]), most=30)] == [
        1,
        1,
        1,
        1,
        1,
        1,
        2,
    ]
