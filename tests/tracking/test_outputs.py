import enum
import json

import numpy as np
import pytest

from headwater.errors import InvalidError, NotFoundError, UnavailableError
from headwater.model.graph import ArtifactState, EventType
from headwater.model.models import NewVersion
from headwater.tracking import log_dataset, start_run


@pytest.fixture
def run(session):
    return start_run(session, "e", capture=False)


def edges(session, run):
    events = session.store.links.events_of_executions([run.id])
    return [(event.type, event.path, event.artifact_id) for event in events]


def test_a_file_becomes_a_live_output_with_its_bytes(session, run, tmp_path):
    (tmp_path / "roc.csv").write_bytes(b"0,1\n")

    found = run.log_artifact(tmp_path / "roc.csv")

    assert (found.state, found.size_bytes, found.properties["kind"]) == (ArtifactState.LIVE, 4, "file")
    assert session.blobs.read(found.digest) == b"0,1\n"
    assert edges(session, run) == [(EventType.OUTPUT, ("roc.csv",), found.id)]


def test_a_folder_is_one_artifact(session, run, tmp_path):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "a.txt").write_text("a")

    found = run.log_artifact(str(tmp_path / "out"), "report")

    assert [entry.path for entry in session.blobs.manifest(found.digest)] == ["deep/a.txt"]
    assert found.properties["kind"] == "folder"


def test_the_same_bytes_again_are_the_same_artifact_and_others_a_new_one(run):
    first, again, other = (run.log_text(text, "notes.txt") for text in ("a", "a", "b"))

    assert first == again
    assert other.name == f"{first.name}#2"
    assert run.log_text("b", "notes.txt") == other


def test_a_dict_is_readable_json(session, run):
    kind = enum.Enum("Kind", ["A"])

    found = run.log_dict({"n": np.float32(0.5), "kind": kind.A, "ü": [1, None]}, "config.json")

    assert json.loads(session.blobs.read(found.digest)) == {"n": 0.5, "kind": "A", "ü": [1, None]}


def test_a_dict_that_holds_itself_is_refused(run):
    loop = {}
    loop["self"] = loop

    with pytest.raises(InvalidError, match="cannot be written as JSON"):
        run.log_dict(loop, "x.json")


def test_figures_are_rendered_by_their_suffix(session, run):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    figure.add_subplot().plot([1, 2])

    png, svg = run.log_figure(figure, "roc"), run.log_figure(figure, "roc.svg")

    assert session.blobs.read(png.digest).startswith(b"\x89PNG")
    assert b"<svg" in session.blobs.read(svg.digest)
    assert png.name.endswith("/roc.png")


class Plot:
    """What matplotlib's figures have."""

    def savefig(self, target, format):
        target.write(f"drawn as {format}".encode())


def test_anything_with_savefig_is_a_figure(session, run):
    found = run.log_figure(Plot(), "plots/roc")

    assert session.blobs.read(found.digest) == b"drawn as png"
    with pytest.raises(InvalidError, match="a list is no figure"):
        run.log_figure([], "x.png")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a\\b", "a//b", "a/../b", "", "a\n", "./a", "a/"], ids=repr
)
def test_a_name_that_leaves_its_place_is_refused(session, run, name):
    with pytest.raises(InvalidError):
        run.log_text("x", name)

    assert edges(session, run) == []


def test_a_missing_file_is_said(run, tmp_path):
    with pytest.raises(NotFoundError, match=r"nothing\.csv"):
        run.log_artifact(tmp_path / "nothing.csv")


def test_an_artifact_needs_the_store(run, store):
    store.is_down = True

    with pytest.raises(UnavailableError):
        run.log_text("x", "x.txt")


def test_a_run_uses_data_models_and_artifacts_once_each(session, run):
    data = log_dataset(session, "flights/train", [{"a": 1}])
    model = session.store.models.add_version(NewVersion(model="late"), actor="me")
    text = run.log_text("x", "x.txt")
    other = start_run(session, "e", capture=False)

    for thing in (data, data.data_version, data.ref, "data/flights/train", model, model.ref, "models/late"):
        assert other.use(thing) is thing
    other.use(f"artifacts/{text.id}", name="notes")

    assert edges(session, other) == [
        (EventType.INPUT, ("flights/train",), data.artifact_id),
        (EventType.INPUT, ("late",), model.id),
        (EventType.INPUT, ("notes",), text.id),
    ]


def test_a_run_makes_data(session, run):
    data = log_dataset(session, "flights/clean", [{"a": 1}])

    assert run.log_dataset(data) is data

    assert edges(session, run) == [(EventType.OUTPUT, ("flights/clean",), data.artifact_id)]


def test_what_is_no_artifact_is_refused(run):
    with pytest.raises(InvalidError, match="a run cannot read or make a int"):
        run.use(3)
    with pytest.raises(InvalidError, match="is no data version"):
        run.use(run.ref)
    with pytest.raises(NotFoundError):
        run.use("data/missing/1")


def test_half_a_surrogate_pair_in_text_is_stored_as_its_escape(session, run):
    found = run.log_text("half \ud83d, whole \U0001f600", "notes.txt")

    assert session.blobs.read(found.digest).decode() == "half \\ud83d, whole \U0001f600"
