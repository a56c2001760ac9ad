"""Any sequence of graph writes leaves what a plain dict would hold."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headwater.errors import ConflictError, InvalidError, NotFoundError, StaleWriteError
from headwater.model.graph import (
    ArtifactLink,
    Association,
    Attribution,
    EventType,
    ExecutionChange,
    NodeKind,
    ParentContext,
    Publication,
)
from headwater.model.protocols import Store
from tests.contract.builders import NODE_KINDS, Clock, NodeApi, event

ARTIFACT, EXECUTION, CONTEXT = NodeKind.ARTIFACT, NodeKind.EXECUTION, NodeKind.CONTEXT
STEPS = {"memory": (25, 30), "sqlite": (10, 20), "postgresql": (8, 15), "mysql": (8, 15), "http": (4, 15)}
"""Examples, and rules in each."""

names = st.sampled_from(["a", "A", "a ", "b", "\x00", "é"])
keys = st.sampled_from(["x", "X", "y", "ключ"])
values = st.integers(-3, 3) | st.text("ab\x00\ud800 ", max_size=3) | st.floats() | st.booleans()
properties = st.dictionaries(keys, values, max_size=3)
kinds = st.sampled_from(NODE_KINDS)
types = st.sampled_from([EventType.INPUT, EventType.OUTPUT, EventType.INTERNAL_INPUT])
numbers = st.integers(0, 12)
"""Which node: the number of a stored one, or beyond all of them."""


class GraphMachine(RuleBasedStateMachine):
    """Applies each write to a store and to dicts, and compares all there is."""

    make_store: Callable[[Clock], Store]

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.store = self.make_store(self.clock)
        self.apis = {kind: NodeApi.of(self.store, kind) for kind in NODE_KINDS}
        self.nodes = {kind: {} for kind in NODE_KINDS}
        self.events, self.attributions, self.associations, self.parents = {}, set(), set(), set()

    def teardown(self):
        self.store.close()

    def id_of(self, kind, number):
        """The id of a stored node, or one that nobody has."""
        ids = sorted(self.nodes[kind])
        return ids[number] if number < len(ids) else 10**9

    @rule(kind=kinds, fresh=st.lists(st.tuples(names, properties), min_size=1, max_size=3))
    def add(self, kind, fresh):
        api = self.apis[kind]
        taken = [node.name for node in self.nodes[kind].values()]
        wanted = [name for name, _ in fresh]
        try:
            ids = api.nodes.add([api.new(name, custom_properties=values) for name, values in fresh])
        except ConflictError:
            assert len({*wanted, *taken}) < len(wanted) + len(taken)
            return
        for node_id, (name, values) in zip(ids, fresh, strict=True):
            self.nodes[kind][node_id] = api.stored(
                node_id, name, custom_properties=values, created_ms=self.clock(), updated_ms=self.clock()
            )

    @rule(
        kind=kinds,
        number=numbers,
        changes=st.dictionaries(keys, values | st.none(), max_size=3),
        replaces=st.booleans(),
        revision=st.none() | st.integers(1, 3),
    )
    def update(self, kind, number, changes, replaces, revision):
        api, node_id = self.apis[kind], self.id_of(kind, number)
        node = self.nodes[kind].get(node_id)
        change = api.change(
            node_id, custom_properties=changes, replace_custom_properties=replaces, expect_revision=revision
        )
        try:
            api.nodes.update([change])
        except NotFoundError:
            assert node is None
            return
        except StaleWriteError:
            assert revision != node.revision
            return
        assert node is not None
        assert revision in {None, node.revision}
        merged = {**({} if replaces else node.custom_properties), **changes}
        after = {name: value for name, value in merged.items() if value is not None}
        if fingerprint(after) != fingerprint(node.custom_properties):
            later = max(self.clock(), node.updated_ms + 1)
            node = replace(node, custom_properties=after, updated_ms=later, revision=node.revision + 1)
        self.nodes[kind][node_id] = node

    @rule(kind=kinds, chosen=st.lists(numbers, max_size=3), is_restored=st.booleans())
    def delete_or_restore(self, kind, chosen, is_restored):
        ids = [self.id_of(kind, number) for number in chosen]
        verb = self.apis[kind].nodes.restore if is_restored else self.apis[kind].nodes.delete
        try:
            verb(ids)
        except NotFoundError:
            assert not {*ids} <= self.nodes[kind].keys()
            return
        for node_id in {*ids}:
            node = self.nodes[kind][node_id]
            if (node.deleted_ms is None) != is_restored:
                deleted = None if is_restored else self.clock()
                self.nodes[kind][node_id] = replace(node, deleted_ms=deleted, revision=node.revision + 1)

    @rule(ends=st.lists(st.tuples(numbers, numbers, types), min_size=1, max_size=3))
    def add_events(self, ends):
        fresh = [
            event(self.id_of(ARTIFACT, a), self.id_of(EXECUTION, e), kind, time_ms=self.clock())
            for a, e, kind in ends
        ]
        stored = {(e.execution_id, e.type, e.artifact_id): e for e in fresh}
        are_known = all(self.knows(e.artifact_id, e.execution_id) for e in fresh)
        try:
            self.store.links.add_events(fresh)
        except NotFoundError:
            assert not are_known
        except ConflictError:
            assert len(stored) < len(fresh) or stored.keys() & self.events.keys()
        else:
            assert are_known
            self.events |= stored

    @rule(pairs=st.lists(st.tuples(numbers, numbers, st.booleans()), max_size=3))
    def add_memberships(self, pairs):
        mine = [(self.id_of(CONTEXT, c), n, is_artifact) for c, n, is_artifact in pairs]
        attributions = {Attribution(c, self.id_of(ARTIFACT, n)) for c, n, is_artifact in mine if is_artifact}
        associations = {
            Association(c, self.id_of(EXECUTION, n)) for c, n, is_artifact in mine if not is_artifact
        }
        try:
            self.store.links.add_memberships([*attributions], [*associations])
        except NotFoundError:
            assert any(10**9 in vars_of(link) for link in (*attributions, *associations))
        else:
            self.attributions |= attributions
            self.associations |= associations

    @rule(child=numbers, parent=numbers)
    def add_parent(self, child, parent):
        link = ParentContext(self.id_of(CONTEXT, child), self.id_of(CONTEXT, parent))
        try:
            self.store.links.add_parents([link])
        except NotFoundError:
            assert 10**9 in vars_of(link)
        except ConflictError:
            assert link in self.parents
        except InvalidError:
            assert link.child_id in self.above(link.parent_id)
        else:
            assert link.child_id not in self.above(link.parent_id)
            self.parents.add(link)

    @precondition(lambda self: self.nodes[EXECUTION])
    @rule(
        number=st.integers(0, 2), used=st.lists(st.tuples(numbers, types), max_size=2), name=names, kind=types
    )
    def publish(self, number, used, name, kind):
        execution = sorted(self.nodes[EXECUTION])[number % len(self.nodes[EXECUTION])]
        api = self.apis[CONTEXT]
        links = [ArtifactLink(artifact=self.id_of(ARTIFACT, n), type=t) for n, t in used]
        fresh = self.apis[ARTIFACT].new(name=None)
        publication = Publication(
            execution=ExecutionChange(id=execution),
            artifacts=[*links, ArtifactLink(artifact=fresh, type=kind)],
            contexts=[api.new(name)],
        )
        try:
            done = self.store.links.publish(publication)
        except NotFoundError:
            assert any(link.artifact == 10**9 for link in links)
            return
        now = {"created_ms": self.clock(), "updated_ms": self.clock()}
        for artifact in {*done.artifact_ids} - self.nodes[ARTIFACT].keys():
            self.nodes[ARTIFACT][artifact] = self.apis[ARTIFACT].stored(artifact, None, **now)
        [context] = done.context_ids
        self.nodes[CONTEXT].setdefault(context, api.stored(context, name, **now))
        for link, artifact in zip(publication.artifacts, done.artifact_ids, strict=True):
            added = event(artifact, execution, link.type, time_ms=self.clock())
            self.events.setdefault((execution, link.type, artifact), added)
            self.attributions.add(Attribution(context, artifact))
        self.associations.add(Association(context, execution))

    @rule(ms=st.integers(0, 5))
    def time_passes(self, ms):
        self.clock.tick(ms)

    @invariant()
    def nodes_are_the_same(self):
        for kind, nodes in self.nodes.items():
            ids = sorted(nodes)
            assert [fingerprint(n) for n in self.apis[kind].nodes.get(ids)] == [
                fingerprint(nodes[i]) for i in ids
            ]

    @invariant()
    def edges_are_the_same(self):
        links, ids = self.store.links, {kind: sorted(nodes) for kind, nodes in self.nodes.items()}
        assert links.events_of_executions(ids[EXECUTION]) == [self.events[key] for key in sorted(self.events)]
        assert {*links.events_of_artifacts(ids[ARTIFACT])} == {*self.events.values()}
        assert {*links.artifacts_of_contexts(ids[CONTEXT])} == self.attributions
        assert {*links.contexts_of_executions(ids[EXECUTION])} == self.associations
        assert {*links.parents(ids[CONTEXT])} == {*links.children(ids[CONTEXT])} == self.parents

    def knows(self, artifact, execution):
        return artifact in self.nodes[ARTIFACT] and execution in self.nodes[EXECUTION]

    def above(self, context):
        """A context and all that it is part of."""
        parents = defaultdict(set)
        for link in self.parents:
            parents[link.child_id].add(link.parent_id)
        seen, rest = set(), {context}
        while rest:
            seen |= rest
            rest = {p for c in rest for p in parents[c]} - seen
        return seen


def fingerprint(value):
    """What tells 1, 1.0 and True apart, -0.0 from 0.0, and finds NaN equal to itself; keys in order."""
    if isinstance(value, dict):
        return repr(sorted(value.items()))
    return repr(replace(value, custom_properties=dict(sorted(value.custom_properties.items()))))


def vars_of(link):
    """The ids of a link."""
    return {getattr(link, name) for name in link.__slots__}


def test_store_holds_what_a_dict_would(backend, empty_url, open_store):
    class Machine(GraphMachine):
        make_store = staticmethod(lambda clock: open_store(empty_url(), clock))

    examples, steps = STEPS[backend]
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[*HealthCheck],
        ),
    )
