"""The store's own calls on a server where everybody says who they are."""

from collections.abc import Callable, Generator
from functools import partial

import pytest

from headwater.blobs import open_blobs
from headwater.errors import ForbiddenError, HeadwaterError, InvalidError, NotFoundError, UnauthenticatedError
from headwater.model.access import NewAccount, Role
from headwater.model.approvals import Decision
from headwater.model.data import NewDataVersion
from headwater.model.graph import (
    ExecutionChange,
    ExecutionState,
    NewExecution,
    NewType,
    NodeKind,
    Publication,
)
from headwater.model.ids import new_run_id
from headwater.model.models import NewVersion, Transition
from headwater.model.runs import NewRun, RunChange, RunPublication
from headwater.model.series import Points, SeriesBatch
from headwater.server.auth import Passwords, TokenGuard
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.calls import MEDIA_TYPE, calls, pack
from headwater.store.calls.rights import NEVER_SERVED
from headwater.store.remote import RemoteStore
from headwater.store.sql.store import SqlStore
from tests.contract.builders import add_versions, start_run
from tests.live import LiveServer
from tests.server.auth.conftest import FAST_KIB, People
from tests.server.http.rest import Rest

GRANTS = (
    ("experiments/flights*", Role.EDITOR),
    ("models/late", Role.APPROVER),
    ("data/flights", Role.EDITOR),
)


@pytest.fixture
def team(live: LiveServer, tmp_path) -> Generator[tuple[SqlStore, Callable[[str], RemoteStore], Rest]]:
    """The store behind a server, what opens it as somebody, and a client of the server."""
    with SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        people = People(store, Passwords(memory_kib=FAST_KIB))
        people.add("ann", Role.ADMIN)
        people.add("vera", Role.VIEWER)
        people.add("eddy", Role.EDITOR)
        people.add("gina", Role.VIEWER, grants=GRANTS)
        people.add("nora", None, grants=GRANTS)
        people.add("nobody", None)
        for model in ("late", "other"):
            add_versions(store, model)
        backend = Backend(store=store, blobs=open_blobs("memory://"), spool=tmp_path / "spool")
        app = create_app(backend, TokenGuard(store.access), is_for_stores=True)
        url = live.mount(app)
        opened = []

        def connect(name: str, **limits) -> RemoteStore:
            token = people.token(name, **limits)[0]
            opened.append(RemoteStore(url, environment={"HEADWATER_TOKEN": token}))
            return opened[-1]

        yield store, connect, Rest(url, app, store, backend)
        for each in opened:
            each.close()
        live.unmount(url)


def outcome(call: Callable[[], object]) -> str:
    """`done`, or the code of the error."""
    try:
        call()
    except HeadwaterError as error:
        return error.code
    return "done"


def move(model: str, actor: str = "somebody else") -> Transition:
    return Transition(model=model, version=1, to="staging", reason="r", actor=actor)


def test_nobody_opens_a_store_without_saying_who_they_are(team):
    _, _, rest = team

    with pytest.raises(UnauthenticatedError):
        RemoteStore(rest.url, environment={})
    with pytest.raises(UnauthenticatedError):
        RemoteStore(rest.url, environment={"HEADWATER_TOKEN": "hw_" + "x" * 43})


def test_a_role_goes_up_to_the_permission_of_a_call(team):
    _, connect, _ = team
    asked = {
        "read": lambda store: store.runs.experiments(),
        "write": lambda store: store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")]),
        "decide": lambda store: store.models.transition(move("late")),
        "admin": lambda store: store.access.all(),
    }

    found: dict[str, list[str]] = {}
    for name in ("vera", "eddy", "ann"):
        store = connect(name)
        found[name] = [word for word, call in asked.items() if outcome(partial(call, store)) == "done"]

    assert found == {"vera": ["read"], "eddy": ["read", "write"], "ann": [*asked]}


def test_a_tokens_limit_holds_for_calls(team):
    _, connect, _ = team
    store = connect("ann", limit=Role.VIEWER)

    assert store.runs.experiments() == []
    with pytest.raises(ForbiddenError):
        store.models.register("m")


def test_a_grant_reaches_as_far_as_it_says(team):
    store, connect, _ = team
    other = start_run(store, experiment="trains")
    gina = connect("gina")
    run = gina.runs.start(NewRun(run_id=new_run_id(), experiment="flights/a"))

    def batch(execution):
        return SeriesBatch(
            execution_id=execution, key="a", writer=1, batch=0, points=Points.of([(0, 0, 1.0)])
        )

    def publication(execution):
        return Publication(execution=ExecutionChange(id=execution))

    def changed(execution):
        return RunPublication(run=RunChange(id=execution, name="n"))

    def new(experiment):
        return RunPublication(run=NewRun(run_id=new_run_id(), experiment=experiment))

    granted = [
        lambda: gina.series.append([batch(run.id)]),
        lambda: gina.runs.log_params(run.id, {"a": 1}),
        lambda: gina.runs.update(RunChange(id=run.id, name="n")),
        lambda: gina.links.publish(publication(run.id)),
        lambda: gina.runs.heartbeat([run.id]),
        lambda: gina.runs.publish_all([changed(run.id), new("flights/b")]),
        lambda: gina.models.add_version(NewVersion(model="late"), actor="x"),
        lambda: gina.models.transition(move("late")),
        lambda: gina.data.add_version(NewDataVersion(name="flights", digest="d")),
    ]
    refused = [
        lambda: gina.runs.start(NewRun(run_id=new_run_id(), experiment="trains")),
        lambda: gina.series.append([batch(run.id), batch(other.id)]),
        lambda: gina.runs.log_params(other.id, {"a": 1}),
        lambda: gina.runs.update(RunChange(id=other.id, name="n")),
        lambda: gina.links.publish(publication(other.id)),
        lambda: gina.runs.heartbeat([run.id, other.id]),
        lambda: gina.runs.publish_all([changed(run.id), new("trains")]),
        lambda: gina.runs.publish_all([new("flights/b"), changed(other.id)]),
        lambda: gina.models.add_version(NewVersion(model="other"), actor="x"),
        lambda: gina.models.transition(move("other")),
        lambda: gina.models.rename("late", "later", actor="x", reason="r"),
        lambda: gina.data.add_version(NewDataVersion(name="trains", digest="d")),
        lambda: gina.executions.delete([run.id]),
        lambda: gina.access.add(NewAccount(name="x", role=Role.ADMIN), actor="x"),
    ]

    assert [outcome(call) for call in granted] == ["done"] * len(granted)
    assert [outcome(call) for call in refused] == ["forbidden"] * len(refused)
    assert store.series.keys(other.id) == []


def test_who_may_decide_decides_in_their_own_name(team):
    store, connect, _ = team
    kind = store.types.put([NewType(kind=NodeKind.EXECUTION, name="Waits")])[0]
    (waiting,) = store.executions.add([NewExecution(type_id=kind)])
    change = ExecutionChange(id=waiting, state=ExecutionState.COMPLETE)
    decision = Decision(subject="pipelines/p/1/s", actor="bob", reason="r", approves=True, execution=change)

    refused = outcome(lambda: connect("eddy").approvals.decide(decision))
    connect("ann").approvals.decide(decision)

    (entry,) = store.ledger.entries(subject="pipelines/p")
    assert (refused, entry.action, entry.actor) == ("forbidden", "approve", "ann")


def test_without_a_role_only_what_was_granted_is_seen(team):
    store, connect, _ = team
    nora = connect("nora")

    run = nora.runs.start(NewRun(run_id=new_run_id(), experiment="flights"))

    assert store.runs.get([run.run_id]) == [run]
    assert nora.models.get("late").name == "late"
    assert outcome(lambda: nora.models.get("other")) == "forbidden"
    assert outcome(nora.runs.experiments) == outcome(nora.ledger.head) == "forbidden"


def test_who_may_do_nothing_opens_no_store(team):
    _, connect, _ = team

    with pytest.raises(ForbiddenError):
        connect("nobody")


def test_a_limit_holds_for_what_every_writer_may(team):
    _, connect, _ = team
    store = connect("nora", limit=Role.VIEWER)

    assert outcome(lambda: store.types.put([NewType(kind=NodeKind.ARTIFACT, name="T")])) == "forbidden"


def test_nobody_decides_in_anothers_name(team):
    store, connect, _ = team
    gina = connect("gina")

    gina.models.transition(move("late", actor="ann"))
    gina.models.set_alias("late", "best", 1, actor="ann", reason="r")

    assert [entry.actor for entry in store.ledger.entries()[-2:]] == ["gina", "gina"]


def test_what_only_a_server_asks_is_no_call(team):
    _, connect, _ = team
    ann = connect("ann")

    for name in NEVER_SERVED:
        part, _, method = name.partition(".")
        with pytest.raises(AttributeError):
            getattr(getattr(ann, part), method)
        assert name not in calls()


def test_arguments_that_do_not_fit_are_named(team):
    _, connect, _ = team
    connection = connect("ann")._connection

    def ask(name: str, body: object) -> str:
        answer = connection.ask(
            "POST", f"/api/v1/store/{name}", body=pack(body), headers={"Content-Type": MEDIA_TYPE}
        )
        assert 400 <= answer.status < 500
        return answer.body.decode(errors="replace")

    assert "no call" in ask("runs.nonsense", {})
    assert "series.read has no color" in ask("series.read", {"execution_id": 1, "key": "a", "color": 2})
    assert "series.read needs execution_id, key" in ask("series.read", {})
    assert "needs its arguments by name" in ask("series.read", [1, "a"])
    with pytest.raises((InvalidError, NotFoundError)):
        connect("ann").models.get("no such")


def test_a_version_is_made_only_of_what_its_maker_may_read(team):
    store, connect, _ = team
    own, foreign = (start_run(store, experiment=name) for name in ("flights/train", "secret"))
    made = store.models.add_version(NewVersion(model="other", execution_id=foreign.id), actor="ann")
    nora = connect("nora")

    def add(**made_of) -> str:
        new = NewVersion(model="late", **made_of)
        return outcome(lambda: nora.models.add_version(new, actor="nora"))

    assert add(execution_id=own.id) == "done"
    assert add(execution_id=foreign.id) == "forbidden"
    assert add(artifact_id=made.id) == "forbidden"
    assert add(execution_id=own.id, artifact_id=made.id) == "forbidden"
