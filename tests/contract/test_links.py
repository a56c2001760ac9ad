"""Edges: events, memberships, parents."""

import pytest

from headwater.errors import ConflictError, InvalidError, NotFoundError
from headwater.model.graph import Association, Attribution, EventType, ParentContext
from tests.contract.builders import START_MS, add_artifacts, add_contexts, add_executions, event

NOBODY = 10**9
KNOWN = [kind for kind in EventType if kind is not EventType.UNKNOWN]


def test_event_is_stored_with_path_and_time(store):
    [a], [e] = add_artifacts(store), add_executions(store)
    stored = event(a, e, path=("key", 0, "", 2**40, "ü\x00\ud83d\ude00"), time_ms=-5)

    store.links.add_events([stored])

    assert store.links.events_of_artifacts([a]) == [stored]


def test_event_without_time_happens_now(store, clock):
    [a], [e] = add_artifacts(store), add_executions(store)
    clock.tick(7)

    store.links.add_events([event(a, e)])

    assert store.links.events_of_executions([e]) == [event(a, e, time_ms=START_MS + 7)]


def test_all_kinds_of_events_may_tie_one_pair(store):
    [a], [e] = add_artifacts(store), add_executions(store)

    store.links.add_events([event(a, e, kind, time_ms=1) for kind in reversed(KNOWN)])

    assert store.links.events_of_artifacts([a]) == [event(a, e, kind, time_ms=1) for kind in KNOWN]


def test_events_can_be_had_of_one_direction_alone(store):
    [a], [e] = add_artifacts(store), add_executions(store)
    store.links.add_events([event(a, e, kind, time_ms=1) for kind in KNOWN])
    outputs = [event(a, e, kind, time_ms=1) for kind in KNOWN if kind.is_output]
    inputs = [event(a, e, kind, time_ms=1) for kind in KNOWN if kind.is_input]

    assert store.links.events_of_artifacts([a], are_outputs=True) == outputs
    assert store.links.events_of_artifacts([a], are_outputs=False) == inputs
    assert store.links.events_of_executions([e], are_outputs=True) == outputs
    assert store.links.events_of_executions([e], are_outputs=False) == inputs


def test_events_are_ordered_by_artifact_type_and_execution(store):
    a, b = add_artifacts(store, 2)
    d, e = add_executions(store, 2)
    stored = [
        event(x, y, k, time_ms=1) for y in (e, d) for k in (EventType.OUTPUT, EventType.INPUT) for x in (b, a)
    ]
    store.links.add_events(stored)

    found = store.links.events_of_artifacts([b, a])

    assert found == sorted(stored, key=lambda v: (v.artifact_id, v.type, v.execution_id))


def test_events_are_ordered_by_execution_type_and_artifact(store):
    a, b = add_artifacts(store, 2)
    d, e = add_executions(store, 2)
    stored = [
        event(x, y, k, time_ms=1) for x in (b, a) for k in (EventType.OUTPUT, EventType.INPUT) for y in (e, d)
    ]
    store.links.add_events(stored)

    found = store.links.events_of_executions([e, d])

    assert found == sorted(stored, key=lambda v: (v.execution_id, v.type, v.artifact_id))


@pytest.mark.parametrize("number", [1, 70], ids=["few", "bulk"])
def test_event_that_is_there_is_refused_and_none_is_stored(store, number):
    artifacts, [e] = add_artifacts(store, number + 1), add_executions(store)
    store.links.add_events([event(artifacts[0], e, time_ms=1)])

    with pytest.raises(ConflictError):
        store.links.add_events([event(a, e) for a in reversed(artifacts)])

    assert store.links.events_of_executions([e]) == [event(artifacts[0], e, time_ms=1)]


@pytest.mark.parametrize("end", ["artifact", "execution"])
def test_event_to_nobody_is_refused_and_none_is_stored(store, end):
    [a], [e] = add_artifacts(store), add_executions(store)
    bad = event(NOBODY, e) if end == "artifact" else event(a, NOBODY)

    with pytest.raises(NotFoundError, match=f"no {end} {NOBODY}"):
        store.links.add_events([event(a, e), bad])

    assert store.links.events_of_artifacts([a]) == []


def test_event_without_kind_is_refused(store):
    [a], [e] = add_artifacts(store), add_executions(store)

    with pytest.raises(InvalidError, match="needs a type"):
        store.links.add_events([event(a, e, EventType.UNKNOWN)])

    assert store.links.events_of_artifacts([a]) == []


def test_time_that_does_not_fit_in_64_bits_is_refused(store):
    [a], [e] = add_artifacts(store), add_executions(store)

    with pytest.raises(InvalidError):
        store.links.add_events([event(a, e, time_ms=2**63)])


def test_empty_calls_do_nothing(store):
    store.links.add_events([])
    store.links.add_memberships()
    store.links.add_parents([])

    assert store.links.events_of_artifacts([]) == store.links.events_of_executions([]) == []
    assert store.links.parents([]) == store.links.artifacts_of_contexts([]) == []


def test_memberships_are_found_from_both_ends(store):
    x, y = add_contexts(store, "x", "y")
    [a], [e] = add_artifacts(store), add_executions(store)

    store.links.add_memberships([Attribution(y, a), Attribution(x, a)], [Association(x, e)])

    assert store.links.contexts_of_artifacts([a]) == [Attribution(x, a), Attribution(y, a)]
    assert store.links.artifacts_of_contexts([y]) == [Attribution(y, a)]
    assert store.links.contexts_of_executions([e]) == [Association(x, e)]
    assert store.links.executions_of_contexts([x, y]) == [Association(x, e)]


def test_memberships_are_ordered_by_what_was_asked_for(store):
    x, y = add_contexts(store, "x", "y")
    artifacts, executions = add_artifacts(store, 2), add_executions(store, 2)
    pairs = [Attribution(c, a) for a in reversed(artifacts) for c in (y, x)]
    others = [Association(c, e) for e in reversed(executions) for c in (y, x)]
    store.links.add_memberships(pairs, others)

    def by(*names):
        return lambda pair: tuple(getattr(pair, name) for name in names)

    links = store.links
    assert links.contexts_of_artifacts(artifacts) == sorted(pairs, key=by("artifact_id", "context_id"))
    assert links.artifacts_of_contexts([y, x]) == sorted(pairs, key=by("context_id", "artifact_id"))
    assert links.contexts_of_executions(executions) == sorted(others, key=by("execution_id", "context_id"))
    assert links.executions_of_contexts([y, x]) == sorted(others, key=by("context_id", "execution_id"))


@pytest.mark.parametrize("number", [2, 70], ids=["few", "bulk"])
def test_membership_that_is_there_stays(store, number):
    [x], [a], [e] = add_contexts(store, "x"), add_artifacts(store), add_executions(store)
    store.links.add_memberships([Attribution(x, a)], [Association(x, e)])

    store.links.add_memberships([Attribution(x, a)] * number, [Association(x, e)] * number)

    assert store.links.contexts_of_artifacts([a]) == [Attribution(x, a)]
    assert store.links.contexts_of_executions([e]) == [Association(x, e)]


@pytest.mark.parametrize("missing", ["context", "artifact", "execution"])
def test_membership_of_nobody_is_refused_and_none_is_stored(store, missing):
    [x], [a], [e] = add_contexts(store, "x"), add_artifacts(store), add_executions(store)
    bad = {
        "context": ([Attribution(NOBODY, a)], []),
        "artifact": ([Attribution(x, NOBODY)], []),
        "execution": ([], [Association(x, NOBODY)]),
    }[missing]

    with pytest.raises(NotFoundError, match=f"no {missing} {NOBODY}"):
        store.links.add_memberships([Attribution(x, a), *bad[0]], [Association(x, e), *bad[1]])

    assert store.links.artifacts_of_contexts([x]) == store.links.executions_of_contexts([x]) == []


def test_parents_and_children_are_in_order(store):
    a, b, c, d = add_contexts(store, *"abcd")
    links = [ParentContext(d, c), ParentContext(d, a), ParentContext(c, a), ParentContext(b, a)]

    store.links.add_parents(links)

    assert store.links.parents([d, c]) == [ParentContext(c, a), ParentContext(d, a), ParentContext(d, c)]
    assert store.links.children([c, a]) == [
        ParentContext(b, a),
        ParentContext(c, a),
        ParentContext(d, a),
        ParentContext(d, c),
    ]


def test_parent_that_is_there_is_refused_and_none_is_stored(store):
    a, b, c = add_contexts(store, *"abc")
    store.links.add_parents([ParentContext(a, b)])

    with pytest.raises(ConflictError):
        store.links.add_parents([ParentContext(a, c), ParentContext(a, b)])

    assert store.links.parents([a]) == [ParentContext(a, b)]


def test_parent_twice_in_one_call_is_refused(store):
    a, b = add_contexts(store, *"ab")

    with pytest.raises(ConflictError):
        store.links.add_parents([ParentContext(a, b)] * 2)

    assert store.links.parents([a]) == []


@pytest.mark.parametrize("length", [1, 2, 3, 6], ids=lambda n: f"{n}-contexts")
@pytest.mark.parametrize("at_once", [True, False], ids=["one-call", "two-calls"])
def test_cycle_is_refused_and_none_is_stored(store, length, at_once):
    ring = add_contexts(store, *(str(i) for i in range(length)))
    links = [ParentContext(a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    if not at_once:
        store.links.add_parents(links[:-1])
        links = links[-1:]

    with pytest.raises(InvalidError, match="cycle"):
        store.links.add_parents(links)

    assert len(store.links.parents(ring)) == (0 if at_once else length - 1)


def test_diamond_is_no_cycle(store):
    a, b, c, d = add_contexts(store, *"abcd")
    diamond = [ParentContext(a, b), ParentContext(a, c), ParentContext(b, d), ParentContext(c, d)]

    store.links.add_parents(diamond)

    assert store.links.parents([a, b, c]) == diamond


def test_unknown_context_is_no_parent(store):
    [a] = add_contexts(store, "a")

    with pytest.raises(NotFoundError, match=f"no context {NOBODY}"):
        store.links.add_parents([ParentContext(a, NOBODY)])


def test_edges_of_deleted_nodes_stay_readable(store):
    [x], [a], [e] = add_contexts(store, "x"), add_artifacts(store), add_executions(store)
    store.links.add_events([event(a, e, time_ms=1)])
    store.links.add_memberships([Attribution(x, a)])

    store.artifacts.delete([a])
    store.contexts.delete([x])

    assert store.links.events_of_executions([e]) == [event(a, e, time_ms=1)]
    assert store.links.artifacts_of_contexts([x]) == [Attribution(x, a)]
