"""Registered models through `hw.models` and `hw.load_model`."""

import pytest

import headwater as hw
from headwater.errors import NotFoundError

pytestmark = pytest.mark.usefixtures("connected")


def register(*names):
    with hw.run("train", capture=False) as run:
        return [run.log_model(name, {"name": name}, metrics={"auc": 0.7}) for name in names]


def test_a_model_is_promoted_rolled_back_and_loaded():
    register("late", "late")
    late = hw.models["late"]
    late.promote(1, reason="first")
    late.promote(2, to="production", reason="better")

    late.rollback(reason="incident 12")

    assert hw.load_model("models/late@production") == {"name": "late"}
    assert (late["production"].version, late[2].stage) == (1, "archived")


def test_all_models_are_listed_by_name_and_searched():
    register("weather", "late-trains", "late-flights")

    assert [model.name for model in hw.models] == ["late-flights", "late-trains", "weather"]
    assert [model.name for model in hw.models.search("name like 'late-%'", order_by="name desc")] == [
        *("late-trains", "late-flights")
    ]


def test_a_version_keeps_the_params_of_its_run():
    with hw.run("train", params={"lr": 0.1}, capture=False) as run:
        version = run.log_model("late", {"weights": 1}, tags={"team": "ops"})

    assert (dict(version.params), dict(version.tags)) == ({"lr": 0.1}, {"team": "ops"})
    assert version.execution_id == run.id


def test_an_unknown_model_is_told_with_near_names():
    register("late-flights")

    with pytest.raises(NotFoundError, match="did you mean late-flights"):
        hw.models["late-flight"].info()
