"""The same calls to our server and to MLflow's, with answers in which ids and times do not matter."""

import json
import os
import re
import uuid
from collections.abc import Callable
from typing import Any

from tests.compat.mlflow.peer import Original
from tests.compat.mlflow.serving import Served

EXAMPLES = int(os.environ.get("HEADWATER_TEST_MLFLOW_EXAMPLES", "25"))
IS_EVERY_DAY = "HEADWATER_TEST_MLFLOW_EXAMPLES" not in os.environ
"""The same calls each time; a longer run, which says how many it wants, draws others."""

MASKED = {
    *("creation_time", "last_update_time", "creation_timestamp_ms", "last_updated_timestamp_ms"),
    *("next_page_token", "sqlstate", "error_class"),
}
UNORDERED = ("metrics", "params", "tags")
READS = {"runs/get", "experiments/get", "experiments/get-by-name", "metrics/get-history", "artifacts/list"}

OF_PAGES = {"experiments/search-datasets"}
"""What MLflow answers only its web pages."""

Answer = tuple[int, Any]


def without(value: Any, is_left_out: Callable[[dict[str, Any], str], bool]) -> Any:
    """Leave fields out of an answer, wherever they stand; an object and a name in it tell which."""
    match value:
        case dict():
            kept = {name: each for name, each in value.items() if not is_left_out(value, name)}
            return {name: without(each, is_left_out) for name, each in kept.items()}
        case list() | tuple():
            return type(value)(without(each, is_left_out) for each in value)
        case _:
            return value


class Twins:
    """One experiment on both servers, and the runs in it, by number.

    In a call's fields `$exp` stands for the experiment's id, `$name` for its name, `$0` for the first run and
    `$m0` for the first logged model.
    """

    def __init__(self, ours: Served, theirs: Original) -> None:
        self._ours, self._theirs = ours, theirs
        self.name = f"twins {uuid.uuid4().hex}"
        self._known: list[dict[str, str]] = [{}, {}]
        self.run_count = self.model_count = 0
        answers = self._ask("experiments/create", {"name": self.name})
        for known, (_, made) in zip(self._known, answers, strict=True):
            known["$exp"] = made["experiment_id"]
            known["$name"] = self.name

    def call(self, endpoint: str, method: str = "", /, **fields: Any) -> tuple[Answer, Answer]:
        """Return what ours and theirs answer; `{field}` in an endpoint stands for a field."""
        answers = self._ask(endpoint, fields, method)
        if endpoint == "runs/create" and answers[0][0] == answers[1][0] == 200:
            for known, (_, made) in zip(self._known, answers, strict=True):
                known[f"${self.run_count}"] = made["run"]["info"]["run_id"]
            self.run_count += 1
        if endpoint == "logged-models" and answers[0][0] == answers[1][0] == 200:
            for known, (_, made) in zip(self._known, answers, strict=True):
                known[f"$m{self.model_count}"] = made["model"]["info"]["model_id"]
            self.model_count += 1
        ours, theirs = (
            (status, _plain(_named(body, known)))
            for known, (status, body) in zip(self._known, answers, strict=True)
        )
        return ours, theirs

    def _ask(self, endpoint: str, fields: dict[str, Any], method: str = "") -> list[Answer]:
        method = method or ("GET" if endpoint in READS else "POST")
        path = f"/{'ajax-api' if endpoint in OF_PAGES else 'api'}/2.0/mlflow/{endpoint}"
        mine, its = (_filled(fields, known) for known in self._known)
        said = {"params": mine} if method == "GET" else {"json": mine}
        answer = self._ours.http.request(method, path.format(**mine), **said)
        return [(answer.status_code, answer.json()), self._theirs.ask(method, path.format(**its), its)]


def _filled(fields: Any, known: dict[str, str]) -> Any:
    text = json.dumps(fields)
    for name, value in known.items():
        text = text.replace(json.dumps(name), json.dumps(value)).replace(f"<{name}>", value)
    return json.loads(text)


def _named(body: Any, known: dict[str, str]) -> Any:
    """Put names in place of ids."""
    text = json.dumps(body)
    for name, value in known.items():
        if name[1:].lstrip("m").isdigit():
            text = text.replace(value, name)
    text = text.replace(json.dumps(known["$exp"]), '"$exp"').replace(
        f"mlflow-artifacts:/{known['$exp']}", "$root"
    )
    text = re.sub(rf"(id=|id |experiment ){known['$exp']}\b", r"\1$exp", text)
    return json.loads(text)


def _plain(body: Any) -> Any:
    """Leave out times and what has no counterpart, and order what has no order."""
    match body:
        case dict():
            found = {name: _plain(value) for name, value in body.items() if name not in MASKED}
            for name in UNORDERED:
                # A history has one key, and an order.
                if len({each["key"] for each in found.get(name, ())}) > 1:
                    found[name] = sorted(found[name], key=json.dumps)
            # MLflow asks its database for them without an order.
            found.get("dataset_inputs", []).sort(key=lambda each: json.dumps(each, sort_keys=True))
            return found
        case list():
            return [_plain(each) for each in body]
        case _:
            return body
