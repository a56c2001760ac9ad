"""What a user does with MLflow's own client. Runs in its environment, so nothing of headwater is here."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import os
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import requests
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, ViewType
from mlflow.exceptions import MlflowException


def use(url):
    """Point the client at a server: the one line that a user changes."""
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)


def with_token(token, scenario, arguments):
    """Run another scenario as somebody; return its answer, or the code of what it raises."""
    os.environ["MLFLOW_TRACKING_TOKEN"] = token
    try:
        return globals()[scenario](**arguments)
    except MlflowException as error:
        return error.error_code
    finally:
        del os.environ["MLFLOW_TRACKING_TOKEN"]


def call(method, arguments, named):
    """Call a method of the client, and say that it was done."""
    getattr(MlflowClient(), method)(*arguments, **named)
    return "done"


def log_and_register(experiment, model):
    """Log a model's files to a run, and register them."""
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.log_text("weights", "model/weights.txt")
    client = MlflowClient()
    client.create_registered_model(model)
    source = f"{run.info.artifact_uri}/model"
    client.create_model_version(model, source, run.info.run_id)
    return {"run": run.info.run_id, "experiment": run.info.experiment_id}


def logged_model(experiment_id, model):
    """Log a model as such, register it, and return its id."""
    client = MlflowClient()
    made = client.create_logged_model(experiment_id, "m")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "weights.txt").write_text("weights")
        client.log_model_artifacts(made.model_id, folder)
    client.finalize_logged_model(made.model_id, "READY")
    client.create_model_version(model, f"models:/{made.model_id}", model_id=made.model_id)
    return made.model_id


def download(uri):
    """Return a file's text."""
    with tempfile.TemporaryDirectory() as folder:
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder)).read_text()


def fluent(experiment):
    """Log a nested run in every way that the fluent API has."""
    mlflow.set_experiment(experiment)
    with mlflow.start_run(run_name="outer", tags={"team": "ops"}) as outer:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"depth": 3, "long": "x" * 5000})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"auc": 0.75, "nan": float("nan"), "inf": float("inf")}, step=1)
        mlflow.set_tag("note", "hello")
        mlflow.log_text("one", "notes/a.txt")
        mlflow.log_dict({"k": [1, 2]}, "config.json")
        data = mlflow.data.from_pandas(
            pd.DataFrame({"x": [1, 2, 3]}), name="flights", source="s3://bucket/flights"
        )
        mlflow.log_input(data, context="training")
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_metric("loss", 0.5)
    return {"outer": outer.info.run_id, "inner": inner.info.run_id}


def show_run(run_id):
    """Return a run as the client has it."""
    run = MlflowClient().get_run(run_id)
    return {
        "info": {
            "run_name": run.info.run_name,
            "status": run.info.status,
            "lifecycle_stage": run.info.lifecycle_stage,
            "experiment_id": run.info.experiment_id,
            "artifact_uri": run.info.artifact_uri,
            "user_id": run.info.user_id,
            "has_ended": run.info.end_time is not None,
        },
        "params": run.data.params,
        "metrics": {key: repr(value) for key, value in run.data.metrics.items()},
        "tags": dict(run.data.tags),
        "datasets": [
            {"name": i.dataset.name, "digest": i.dataset.digest, "tags": {t.key: t.value for t in i.tags}}
            for i in run.inputs.dataset_inputs
        ],
    }


def history(run_id, key):
    """Return all points of a metric."""
    return [[m.step, m.value] for m in MlflowClient().get_metric_history(run_id, key)]


def long_history(experiment, points):
    """Log a long series in batches and read it back, page by page."""
    client = MlflowClient()
    run = client.create_run(client.create_experiment(experiment))
    for start in range(0, points, 1000):
        metrics = [Metric("loss", float(i), i, i) for i in range(start, start + 1000)]
        client.log_batch(run.info.run_id, metrics=metrics)
    found = client.get_metric_history(run.info.run_id, "loss")
    return [len(found), found[0].value, found[-1].value, [m.step for m in found] == list(range(points))]


def files(run_id, path=None):
    """Return paths and sizes, as the client lists them."""
    return [[f.path, f.is_dir, f.file_size] for f in MlflowClient().list_artifacts(run_id, path)]


def overwrite_and_delete(run_id):
    """Put a file over another, a tree, and take things away."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        Path(tree, "deep/er").mkdir(parents=True)
        Path(tree, "a.txt").write_text("a")
        Path(tree, "deep/er/b.txt").write_text("bb")
        mlflow.log_artifacts(str(tree), "tree", run_id=run_id)
    client = MlflowClient()
    client.log_text(run_id, "first", "note.txt")
    client.log_text(run_id, "second", "note.txt")
    before = mlflow.artifacts.load_text(f"runs:/{run_id}/note.txt")
    listed = {path: files(run_id, path) for path in ("", "tree", "tree/deep", "nowhere")}
    repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(
        client.get_run(run_id).info.artifact_uri
    )
    repository.delete_artifacts("tree/deep")
    repository.delete_artifacts("note.txt")
    with tempfile.TemporaryDirectory() as folder:
        repository.download_artifacts("tree", folder)
        left = sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())
    return {"before": before, "listed": listed, "left": left, "root": files(run_id)}


def large_file(experiment, megabytes):
    """Send a large file and get it back; tell whether it is the same."""
    mlflow.set_experiment(experiment)
    block = os.urandom(1 << 20)
    with tempfile.TemporaryDirectory() as folder, mlflow.start_run() as run:
        path = Path(folder, "large.bin")
        with path.open("wb") as file:
            for number in range(megabytes):
                file.write(number.to_bytes(4, "big") + block[4:])
        mlflow.log_artifact(str(path))
        back = mlflow.artifacts.download_artifacts(
            run_id=run.info.run_id, artifact_path="large.bin", dst_path=str(Path(folder, "back"))
        )
        with path.open("rb") as sent, Path(back).open("rb") as got:
            same = all(sent.read(1 << 20) == got.read(1 << 20) for _ in range(megabytes + 1))
        return [Path(back).stat().st_size, same]


def searchable(experiment):
    """Make runs to search."""
    client = MlflowClient()
    experiment_id = client.create_experiment(experiment)
    names = []
    for number in range(6):
        run = client.create_run(
            experiment_id,
            start_time=1000 + number,
            run_name=f"Run_{number}",
            tags={"parity": "eo"[number % 2]},
        )
        values = [0.5, float("nan"), 0.25, 0.75, None, -1.0]
        if values[number] is not None:
            client.log_metric(run.info.run_id, "m/a-b", values[number], step=number, timestamp=number)
        if number != 3:
            client.log_param(run.info.run_id, "lr", str(number / 10))
        if number == 5:
            client.set_terminated(run.info.run_id, "FAILED", end_time=5000)
        names.append(run.info.run_id)
    data = mlflow.data.from_numpy(np.zeros(3), name="numbers")
    mlflow.set_experiment(experiment_id=experiment_id)
    with mlflow.start_run(run_id=names[0]):
        mlflow.log_input(data, context="valid")
    return {"experiment": experiment_id, "runs": names}


def search(experiment_ids, filter="", order_by=None, view="ACTIVE_ONLY", max_results=1000):
    """Return the names of the runs that a search finds, over all pages."""
    client, token, names = MlflowClient(), None, []
    while True:
        page = client.search_runs(
            experiment_ids,
            filter,
            run_view_type=getattr(ViewType, view),
            max_results=max_results,
            order_by=order_by,
            page_token=token,
        )
        names.append([run.info.run_name for run in page])
        token = page.token
        if not token:
            return names


def search_all_ways(experiment_id, filters):
    """Return what each filter finds, or the error code."""
    found = {}
    for text in filters:
        try:
            found[text] = sorted(name for page in search([experiment_id], text) for name in page)
        except MlflowException as error:
            found[text] = error.error_code
    return found


def experiments(filter="", order_by=None, view="ACTIVE_ONLY", max_results=1000):
    """Return the names of experiments, page by page."""
    client, token, names = MlflowClient(), None, []
    while True:
        page = client.search_experiments(
            getattr(ViewType, view), max_results, filter, order_by=order_by, page_token=token
        )
        names.append([each.name for each in page])
        token = page.token
        if not token:
            return names


def experiment_life(name):
    """Make, tag, rename, delete and restore an experiment with a run."""
    client = MlflowClient()
    experiment_id = client.create_experiment(name, tags={"a": "1"})
    run = client.create_run(experiment_id)
    client.set_experiment_tag(experiment_id, "b", "2")
    client.delete_experiment_tag(experiment_id, "a")
    client.rename_experiment(experiment_id, f"{name} 2")
    client.delete_experiment(experiment_id)
    deleted = [
        client.get_experiment(experiment_id).lifecycle_stage,
        client.get_run(run.info.run_id).info.lifecycle_stage,
    ]
    refused = code(client.create_run, experiment_id)
    taken = code(client.create_experiment, f"{name} 2")
    client.restore_experiment(experiment_id)
    found = client.get_experiment_by_name(f"{name} 2")
    restored = [found.lifecycle_stage, client.get_run(run.info.run_id).info.lifecycle_stage]
    return {
        "deleted": deleted,
        "refused": refused,
        "taken": taken,
        "restored": restored,
        "tags": found.tags,
        "default": client.get_experiment("0").name,
    }


def run_life(experiment):
    """Change, delete and restore a run."""
    client = MlflowClient()
    run_id = client.create_run(client.create_experiment(experiment)).info.run_id
    client.update_run(run_id, status="FINISHED", name="renamed")
    renamed = client.get_run(run_id).data.tags["mlflow.runName"]
    client.set_tag(run_id, "mlflow.runName", "again")
    client.delete_run(run_id)
    refused = [
        code(client.log_metric, run_id, "m", 1),
        code(client.set_tag, run_id, "t", "1"),
        code(client.log_param, run_id, "p", "1"),
        code(client.log_batch, run_id, params=[Param("p", "1")]),
    ]
    client.restore_run(run_id)
    client.set_tag(run_id, "t", "1")
    client.delete_tag(run_id, "t")
    return {"renamed": renamed, "refused": refused, "name": client.get_run(run_id).info.run_name}


def errors():
    """Return the code and the beginning of the message of each mistake."""
    client = MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_param(run_id, "p", "1")
    client.log_param(run_id, "p", "1")
    return {
        "no experiment": code(client.get_experiment, "999999"),
        "bad experiment id": code(client.get_experiment, "abc"),
        "no run": code(client.get_run, "0" * 32),
        "experiment is there": code(client.create_experiment, "Default"),
        "param changed": code(client.log_param, run_id, "p", "2"),
        "no tag": code(client.delete_tag, run_id, "none"),
        "bad filter": code(client.search_runs, ["0"], "metrics.a ="),
        "bad page": code(client.search_runs, ["0"], page_token="nonsense"),
        "too many results": code(client.search_runs, ["0"], max_results=50_001),
        "no file": code(mlflow.artifacts.download_artifacts, run_id=run_id, artifact_path="none.txt"),
        "path out of the run": code(client.list_artifacts, run_id, "../x"),
    }


def autolog(experiment):
    """Fit a model with automatic logging, and return what was logged."""
    from sklearn.linear_model import LogisticRegression

    mlflow.set_experiment(experiment)
    mlflow.sklearn.autolog(log_models=False, silent=True)
    x = np.arange(40.0).reshape(-1, 2)
    with mlflow.start_run() as run:
        LogisticRegression(C=0.5).fit(x, x[:, 0] > 20)
    mlflow.sklearn.autolog(disable=True)
    found = MlflowClient().get_run(run.info.run_id)
    return {
        "C": found.data.params["C"],
        "metrics": sorted(found.data.metrics),
        "files": sorted(f.path for f in MlflowClient().list_artifacts(run.info.run_id)),
        "contexts": [t.value for i in found.inputs.dataset_inputs for t in i.tags],
    }


def examples(blocks):
    """Run examples of the docs one after the other."""
    mlflow.set_experiment("flights")
    for block in blocks:
        exec(block, {})


def code(call, *arguments, **named):
    """Return the error code of a call that fails."""
    try:
        call(*arguments, **named)
    except MlflowException as error:
        return error.error_code
    except requests.HTTPError as error:
        return error.response.json()["error_code"]
    return None
