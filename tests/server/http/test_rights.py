"""Who may do what over REST, by role and by grant, and whom the ledger names."""

from collections.abc import Generator
from pathlib import Path

import pytest

from headwater.blobs import open_blobs
from headwater.model.access import Role
from headwater.server.auth import Passwords, TokenGuard
from headwater.server.http.app import create_app
from headwater.server.http.backend import Backend
from headwater.store.calls import MEDIA_TYPE, pack
from headwater.store.sql.store import SqlStore
from tests.contract.builders import add_versions, start_run
from tests.live import LiveServer
from tests.server.auth.conftest import FAST_KIB, People
from tests.server.http.rest import Answer, Rest

RUN = "b" * 32


class Team:
    """People who each send their own token."""

    def __init__(self, rest: Rest, people: People) -> None:
        self._rest, self._people = rest, people
        self._tokens: dict[str, str] = {}

    def add(self, name: str, role: Role | None, *grants: tuple[str, Role]) -> None:
        self._people.add(name, role, grants=grants)
        self._tokens[name] = self._people.token(name)[0]

    def ask(self, name: str | None, method: str, path: str, body=None, **query) -> Answer:
        headers = {"If-Match": "*"}
        if name is not None:
            headers["Authorization"] = f"Bearer {self._tokens[name]}"
        return self._rest.ask(method, path, body, headers=headers, **query)

    def rename(self, name: str, old: str, new: str) -> Answer:
        """Rename a model by a call of the store, as Python's clients do."""
        sent = {"name": old, "new_name": new, "actor": name, "reason": "r"}
        token = {"Authorization": f"Bearer {self._tokens[name]}", "Content-Type": MEDIA_TYPE}
        return self._rest.ask("POST", "/store/models.rename", pack(sent), headers=token)


@pytest.fixture
def team(live: LiveServer, tmp_path: Path) -> Generator[Team]:
    """A server where everybody says who they are; it has a run, and two models with a version each."""
    with SqlStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        start_run(store, run_id=RUN, experiment="flights")
        for model in ("late", "early"):
            add_versions(store, model)
        backend = Backend(store=store, blobs=open_blobs("memory://"), spool=tmp_path / "spool")
        app = create_app(backend, TokenGuard(store.access))
        url = live.mount(app)
        yield Team(Rest(url, app, store, backend), People(store, Passwords(memory_kib=FAST_KIB)))
        backend.stopping.set()
        app.state.mlflow.close()
        live.unmount(url)


def test_nobody_reads_without_saying_who_they_are(team: Team):
    found = team.ask(None, "GET", "/runs")

    assert (found.status, found.json["code"]) == (401, "unauthenticated")
    assert "Bearer" in found.json["fix"]
    assert team.ask(None, "GET", "/openapi.json").status == 200


def test_a_role_goes_up_to_its_permission(team: Team):
    for name, role in (("vera", Role.VIEWER), ("eddy", Role.EDITOR), ("anna", Role.APPROVER)):
        team.add(name, role)
    move = {"version": 1, "reason": "r"}
    calls = [
        ("GET", "/runs", None),
        ("POST", f"/runs/{RUN}/tags", {"a": 1}),
        ("POST", "/models/late/transitions", move),
    ]

    statuses = {name: [team.ask(name, *call).status for call in calls] for name in ("vera", "eddy", "anna")}

    assert statuses == {"vera": [200, 403, 403], "eddy": [200, 200, 403], "anna": [200, 200, 200]}


def test_a_grant_reaches_as_far_as_it_says(team: Team):
    team.add("gina", None, ("models/late", Role.APPROVER), ("experiments/flights", Role.EDITOR))
    move = {"version": 1, "reason": "r"}

    assert team.ask("gina", "POST", "/models/late/transitions", move).status == 200
    assert team.ask("gina", "POST", "/models/early/transitions", move).status == 403
    assert team.ask("gina", "GET", "/models/late").status == 200
    assert team.ask("gina", "GET", "/models").status == 403
    assert team.ask("gina", "POST", f"/runs/{RUN}/metrics", [{"key": "a", "value": 1}]).status == 200
    assert team.ask("gina", "POST", "/runs", [{"experiment": "flights"}]).status == 201
    assert team.ask("gina", "POST", "/runs", [{"experiment": "flights"}, {"experiment": "x"}]).status == 403
    assert team.ask("gina", "GET", "/events", topics="ledger").status == 403


def test_nobody_decides_in_anothers_name(team: Team):
    team.add("anna", Role.APPROVER)

    team.ask("anna", "POST", "/models/late/transitions", {"version": 1, "reason": "r", "actor": "bob"})
    entries = team.ask("anna", "GET", "/ledger", action="promote").json["items"]

    assert [entry["actor"] for entry in entries] == ["anna"]


def test_a_key_belongs_to_who_sent_it(team: Team):
    for name in ("eddy", "emma"):
        team.add(name, Role.EDITOR)

    def start(name: str) -> str:
        sent = [{"experiment": "flights"}]
        token = {"Authorization": f"Bearer {team._tokens[name]}", "Idempotency-Key": "k"}
        return team._rest.ask("POST", "/runs", sent, headers=token).json[0]["run_id"]

    assert start("eddy") == start("eddy") != start("emma")


def test_who_may_not_write_does_not_learn_which_runs_there_are(team: Team):
    team.add("gina", None, ("experiments/flights", Role.EDITOR))
    team.add("eddy", Role.EDITOR)
    unknown = "c" * 32

    assert [team.ask(None, "POST", f"/runs/{run}/tags", {}).status for run in (RUN, unknown)] == [401, 401]
    assert team.ask(None, "GET", "/events", topics=f"runs:{unknown}").status == 401
    assert team.ask("gina", "POST", f"/runs/{unknown}/tags", {}).status == 403
    assert team.ask("eddy", "POST", f"/runs/{unknown}/tags", {}).status == 404


def test_a_model_is_renamed_by_who_may_change_both_names(team: Team):
    team.add("gina", None, ("models/late", Role.APPROVER))
    team.add("anna", None, ("models/late*", Role.APPROVER))

    assert team.rename("gina", "late", "later").status == 403
    assert team.rename("anna", "late", "later").status == 200
