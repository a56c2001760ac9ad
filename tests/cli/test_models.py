"""`headwater models` and `headwater ledger`."""

from datetime import UTC, datetime

from headwater.sdk import Client


def test_of_an_empty_store_no_models_and_decisions_are_listed(cli):
    assert cli.lines("models", "list") == ["No models are registered yet."]
    assert cli.lines("ledger", "show") == ["No decisions yet."]
    assert cli.json("models", "list") == cli.json("ledger", "show") == []


def test_models_are_listed_with_their_stages(cli, trained):
    (model,) = cli.json("models", "list")

    shown = ("ref", "versions", "production", "stages", "aliases")
    assert {key: model[key] for key in shown} == {
        "ref": "models/late-flights",
        "versions": 2,
        "production": 2,
        "stages": {"archived": 1, "production": 2},
        "aliases": {"champion": 1},
    }


def test_a_model_is_shown_with_its_versions(cli, trained):
    lines = cli.lines("models", "show", "late-flights")

    assert lines[0] == "ref         models/late-flights"
    table = [line.split()[:5] for line in lines[lines.index("") + 1 :]]
    assert table == [
        ["version", "stage", "aliases", "metrics", "format"],
        ["1", "archived", "champion", "auc=0.71", "joblib"],
        ["2", "production", "auc=0.72", "joblib", table[2][4]],
    ]


def test_json_of_a_model_holds_its_versions_and_decisions(cli, trained):
    shown = cli.json("models", "show", "models/late-flights")

    assert [version["ref"] for version in shown["version_list"]] == [
        "models/late-flights/1",
        "models/late-flights/2",
    ]
    assert [entry["action"] for entry in shown["decisions"]] == [
        *("register", "promote") * 2,
        "alias",
    ]


def test_a_version_is_shown_by_number_stage_or_alias(cli, trained):
    for label, number in (("/1", 1), ("@champion", 1), ("@production", 2), ("@latest", 2)):
        assert cli.json("models", "show", f"models/late-flights{label}")["version"] == number


def test_promotion_prints_the_version_and_keeps_the_reason(cli, trained):
    moved = cli.json("models", "promote", "late-flights", "1", "--to", "staging", "--reason", "try it")

    assert (moved["version"], moved["stage"]) == (1, "staging")
    assert cli.json("ledger", "show")[-1]["reason"] == "try it"


def test_rollback_prints_the_version_that_is_back(cli, trained):
    lines = cli.lines("models", "rollback", "late-flights", "--reason", "incident 12")

    assert lines[:3] == ["ref         models/late-flights/1", "version     1", "stage       production"]
    assert cli.json("models", "list")[0]["production"] == 1


def test_a_model_may_have_any_name(cli, fill):
    names = ["a/b", "v/2", "it's", 'say "hi"', "späť 航班", "x@y", "50%"]

    def register(client: Client):
        with client.run("train", capture=False) as run:
            for name in names:
                run.log_model(name, {"weights": 1})

    fill(register)

    assert {model["name"] for model in cli.json("models", "list")} == set(names)
    for name in names:
        shown = cli.json("models", "show", name)
        assert shown["name"] == name
        assert cli.json("models", "show", shown["version_list"][0]["ref"])["version"] == 1
        assert cli.json("models", "promote", name, "1", "--reason", "first")["stage"] == "production"


def test_decisions_are_shown_oldest_first(cli, trained):
    entries = cli.json("ledger", "show")

    assert [entry["seq"] for entry in entries] == [1, 2, 3, 4, 5]
    assert (entries[3]["actor"], entries[3]["reason"]) == ("ann@desk", "release 2")
    assert entries[3]["details"] == {"from": "none", "to": "production", "replaced": 1}
    assert len(entries[3]["hash"]) == 64


def test_a_limit_shows_the_newest_decisions(cli, trained):
    assert [entry["seq"] for entry in cli.json("ledger", "show", "--limit", "2")] == [4, 5]


def test_a_subject_shows_what_was_decided_on_it_and_below(cli, trained):
    below = cli.json("ledger", "show", "--subject", "models/late-flights/2")

    assert [entry["action"] for entry in below] == ["register", "promote"]
    assert len(cli.json("ledger", "show", "--subject", "models/late-flights")) == 5
    assert cli.json("ledger", "show", "--subject", "models/late") == []


def test_a_decision_is_a_line_that_says_what_changed(cli, trained):
    line = cli.lines("ledger", "show")[4]

    assert line.split()[3:6] == ["ann@desk", "promote", "models/late-flights/2"]
    assert line.endswith("release 2")
    assert "from=none, replaced=1, to=production" in line


def test_models_are_listed_as_of_a_moment(cli, trained):
    assert cli.lines("--at", "2013-08-14", "models", "list") == ["No models are registered yet."]
    assert cli.json("--at", "2100-01-01", "models", "list") == cli.json("models", "list")


def test_what_was_in_production_then_is_told(cli, trained, fill):
    promoted = fill(
        lambda client: [e.time_ms for e in client.models["late-flights"].history() if e.action == "promote"]
    )
    first = datetime.fromtimestamp(promoted[0] / 1000, UTC).isoformat()

    (then,) = cli.json("models", "at", first, "late-flights")

    assert (then["production"], then["stages"], then["aliases"]) == (1, {"production": 1}, {})
    assert cli.lines("models", "at", "2013-08-14") == ["No models were registered then."]
    assert "did you mean late-flights" in cli("models", "at", "2100-01-01", "late-fligths", code=3).stderr
    cli("models", "at", "last Tuesday", code=2)


def test_a_model_is_renamed_with_its_versions(cli, trained):
    row = cli.json("models", "rename", "late-flights", "delays", "--reason", "clearer")

    assert (row["name"], row["versions"], row["production"]) == ("delays", 2, 2)
    assert cli.json("ledger", "show")[-1]["details"] == {"before": "late-flights", "after": "delays"}
