"""No model version makes the server, or whoever loads it, read a file that is nobody's model."""

from tests.server.attacks.paths import escapes
from tests.server.attacks.victim import PROXY, SECRET


def sources(victim):
    """Return places that no version may come from, given a run of this server."""
    run = victim.run
    root = f"mlflow-artifacts:/0/{run}/artifacts"
    secret = str(victim.secret)
    return [
        secret,
        f"file:{secret}",
        f"file://{secret}",
        f"file://localhost{secret}",
        f"file://LOCALHOST{secret}",
        f"file://127.0.0.1{secret}",
        f"FILE://{secret}",
        f"File:{secret}",
        f"file:////{secret}",
        f"//localhost{secret}",
        f"%66ile://{secret}",
        f"file%3A//{secret}",
        f" file://{secret}",
        f"\tfile://{secret}",
        f"fi\nle://{secret}",
        ".",
        "..",
        "/",
        "\\\\localhost\\c$",
        "C:\\windows",
        "c:/windows",
        f"runs:/{run}/../../..{secret}",
        f"runs:/{run}/%2e%2e/%2e%2e{secret}",
        f"runs:/{run}/%252e%252e{secret}",
        f"RUNS:/{'0' * 32}/model",
        f"runs:/{'0' * 32}/model",
        f"runs://host/{run}/model",
        f"{root}/../../..{secret}",
        f"{root}/%2e%2e/x",
        f"{root}/%252e%252e/x",
        f"{root}/a\0b",
        f"{root}\\..\\x",
        f"mlflow-artifacts:/0/{'0' * 32}/artifacts",
        f"mlflow-artifacts:/1/{run}/artifacts",
        "mlflow-artifacts:/",
        "MLFLOW-ARTIFACTS:/0",
        "mlflow-artifacts://evil.example/0/x/artifacts",
        f"http://evil.example{PROXY}/0/x",
        "models:/nobody/1",
        "models:/m-00000000000000000000000000000000",
        "models://evil.example/kept/1",
        "models:/kept/../../x",
        f"s3://bucket/../{secret}",
        "s3://bucket/%2e%2e/x",
        "s3://bucket/a/..;/../x",
        "http://[::1",
        "",
    ]


def test_no_version_comes_from_a_file_of_the_machine(victim):
    before = victim.mlflow("registered-models/get", "GET", name="kept").json()
    for source in sources(victim):
        for named in ({"run_id": victim.run}, {}, {"run_id": victim.run, "model_id": "m-0"}):
            answer = victim.mlflow("model-versions/create", name="kept", source=source, **named)
            assert answer.status_code in {400, 404}, (source, named)

    assert victim.mlflow("registered-models/get", "GET", name="kept").json() == before


def test_no_place_of_an_experiment_makes_the_server_read_a_file(victim):
    """Any place may be named, as clients write there; the server itself opens none."""
    for number, place in enumerate(
        (f"file://{victim.folder}", str(victim.folder), "file:///", "/", "", "..", *escapes(3))
    ):
        made = victim.mlflow("experiments/create", name=f"place {number}", artifact_location=place)
        if made.status_code != 200:
            continue
        run = victim.mlflow("runs/create", experiment_id=made.json()["experiment_id"])
        run_id = run.json()["run"]["info"]["run_id"]
        for path in ("secret.txt", "../../secret.txt", "etc/passwd", ""):
            assert not victim.mlflow("artifacts/list", "GET", run_id=run_id, path=path).json().get("files")
            query = {"run_id": run_id, "path": path}
            assert victim.ask("GET", "/get-artifact", params=query).status_code in {400, 404}
        source = f"{place.rstrip('/')}/{run_id}/artifacts"
        version = victim.mlflow("model-versions/create", name="kept", source=source, run_id=run_id)
        if version.status_code == 200:
            number = version.json()["model_version"]["version"]
            query = {"name": "kept", "version": number, "path": "../../secret.txt"}
            assert victim.ask("GET", "/model-versions/get-artifact", params=query).status_code in {400, 404}
            query["path"] = "secret.txt"
            assert SECRET not in victim.ask("GET", "/model-versions/get-artifact", params=query).content
            victim.mlflow("model-versions/delete", "DELETE", name="kept", version=number)


WEBHOOKS = (
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://[::ffff:169.254.169.254]/latest/meta-data",
    "https://localhost./x",
    "http://127.0.0.1:80/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:5151/_POST",
    "https://8.8.8.8@127.0.0.1/x",
    "https://127.0.0.1#@8.8.8.8/x",
    "https://8.8.8.8\r\nHost: 127.0.0.1/x",
)
"""A few of each kind: spellings, redirects and rebinding are in `tests/compat/mlflow/test_webhooks.py`."""


def test_no_webhook_points_into_this_network(victim):
    rows = victim.rows()
    for url in WEBHOOKS:
        events = [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]
        made = victim.mlflow("webhooks", name="inwards", url=url, events=events)
        assert made.status_code == 400, url
    assert victim.rows() == rows
