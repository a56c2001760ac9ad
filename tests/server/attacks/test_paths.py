"""No path leads out of where it begins: in no spelling, in no parameter, at neither door."""

from urllib.parse import quote

import pytest

from headwater.blobs.digests import bytes_digest
from headwater.store.calls import pack
from tests.server.attacks.paths import climbs, escapes, on_the_wire
from tests.server.attacks.victim import PROXY, SECRET

REFUSED = {0, 400, 404, 405}


@pytest.fixture
def untouched(victim):
    """Check that nothing has changed: no row of the store, no file beside it."""
    rows, around = victim.rows(), victim.around()
    yield
    assert victim.rows() == rows
    assert victim.around() == around


def test_no_path_of_the_proxy_reads_or_deletes_anything_outside(victim, untouched):
    for spelled in sorted({each for path in escapes() for each in on_the_wire(path)}):
        for below in ("", f"/0/{victim.run}/artifacts"):
            target = f"{PROXY}{below}/{spelled}"
            assert victim.raw(target) in REFUSED, target
            # What is not there is deleted already, as MLflow has it; see `untouched`.
            assert victim.raw(target, "DELETE") in {200, *REFUSED}, target


def test_no_path_of_the_proxy_writes_anything_outside(victim):
    around, run = victim.around(), victim.new_run()
    for path in escapes():
        for spelled in on_the_wire(path):
            target = f"{PROXY}/0/{run}/artifacts/{spelled}"
            status = victim.raw(target, "PUT", body=b"owned")
            assert status in REFUSED or not climbs(path), target
        where = {"run_uuid": run, "path": path}
        answer = victim.ask("POST", "/ajax-api/2.0/mlflow/upload-artifact", params=where, content=b"owned")
        assert answer.status_code in REFUSED or not climbs(path), path

    assert victim.around() == around
    written = [path for _, path in _walk(victim, run)]
    assert not [path for path in written if ".." in path.split("/") or path.startswith(("/", "~/.."))]


def test_no_path_in_a_parameter_reads_anything_outside(victim, untouched):
    version = {"name": "kept", "version": "1"}
    for path in escapes():
        in_run = {"run_id": victim.run, "path": path}
        for where, query in (
            ("/api/2.0/mlflow/artifacts/list", in_run),
            (PROXY, {"path": path}),
            (PROXY, {"path": f"0/{victim.run}/artifacts/{path}"}),
        ):
            answer = victim.ask("GET", where, params=query)
            assert answer.status_code in REFUSED or not answer.json().get("files"), path
        for where, query in (
            ("/get-artifact", in_run),
            ("/model-versions/get-artifact", version | {"path": path}),
        ):
            assert victim.ask("GET", where, params=query).status_code in REFUSED, path


def test_no_name_is_taken_for_a_path(victim, untouched):
    """Ids and names that are looked up, where somebody could have joined them to a folder."""
    for path in escapes(depth=3):
        for where, query in (
            ("artifacts/list", {"run_id": path}),
            ("runs/get", {"run_id": path}),
            ("experiments/get", {"experiment_id": path}),
            ("registered-models/get", {"name": path}),
            ("model-versions/get-download-uri", {"name": path, "version": "1"}),
            ("model-versions/get", {"name": "kept", "version": path}),
            ("registered-models/alias", {"name": "kept", "alias": path}),
            ("metrics/get-history", {"run_id": path, "metric_key": path}),
        ):
            assert victim.mlflow(where, "GET", **query).status_code in REFUSED, (where, path)
        for call, arguments in (("models.get", {"name": path}), ("artifacts.by_uris", {"uris": [path]})):
            found = victim.ask("POST", f"/api/v1/store/{call}", content=pack(arguments))
            assert found.status_code in REFUSED or found.content in {pack([]), pack({})}, (call, path)
        encoded = quote(path, safe="")
        assert victim.mlflow(f"logged-models/{encoded}", "GET").status_code in REFUSED, path


def test_no_digest_and_no_upload_is_a_path(victim, untouched):
    zeros = "0" * 64
    bad = [
        *escapes(depth=3),
        f"blake3:{zeros}/../x",
        f"blake3:../{zeros}",
        f"blake3:{zeros}%00",
        "blake3:",
        zeros[:32],
    ]
    for path in bad:
        for spelled in on_the_wire(path):
            for kind in ("blobs", "uploads"):
                target = f"/api/v1/{kind}/{spelled}"
                assert victim.raw(target) in REFUSED, target
                removed = victim.raw(target, "DELETE")
                assert removed in {200, *REFUSED}, target
            assert victim.raw(f"/api/v1/blobs/{spelled}", "PUT", body=b"owned") in REFUSED, spelled
            offset = b"Upload-Offset: 0\r\n"
            assert victim.raw(f"/api/v1/uploads/{spelled}", "PATCH", offset, b"owned") in REFUSED, spelled
            with_upload = f"/api/v1/blobs/{bytes_digest(SECRET)}?upload={quote(path, safe='')}"
            assert victim.raw(with_upload, "PUT") in REFUSED, with_upload


def test_a_folder_whose_manifest_leads_out_is_not_stored(victim, untouched):
    for path in ("../x", "/etc/passwd", "a/../../x", "a\\..\\x", "", ".", "a//b", "a\0b"):
        entry = f'{{"path":"{path}","digest":"blake3:{"0" * 64}","size_bytes":1}}'
        body = f"[{entry}]".encode("unicode_escape")
        digest = bytes_digest(body, "blake3-tree")

        assert victim.ask("PUT", f"/api/v1/blobs/{digest}", content=body).status_code == 400, path


def _walk(victim, run, folder=""):
    """Yield all files of a run."""
    found = victim.mlflow("artifacts/list", "GET", run_id=run, path=folder).json()
    for each in found.get("files", []):
        if each.get("is_dir"):
            yield from _walk(victim, run, each["path"])
        else:
            yield run, each["path"]
