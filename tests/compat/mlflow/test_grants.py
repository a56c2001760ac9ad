"""Grants on experiments and models, as the real client meets them, and requests that no client sends."""

from collections.abc import Generator

import httpx
import pytest

from headwater.model.access import Grant, NewAccount, NewToken, Role, new_secret, secret_digest
from headwater.store import open_store
from tests.compat.mlflow.peer import Client
from tests.compat.mlflow.serving import Served, serving

pytestmark = pytest.mark.xdist_group("mlflow")

DENIED = "PERMISSION_DENIED"
DONE = "done"
PEOPLE = {
    "ann": (Role.ADMIN, {}),
    "gina": (None, {"experiments/flights*": Role.EDITOR, "models/late*": Role.APPROVER}),
    "vera": (None, {"models/late": Role.VIEWER}),
    "mona": (None, {"models/hers": Role.EDITOR}),
    "eric": (None, {"experiments/flights*": Role.APPROVER}),
}


class Team:
    """People who each call with their own token."""

    def __init__(self, peer: Client, served: Served, tokens: dict[str, str]) -> None:
        self._peer, self._served, self._tokens = peer, served, tokens

    def run(self, name: str, scenario: str, **arguments):
        """Run a scenario; returns its answer, or the code of the error."""
        token = self._tokens[name]
        return self._peer.run("with_token", token=token, scenario=scenario, arguments=arguments)

    def call(self, name: str, method: str, *arguments, **named):
        """Call a method of the client; returns `DONE`, or the code of the error."""
        return self.run(name, "call", method=method, arguments=arguments, named=named)

    def ask(self, name: str, method: str, path: str, **fields) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        return self._served.http.request(method, path, headers=headers, **fields)


@pytest.fixture(scope="module")
def team(peer, tmp_path_factory) -> Generator[Team]:
    """A server where everybody says who they are."""
    folder = tmp_path_factory.mktemp("grants")
    url, tokens = f"sqlite:///{folder}/store.db", {}
    with open_store(url) as store:
        for name, (role, grants) in PEOPLE.items():
            tokens[name] = new_secret()
            store.access.add(NewAccount(name=name, role=role), actor="root")
            for subject, granted in grants.items():
                store.access.grant(name, Grant(subject=subject, role=granted), actor="root")
            new = NewToken(account=name, name="test", digest=secret_digest(tokens[name]))
            store.access.add_token(new, actor="root")
    with serving(url, folder / "blobs", "--auth", "token") as served:
        peer.run("use", url=served.url)
        yield Team(peer, served, tokens)


@pytest.fixture(scope="module")
def things(team) -> dict[str, str]:
    """A run in an experiment that some see, with a model; and both of others."""
    mine = team.run("gina", "log_and_register", experiment="flights/a", model="late")
    others = team.run("ann", "log_and_register", experiment="secret", model="other")
    return {
        **{name: mine[name] for name in ("run", "experiment")},
        **{f"other {name}": others[name] for name in ("run", "experiment")},
        "model": team.run("gina", "logged_model", experiment_id=mine["experiment"], model="late"),
        "other model": team.run("ann", "logged_model", experiment_id=others["experiment"], model="other"),
    }


def test_a_grant_on_an_experiment_is_enough_to_work_in_it(team, things):
    made = team.run("gina", "fluent", experiment="flights/b")

    assert team.run("gina", "history", run_id=made["outer"], key="loss")[0] == [0, 1.0]
    assert team.run("gina", "show_run", run_id=made["inner"])["info"]["status"] == "FINISHED"
    assert len(team.run("gina", "search", experiment_ids=[things["experiment"]])) == 1
    assert team.run("gina", "fluent", experiment="trains") == DENIED


@pytest.mark.parametrize("which", ["", "other "], ids=["granted", "not-granted"])
def test_calls_about_an_experiment_are_measured_by_the_grant_on_it(team, things, which):
    run, experiment, model = (things[which + name] for name in ("run", "experiment", "model"))
    calls = [
        ("log_metric", run, "auc", 0.5),
        ("log_param", run, "lr", 1),
        ("set_tag", run, "a", "b"),
        ("get_metric_history", run, "auc"),
        ("list_artifacts", run),
        ("search_runs", [experiment]),
        ("create_run", experiment),
        ("get_experiment", experiment),
        ("set_experiment_tag", experiment, "a", "b"),
        ("get_logged_model", model),
        ("search_logged_models", [experiment]),
    ]

    found = {call[0]: team.call("gina", *call) for call in calls}

    assert found == {call[0]: DENIED if which else DONE for call in calls}
    # Editors of it decide nothing.
    assert team.call("gina", "delete_run", run) == DENIED


def test_every_thing_that_a_call_names_has_to_be_granted(team, things):
    both = [things["experiment"], things["other experiment"]]

    assert team.run("gina", "search", experiment_ids=both) == DENIED
    assert (
        team.call("gina", "log_metric", things["run"], "auc", 1.0, model_id=things["other model"]) == DENIED
    )
    assert team.call("gina", "search_experiments") == team.call("gina", "search_registered_models") == DENIED
    assert team.call("gina", "rename_experiment", things["experiment"], "secret 2") == DENIED
    assert team.call("gina", "rename_registered_model", "late", "elsewhere") == DENIED


def test_what_is_not_there_is_denied_like_what_is(team):
    assert team.call("gina", "get_run", "c" * 32) == DENIED
    assert team.call("gina", "get_experiment", "12345") == DENIED
    assert team.call("ann", "get_run", "c" * 32) == "RESOURCE_DOES_NOT_EXIST"


def test_a_grant_on_a_model_is_measured_by_its_name(team, things):
    moves = [("transition_model_version_stage", name, "1", "Staging") for name in ("late", "other")]
    aliases = [("set_registered_model_alias", name, "best", "1") for name in ("late", "other")]

    assert [team.call("gina", *call) for call in (*moves, *aliases)] == [DONE, DENIED, DONE, DENIED]
    assert [team.call("vera", *call) for call in (*moves, *aliases)] == [DENIED] * 4
    assert team.call("vera", "get_model_version", "late", "1") == DONE
    assert team.call("vera", "get_model_version", "other", "1") == DENIED
    assert team.call("mona", "create_registered_model", "hers too") == DENIED


def test_who_sees_a_model_reads_the_files_of_its_versions(team, things):
    assert team.run("vera", "download", uri="models:/late/2/weights.txt") == "weights"
    assert team.run("vera", "download", uri=f"runs:/{things['run']}/model/weights.txt") == DENIED
    assert team.run("vera", "download", uri="models:/other/2/weights.txt") == DENIED


def test_a_version_is_made_of_what_its_maker_may_read(team, things):
    team.call("mona", "create_registered_model", "hers")
    secrets = [
        {"source": f"models:/{things['model']}", "model_id": things["model"]},
        {"source": "models:/late/2"},
        {"source": f"runs:/{things['run']}/model", "run_id": things["run"]},
    ]

    found = [team.call("mona", "create_model_version", "hers", **each) for each in secrets]

    assert found == [DENIED] * 3
    assert team.call("mona", "create_model_version", "hers", "s3://bucket/model") == DONE


def test_a_registered_model_is_not_changed_through_its_experiment(team, things):
    tags = {"a": "b"}

    assert team.call("gina", "set_logged_model_tags", things["model"], tags) == DONE
    assert team.call("eric", "set_logged_model_tags", things["model"], tags) == DENIED
    assert team.call("eric", "delete_logged_model", things["model"]) == DENIED
    assert team.call("eric", "get_logged_model", things["model"]) == DONE


def test_a_second_run_in_the_query_opens_no_door(team, things):
    path = "/ajax-api/2.0/mlflow/upload-artifact"
    query = {"run_id": things["run"], "run_uuid": things["other run"], "path": "a.txt"}

    refused = team.ask("gina", "POST", path, params=query, content=b"x")
    taken = team.ask("gina", "POST", path, params=query | {"run_uuid": things["run"]}, content=b"x")

    assert (refused.status_code, refused.json()["error_code"]) == (403, DENIED)
    assert taken.status_code == 200
    asked = {"run_uuid": things["run"], "run_id": things["other run"], "path": "model/weights.txt"}
    assert team.ask("gina", "GET", "/get-artifact", params=asked).status_code == 403


def test_files_of_the_proxy_are_measured_by_whose_they_are(team, things):
    root = "/api/2.0/mlflow-artifacts/artifacts"
    mine, others = (
        f"{root}/{things[f'{which}experiment']}/{things[f'{which}run']}/artifacts" for which in ("", "other ")
    )

    assert team.ask("gina", "GET", f"{mine}/model/weights.txt").status_code == 200
    assert team.ask("gina", "PUT", f"{mine}/b.txt", content=b"x").status_code == 200
    for method, path in (
        ("GET", f"{others}/model/weights.txt"),
        ("PUT", f"{others}/b.txt"),
        ("GET", f"{root}/nobody/knows"),
        ("DELETE", f"{mine}/b.txt"),
    ):
        refused = team.ask("gina", method, path)
        assert (refused.status_code, refused.json()["error_code"]) == (403, DENIED), (method, path)
    assert team.ask("gina", "GET", root, params={"path": ""}).status_code == 403
