"""What a user does with models in MLflow's own client; runs in its environment, without headwater."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false

import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModelInput
from mlflow.exceptions import MlflowException
from sklearn.linear_model import LogisticRegression

X = np.array([[0.0], [1.0], [2.0], [3.0]])
Y = np.array([0, 0, 1, 1])


def code_of(call, *arguments, **fields):
    """Return what a call answers, or the code that it is refused with."""
    try:
        call(*arguments, **fields)
    except MlflowException as error:
        return error.error_code
    return None


def train(experiment, name):
    """Train with automatic logging, log the model, register it, and load it in every way."""
    mlflow.set_experiment(experiment)
    mlflow.sklearn.autolog(log_models=False, silent=True)
    with mlflow.start_run() as run:
        model = LogisticRegression().fit(X, Y)
        info = mlflow.sklearn.log_model(
            model, name="model", registered_model_name=name, pip_requirements=["scikit-learn"]
        )
    mlflow.sklearn.autolog(disable=True)
    client = MlflowClient()
    client.set_registered_model_alias(name, "champion", "1")
    client.transition_model_version_stage(name, "1", "production")
    version = client.get_model_version_by_alias(name, "champion")
    uris = [
        f"models:/{name}/1",
        f"models:/{name}@champion",
        f"models:/{name}/Production",
        f"models:/{name}/latest",
        f"models:/{info.model_id}",
        f"runs:/{run.info.run_id}/model",
    ]
    return {
        "run_id": run.info.run_id,
        "model_id": info.model_id,
        "status": str(client.get_logged_model(info.model_id).status),
        "version": [version.version, version.run_id, version.current_stage, version.source],
        "outputs": [o.model_id for o in client.get_run(run.info.run_id).outputs.model_outputs],
        "predicted": [mlflow.pyfunc.load_model(uri).predict(X).tolist() for uri in uris],
        "files": sorted(f.path for f in client.list_logged_model_artifacts(info.model_id)),
        "inputs": using(info.model_id),
    }


def using(model_id):
    """Say that a run reads a model, and return the models that the run read."""
    client = MlflowClient()
    run = client.create_run("0")
    client.log_inputs(run.info.run_id, models=[LoggedModelInput(model_id)])
    return [m.model_id for m in client.get_run(run.info.run_id).inputs.model_inputs]


def described(version):
    """Return a version as plain values, without times."""
    return {
        "version": version.version,
        "stage": version.current_stage,
        "description": version.description,
        "source": version.source,
        "run_id": version.run_id,
        "tags": dict(version.tags),
        "aliases": sorted(version.aliases),
        "status": version.status,
    }


def every_call(name):
    """Make every call on registered models once."""
    client = MlflowClient()
    found = {}
    model = client.create_registered_model(name, {"team": "ops"}, "what it does")
    found["created"] = [model.name, model.description, model.tags, model.aliases, model.latest_versions]
    found["again"] = code_of(client.create_registered_model, name)
    for number in range(3):
        client.create_model_version(name, f"s3://bucket/{number}", tags={"n": str(number)})
    client.update_registered_model(name, "better")
    client.set_registered_model_tag(name, "team", "ml")
    client.set_registered_model_tag(name, "gone", "1")
    client.delete_registered_model_tag(name, "gone")
    client.delete_registered_model_tag(name, "gone")
    client.update_model_version(name, "1", "the first")
    client.set_model_version_tag(name, "1", "seen", "yes")
    client.set_model_version_tag(name, "1", "gone", "1")
    client.delete_model_version_tag(name, "1", "gone")
    client.set_registered_model_alias(name, "a", "1")
    client.set_registered_model_alias(name, "b", "1")
    client.set_registered_model_alias(name, "a", "2")
    client.transition_model_version_stage(name, "1", "STAGING")
    client.transition_model_version_stage(name, "2", "staging", archive_existing_versions=True)
    client.transition_model_version_stage(name, "2", "Production")
    client.transition_model_version_stage(name, "3", "production", archive_existing_versions=True)
    found["uri"] = client.get_model_version_download_uri(name, "1")
    found["versions"] = [described(client.get_model_version(name, str(n))) for n in (1, 2, 3)]
    found["latest"] = sorted((v.version, v.current_stage) for v in client.get_latest_versions(name))
    found["of stage"] = [v.version for v in client.get_latest_versions(name, ["Archived"])]
    client.rename_registered_model(name, f"{name}-new")
    model = client.get_registered_model(f"{name}-new")
    found["renamed"] = [model.name == f"{name}-new", dict(model.tags), model.description, dict(model.aliases)]
    found["old name"] = code_of(client.get_registered_model, name)
    name = f"{name}-new"
    client.delete_registered_model_alias(name, "b")
    client.delete_registered_model_alias(name, "b")
    found["no alias"] = code_of(client.get_model_version_by_alias, name, "b")
    client.delete_model_version(name, "2")
    found["deleted"] = code_of(client.get_model_version, name, "2")
    found["alias went along"] = dict(client.get_registered_model(name).aliases)
    found["next"] = client.create_model_version(name, "s3://bucket/4").version
    found["held"] = code_of(client.delete_registered_model, name)
    client.transition_model_version_stage(name, "3", "Archived")
    client.delete_registered_model(name)
    found["gone"] = code_of(client.get_registered_model, name)
    return found


def searched(prefix):
    """Search models and versions in every way."""
    client = MlflowClient()
    for letter in "abc":
        client.create_registered_model(f"{prefix}-{letter}", {"letter": letter})
        for number in range(2):
            client.create_model_version(
                f"{prefix}-{letter}", f"s3://x/{letter}{number}", tags={"n": str(number)}
            )
    mlflow.genai.register_prompt(f"{prefix}-prompt", "Hello")

    def models(text, **fields):
        return [m.name[len(prefix) + 1 :] for m in client.search_registered_models(text, **fields)]

    def versions(text, **fields):
        found = client.search_model_versions(text, **fields)
        return [f"{v.name[len(prefix) + 1 :]}{v.version}" for v in found]

    here = f"name LIKE '{prefix}%'"
    first = client.search_registered_models(here, max_results=2)
    return {
        "all": models(here),
        "desc": models(here, order_by=["name DESC"]),
        "pages": [len(first), models(here, max_results=2, page_token=first.token)],
        "tag": models(f"{here} AND tags.letter = 'b'"),
        "not": models(f"{here} AND tags.letter != 'b'"),
        "in": models(f"name IN ('{prefix}-a', '{prefix}-c')"),
        "or": models(f"name = '{prefix}-a' OR (name = '{prefix}-b' AND tags.letter = 'b')"),
        "ilike": models(f"name ILIKE '{prefix.upper()}-B'"),
        "prompts": models(f"{here} AND tags.`mlflow.prompt.is_prompt` = 'true'"),
        "no prompts": models(f"{here} AND tags.`mlflow.prompt.is_prompt` = 'false'"),
        "versions": versions(f"name = '{prefix}-a'", order_by=["version_number ASC"]),
        "default": versions(f"name LIKE '{prefix}%' AND tags.n = '1'", order_by=["name DESC"]),
        "number": versions(f"name LIKE '{prefix}%' AND version_number > 1", order_by=["name ASC"]),
        "source": versions(f"source_path = 's3://x/{'b'}0' AND name LIKE '{prefix}%'"),
        "bad": code_of(client.search_registered_models, "size > 3"),
        "bad order": code_of(client.search_model_versions, here, order_by=["size"]),
        "too many": code_of(client.search_registered_models, max_results=1001),
    }


def mistakes(name):
    """Return the codes of what is refused."""
    client = MlflowClient()
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/1")
    run = client.create_run("0")
    other = client.create_run("0")
    root, strange = run.info.artifact_uri, other.info.artifact_uri
    create = client.create_model_version
    return {
        "no model": code_of(client.get_registered_model, f"{name}-x"),
        "no version": code_of(client.get_model_version, name, "9"),
        "bad version": code_of(client.get_model_version, name, "one"),
        "bad name": code_of(client.create_registered_model, "a/b"),
        "blank": code_of(client.create_registered_model, " "),
        "reserved": [
            code_of(client.set_registered_model_alias, name, a, "1") for a in ("latest", "v1", "a b")
        ],
        "alias of nothing": code_of(client.set_registered_model_alias, name, "x", "9"),
        "stage": code_of(client.transition_model_version_stage, name, "1", "nowhere"),
        "archive": code_of(client.transition_model_version_stage, name, "1", "None", True),
        "local": code_of(create, name, "/etc/passwd"),
        "file": code_of(create, name, "file:///etc/passwd", run.info.run_id),
        "up": [
            code_of(create, name, f"{root}/{up}/x", run.info.run_id)
            for up in ("..", "%2e%2e", "%252e%252e", "a/../..", "..%2f..", "%00")
        ],
        "of another run": code_of(create, name, strange, run.info.run_id),
        "of no run": code_of(create, name, root),
        "own": code_of(create, name, f"{root}/model", run.info.run_id),
        "runs of another": code_of(create, name, f"runs:/{other.info.run_id}/m", run.info.run_id),
        "no logged model": code_of(create, name, f"models:/m-{'0' * 32}", model_id=f"m-{'0' * 32}"),
        "backslash": code_of(create, name, "s3:\\\\bucket\\x"),
    }


def logged(experiment):
    """Make logged models in every way and search them."""
    client = MlflowClient()
    experiment_id = client.create_experiment(experiment)
    models = [
        client.create_logged_model(
            experiment_id, name, tags={"t": name}, params={"p": str(n)}, model_type="agent"
        )
        for n, name in enumerate(["one", "two", "three"])
    ]
    run = client.create_run(experiment_id)
    for n, model in enumerate(models):
        client.log_metric(run.info.run_id, "auc", n / 10, step=n, model_id=model.model_id)
        client.log_metric(
            run.info.run_id,
            "auc",
            1 - n / 10,
            step=9,
            model_id=model.model_id,
            dataset_name="d",
            dataset_digest="1",
        )
    client.finalize_logged_model(models[0].model_id, "READY")
    client.finalize_logged_model(models[1].model_id, "FAILED")
    client.set_logged_model_tags(models[0].model_id, {"more": "yes"})
    client.delete_logged_model_tag(models[0].model_id, "t")
    client.log_model_params(models[0].model_id, {"q": "7"})

    def names(text=None, **fields):
        found = client.search_logged_models([experiment_id], filter_string=text, **fields)
        return [model.name for model in found]

    first = client.get_logged_model(models[0].model_id)
    found = {
        "first": [first.name, str(first.status), first.tags, first.params, first.model_type],
        "metrics": [[m.key, m.value, m.step, m.dataset_name] for m in first.metrics],
        "all": names(),
        "ready": names("status = 'READY'"),
        "name": names("name LIKE 't%'", order_by=[{"field_name": "name", "ascending": True}]),
        "metric": names("metrics.auc > 0.85", order_by=[{"field_name": "metrics.auc", "ascending": False}]),
        "param": names("params.p = '2'"),
        "tag": names("tags.t = 'two'"),
        "data": names(
            datasets=[{"dataset_name": "d"}],
            order_by=[{"field_name": "metrics.auc", "dataset_name": "d", "dataset_digest": "1"}],
        ),
        "no data": names(datasets=[{"dataset_name": "e"}]),
        "bad": code_of(names, "size = 3"),
        "bad order": code_of(names, order_by=[{"field_name": "size"}]),
    }
    client.delete_logged_model(models[2].model_id)
    found["deleted"] = code_of(client.get_logged_model, models[2].model_id)
    found["left"] = len(names())
    return found


def native(name):
    """Download a version that was registered without MLflow, and try to load it."""
    client = MlflowClient()
    (version,) = client.search_model_versions(f"name = '{name}'")
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/1", dst_path=folder)
        files = {
            str(p.relative_to(path)): p.read_text() for p in sorted(Path(path).rglob("*")) if p.is_file()
        }
    problem = ""
    try:
        mlflow.pyfunc.load_model(f"models:/{name}/1")
    except MlflowException as error:
        problem = error.message
    return {"source": version.source, "files": files, "problem": problem}


def twice(experiment, names):
    """Register one logged model under two names."""
    client = MlflowClient()
    model = client.create_logged_model(client.create_experiment(experiment), "shared")
    client.finalize_logged_model(model.model_id, "READY")
    for name in names:
        client.create_registered_model(name)
        client.create_model_version(name, f"models:/{model.model_id}", model_id=model.model_id)
    client.create_model_version(names[1], f"models:/{names[0]}/1")
    return [client.get_model_version_download_uri(names[0], "1"), model.artifact_location]


def prompts(name):
    """Register and load prompts."""
    mlflow.genai.register_prompt(name, "Hello {{who}}", commit_message="first", tags={"team": "ops"})
    mlflow.genai.register_prompt(name, "Hi {{who}}")
    mlflow.genai.set_prompt_alias(name, "best", 1)
    loaded = mlflow.genai.load_prompt(f"prompts:/{name}@best")
    return [loaded.template, loaded.version, code_of(MlflowClient().create_registered_model, name)]


def move(name, version, stage):
    """Move a version to a stage."""
    return MlflowClient().transition_model_version_stage(name, version, stage).current_stage


def fill_database(url, folder):
    """Fill a database of MLflow's own, without a server, and tell what is in it."""
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    client = MlflowClient()
    experiment_id = client.create_experiment("old", artifact_location=folder, tags={"team": "ops"})
    mlflow.set_experiment(experiment_id=experiment_id)
    with mlflow.start_run(run_name="outer") as outer:
        mlflow.log_params({"lr": "0.1", "depth": 3})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metric("nan", float("nan"))
        mlflow.log_text("hello", "notes/a.txt")
        data = mlflow.data.from_numpy(X, name="flights")
        mlflow.log_input(data, context="train")
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_metric("loss", 2.0)
        info = mlflow.sklearn.log_model(
            LogisticRegression().fit(X, Y), name="model", pip_requirements=["scikit-learn"]
        )
    gone = client.create_run(experiment_id, run_name="gone")
    client.delete_run(gone.info.run_id)
    client.create_registered_model("late", {"a": "b"}, "what it does")
    client.create_model_version("late", f"models:/{info.model_id}", outer.info.run_id, model_id=info.model_id)
    for number in range(3):
        client.create_model_version("late", f"s3://bucket/{number}", tags={"n": str(number)})
    client.delete_model_version("late", "2")
    client.transition_model_version_stage("late", "1", "Production")
    client.transition_model_version_stage("late", "3", "Staging")
    client.set_registered_model_alias("late", "champion", "1")
    version = client.get_model_version("late", "1")
    return {
        "outer": outer.info.run_id,
        "inner": inner.info.run_id,
        "gone": gone.info.run_id,
        "model_id": info.model_id,
        "start": client.get_run(outer.info.run_id).info.start_time,
        "end": client.get_run(outer.info.run_id).info.end_time,
        "created": version.creation_timestamp,
    }


def fill_source(url, folder=None):
    """Fill a folder or a server as `fill_database` does, and with what matters there."""
    made = fill_database(url, folder)
    client = MlflowClient()
    mlflow.set_experiment("odd")
    with mlflow.start_run(run_name="odd") as odd:
        mlflow.log_params({"a/b": "two\r\nlines", "empty": "", "ü": "é"})
        mlflow.log_metrics({"loss/train": float("inf")}, step=-1)
        mlflow.log_text("in its place", "deep/er/b c.txt")
        mlflow.log_input(mlflow.data.from_numpy(X, name="flights"), context="test", tags={"t": "u"})
        client.log_inputs(odd.info.run_id, models=[LoggedModelInput(model_id=made["model_id"])])
    trashed = client.create_experiment("trashed")
    run = client.create_run(trashed, run_name="trashed")
    client.log_param(run.info.run_id, "p", "1")
    client.log_text(run.info.run_id, "kept", "t.txt")
    client.set_terminated(run.info.run_id)
    client.delete_experiment(trashed)
    return made | {"odd": odd.info.run_id, "trashed": run.info.run_id}


def grow_database(url, run_id):
    """Log a little more into a database of MLflow's own."""
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    client = MlflowClient()
    client.log_metric(run_id, "loss", 0.1, step=9)
    client.create_model_version("late", "s3://bucket/9")
