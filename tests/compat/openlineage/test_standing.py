"""How runs stand when events come late, twice, and in any order."""

from hypothesis import given
from hypothesis import strategies as st

from headwater.compat.openlineage import OpenLineage
from headwater.fingerprints import state_of_uri
from headwater.store import open_store
from tests.compat.openlineage.story import data, happened, run_id

KINDS = ("START", "RUNNING", "RUNNING", "OTHER", "COMPLETE")
EVENTS = [
    happened(kind, minute, inputs=data(f"in-{minute}"), outputs=data(f"out-{minute}"))
    for minute, kind in enumerate(KINDS)
]


def outcome(events):
    """Return how a run stands in the end, and the data sets on both sides."""
    with open_store("memory://") as store:
        door = OpenLineage(store, state_of_uri)
        for event in events:
            door.receive(event)
        [run] = store.executions.by_external_ids([f"openlineage:{run_id(1)}"])
        edges = store.links.events_of_executions([run.id])
        return run.state, run.properties, sorted((edge.type, edge.path, edge.time_ms) for edge in edges)


IN_ORDER = outcome(EVENTS)


@given(st.permutations(EVENTS), st.lists(st.sampled_from(EVENTS), max_size=4))
def test_the_order_in_which_events_come_makes_no_difference(events, again):
    state, properties, edges = outcome([*events, *again])

    assert (state, properties) == IN_ORDER[:2]
    assert [edge[:2] for edge in edges] == [edge[:2] for edge in IN_ORDER[2]]
    assert [edge for edge in edges if edge[0].is_input] == [e for e in IN_ORDER[2] if e[0].is_input]
