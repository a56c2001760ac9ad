"""Files are bytes: the server neither unpacks nor loads any."""

import gzip
import io
import pickle
import tarfile
import zipfile
from pathlib import Path

from headwater.blobs.digests import bytes_digest
from tests.server.attacks.victim import PROXY


def test_an_archive_stays_a_file(victim):
    """Nothing here unpacks anything: an archive that would leave its folder is bytes, and comes back so."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../../../owned.txt", b"owned")
        archive.writestr("/owned.txt", b"owned")
    rolled = io.BytesIO()
    with tarfile.open(fileobj=rolled, mode="w:gz") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    around, run = victim.around(), victim.new_run()

    for name, data in (("slip.zip", packed.getvalue()), ("slip.tar.gz", rolled.getvalue())):
        where = f"{PROXY}/0/{run}/artifacts/{name}"
        assert victim.ask("PUT", where, content=data).status_code == 200
        assert victim.ask("GET", where).content == data

    assert victim.around() == around


class Owned:
    """Does something when somebody unpickles it."""

    def __init__(self, mark):
        self._mark = mark

    def __reduce__(self):
        return (Path.write_text, (self._mark, "owned"))


def test_a_model_that_is_a_trap_is_never_loaded(victim):
    """Uploaded by both doors, registered, given an alias and a stage, listed, and downloaded again."""
    mark, run = victim.folder / "owned.txt", victim.new_run()
    trap = pickle.dumps(Owned(mark))
    yaml = f"flavors:\n  python_function: !!python/object/apply:builtins.open ['{mark}', 'w']\n".encode()
    files = {"model.pkl": trap, "model.joblib": trap, "model.skops": gzip.compress(trap), "MLmodel": yaml}
    for name, data in files.items():
        where = f"{PROXY}/0/{run}/artifacts/model/{name}"
        assert victim.ask("PUT", where, content=data).status_code == 200
        assert victim.ask("PUT", f"/api/v1/blobs/{bytes_digest(data)}", content=data).status_code == 200
    victim.mlflow("registered-models/create", name="trap")
    source = f"mlflow-artifacts:/0/{run}/artifacts/model"
    made = victim.mlflow("model-versions/create", name="trap", source=source, run_id=run)
    assert made.status_code == 200, made.text
    for call, body in (
        ("registered-models/alias", {"name": "trap", "alias": "champion", "version": "1"}),
        ("model-versions/transition-stage", {"name": "trap", "version": "1", "stage": "Production"}),
        ("model-versions/set-tag", {"name": "trap", "version": "1", "key": "k", "value": "v"}),
        ("model-versions/create", {"name": "kept2", "source": "models:/trap/1"}),
    ):
        victim.mlflow(call, **body)
    for name, data in files.items():
        query = {"name": "trap", "version": "1", "path": name}
        assert victim.ask("GET", "/model-versions/get-artifact", params=query).content == data
    victim.mlflow("artifacts/list", "GET", run_id=run, path="model")

    assert not mark.exists()
    pickle.loads(trap)  # it is a trap, indeed
    assert mark.read_text() == "owned"
    mark.unlink()
