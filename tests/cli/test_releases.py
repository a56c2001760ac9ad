"""`headwater models`: policies, approvals, verdicts, deployments, comparison and deletion."""

import pytest

PROCESS = """
[policies.production]
requires = ["model"]
approvals = 1
approvers = ["managers"]

[roles]
managers = ["bob", "eve"]
"""
WHY = ("--reason", "because")


@pytest.fixture
def be(monkeypatch):
    """Decide as somebody from now on."""
    return lambda actor: monkeypatch.setenv("HEADWATER_ACTOR", actor)


@pytest.fixture
def guarded(cli, trained, project, be):
    """A model whose promotion needs a verdict and an approval."""
    (project / "process.toml").write_text(PROCESS)
    be("ann")
    cli("models", "process", "set", "process.toml", "--model", "late-flights", *WHY)
    return "late-flights"


def test_a_release_process_is_set_shown_and_unset(cli, guarded):
    shown = cli.json("models", "process", "show", "--model", guarded)

    assert shown["policies"]["production"]["approvers"] == ["managers"]
    assert cli.json("models", "process", "show")["policies"] == {}
    assert cli.json("models", "process", "unset", "--model", guarded, *WHY)["policies"] == {}


@pytest.mark.parametrize(
    ("text", "says"), [("policies = 3", "must be a table"), ("=", "is not TOML"), ("x = 1", "has no x")]
)
def test_a_bad_process_file_is_told_in_one_line(cli, trained, project, text, says):
    (project / "bad.toml").write_text(text)

    done = cli("models", "process", "set", "bad.toml", *WHY, code=2)

    assert says in done.output
    assert done.output.count("\n") == 1


def test_a_promotion_goes_through_requests_votes_and_verdicts(cli, guarded, be):
    move = ("models", "promote", guarded, "1", *WHY)
    refused = cli(*move, code=5)
    assert refused.output == (
        "Error: models/late-flights/1 cannot go to production: no verdict of gate 'model'; "
        "1 approvals from managers are needed, and nobody has requested them\n"
    )

    cli("models", "verdict", guarded, "1", "model", "pass", "--summary", "fine", "--facts", '{"auc": 0.7}')
    assert cli.json("models", "request", guarded, "1", *WHY)["state"] == "pending"
    assert "ann may not decide" in cli("models", "approve", guarded, "1", *WHY, code=5).output
    be("bob")
    assert cli.json("models", "reject", guarded, "1", *WHY)["rejected"] == ["bob"]
    assert cli.json("models", "withdraw", guarded, "1", "--vote", *WHY)["state"] == "pending"
    assert cli.json("models", "approve", guarded, "1", *WHY)["state"] == "granted"
    (row,) = cli.json("models", "requests")
    assert (row["ref"], row["approved"], row["approvals"]) == ("models/late-flights/1", ["bob"], "1 of 1")

    assert cli.json(*move)["stage"] == "production"
    assert cli.lines("models", "requests") == ["No requests are open."]
    assert [each["state"] for each in cli.json("models", "requests", guarded, "--all")] == ["used"]


def test_a_request_is_withdrawn(cli, guarded):
    cli("models", "request", guarded, "1", *WHY)

    assert cli.json("models", "withdraw", guarded, "1", *WHY)["state"] == "withdrawn"


def test_the_status_keeps_four_facts_apart(cli, guarded):
    cli("models", "verdict", guarded, "1", "model", "fail", "--baseline", "2")
    cli("models", "request", guarded, "1", *WHY)
    cli("models", "deploy", guarded, "1", "--target", "eu", "--note", "canary")

    found = cli.json("models", "status", guarded, "1")

    assert (found["stage"], found["aliases"]) == ("archived", ["champion"])
    assert [(v["gate"], v["outcome"], v["baseline"]) for v in found["verdicts"]] == [("model", "fail", 2)]
    assert [(r["to"], r["state"]) for r in found["requests"]] == [("production", "pending")]
    assert [(d["target"], d["version"]) for d in found["deployments"]] == [("eu", 1)]
    assert found["missing"] == ["gate 'model' says fail", "0 of 1 approvals from managers"]
    assert found["disagreements"] == ["models/late-flights/1 runs at eu, but is in archived"]
    meant = cli.json("models", "status", guarded, "2")
    assert meant["disagreements"] == ["models/late-flights/2 is in production, but version 1 runs at eu"]
    cli("models", "deploy", guarded, "--target", "eu")
    assert cli.json("models", "status", guarded, "1")["deployments"] == []
    assert "No verdicts." in cli.lines("models", "status", guarded, "2")


def test_two_versions_are_compared(cli, trained):
    found = cli.json("models", "compare", "late-flights", "champion", "production")

    facts = {(fact["kind"], fact["name"]): fact for fact in found["facts"]}
    assert (found["left"], found["right"]) == ("models/late-flights/1", "models/late-flights/2")
    assert facts["metric", "auc"]["change"] == pytest.approx(0.01)
    assert facts["param", "lr"]["change"] == pytest.approx(-0.09)
    assert not facts["param", "depth"]["differs"]
    shown = "\n".join(cli.lines("models", "compare", "late-flights", "1", "2"))
    assert "auc" in shown
    assert "depth" not in shown


def test_models_and_versions_are_searched(cli, trained):
    cli("models", "describe", "late-flights", "--owner", "team-a")

    (model,) = cli.json("models", "search", "properties.owner = 'team-a'")
    assert (model["name"], model["owner"]) == ("late-flights", "team-a")
    found = cli.json("models", "search", "stage = 'production'", "--versions", "--order-by", "version desc")
    assert [version["ref"] for version in found] == ["models/late-flights/2"]
    assert cli.lines("models", "search", "name = 'none'") == ["Nothing is like this."]


def test_aliases_tags_and_descriptions_are_set_and_removed(cli, trained):
    assert cli.json("models", "alias", "late-flights", "next", "2")["aliases"] == {"champion": 1, "next": 2}
    assert cli.json("models", "alias", "late-flights", "next")["aliases"] == {"champion": 1}
    assert cli.json("models", "tag", "late-flights", "team=a", "b=")["tags"] == {"team": "a"}
    assert cli.json("models", "tag", "late-flights", "seen=yes", "--version", "2")["tags"] == {"seen": "yes"}
    described = ("models", "describe", "late-flights", "--version", "1", "--description")
    assert cli.json(*described, "first")["description"] == "first"
    assert cli.json(*described, "")["description"] is None
    assert "is not KEY=VALUE" in cli("models", "tag", "late-flights", "team", code=2).output


def test_versions_are_deprecated_deleted_and_restored(cli, trained):
    name = "late-flights"
    assert cli.json("models", "deprecate", name, "1", *WHY)["deprecated"] == "because"
    assert "it is deprecated (because)" in cli("models", "promote", name, "1", *WHY, code=5).output
    assert cli.json("models", "deprecate", name, "1", "--undo", *WHY)["deprecated"] is None

    assert "force it" in cli("models", "delete", name, "1", *WHY, code=5).output
    cli("models", "delete", name, "1", "--force", *WHY)
    assert [version["version"] for version in cli.json("models", "show", name)["version_list"]] == [2]
    assert cli.json("models", "restore", name, "1", *WHY) == {"restored": "models/late-flights/1"}
    assert "is in production" in cli("models", "delete", name, "--force", *WHY, code=5).output
    cli("models", "promote", name, "2", "--to", "archived", *WHY)
    assert cli.json("models", "delete", name, "--force", *WHY) == {"deleted": "models/late-flights"}
    assert cli.json("models", "list") == []
    cli("models", "restore", name, *WHY)
    assert cli.json("models", "list")[0]["versions"] == 2


def test_a_rollback_can_name_its_version(cli, trained):
    back = ("models", "rollback", "late-flights", "--no-load", *WHY)

    assert cli.json(*back, "--version", "1")["stage"] == "production"
    assert "never in staging" in cli(*back, "--version", "2", "--stage", "staging", code=5).output
