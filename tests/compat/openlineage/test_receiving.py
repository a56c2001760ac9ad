"""What events leave in the graph."""

import pytest

from headwater.errors import InvalidError
from headwater.model.graph import ExecutionState, NodeKind
from headwater.sdk import Client
from tests.compat.openlineage.story import at, data, happened, run_id, said

SCHEMA = {"fields": [{"name": "carrier", "type": "string"}, {"name": "delay", "type": "float"}, "odd"]}


def run_of(store, number=1):
    [found] = store.executions.by_external_ids([f"openlineage:{run_id(number)}"])
    return found


def members(store, context):
    ties = store.links.executions_of_contexts([context.id])
    return {store.executions.get([tie.execution_id])[0].name for tie in ties}


def context_of(store, type_name, name):
    return store.contexts.find(store.types.find(NodeKind.CONTEXT, type_name).id, name)


def test_a_run_ties_what_it_read_to_what_it_wrote(door, store, upstream):
    door.receive(happened("START", 0, inputs=data("raw")))
    found = door.receive(happened("COMPLETE", 5, outputs=data("clean", schema=SCHEMA)))

    assert (found.inputs, found.outputs) == (("data/s3://lake/raw/1",), ("data/s3://lake/clean/1",))
    assert upstream("data/s3://lake/clean/1") == ["data/s3://lake/raw/1"]
    run = run_of(store)
    assert (run.name, run.state) == (f"airflow/features/{run_id(1)}", ExecutionState.COMPLETE)
    times = [run.properties[name] for name in ("started_ms", "ended_ms")]
    assert times == [1_382_680_800_000, 1_382_681_100_000]
    version = store.data.version("s3://lake/clean")
    assert version.uri == "s3://lake/clean"
    assert version.properties["schema"] == [
        {"name": "carrier", "dtype": "string"},
        {"name": "delay", "dtype": "float"},
    ]


def test_each_run_writes_a_version_and_the_next_reads_the_newest(door, upstream):
    for number in (1, 2):
        door.receive(happened("COMPLETE", 10 * number, run=number, outputs=data("raw")))
        last = happened(
            "COMPLETE", 10 * number + 5, run=10 + number, inputs=data("raw"), outputs=data("clean")
        )
        door.receive(last)

    assert [upstream(f"data/s3://lake/clean/{n}") for n in (1, 2)] == [
        ["data/s3://lake/raw/1"],
        ["data/s3://lake/raw/2"],
    ]


def test_who_wrote_may_tell_later_than_who_began_to_read(door, upstream):
    # dbt sends the starts of all models before the end of the first.
    door.receive(happened("START", 0, run=1, outputs=data("features")))
    door.receive(happened("START", 3, run=2, inputs=data("features")))
    door.receive(happened("COMPLETE", 2, run=1, outputs=data("features")))
    done = door.receive(happened("COMPLETE", 4, run=2, outputs=data("late")))

    assert done.inputs == ("data/s3://lake/features/1",)
    assert upstream("data/s3://lake/late/1") == ["data/s3://lake/features/1"]


def test_events_of_long_ago_are_about_what_was_there_then(door):
    for number in (1, 2, 3):
        door.receive(happened("COMPLETE", 10 * number, run=number, outputs=data("raw")))

    late = door.receive(happened("COMPLETE", 25, run=4, inputs=data("raw")))
    before_all = door.receive(happened("COMPLETE", 5, run=5, inputs=data("raw")))
    now = door.receive(happened("COMPLETE", 40, run=6, inputs=data("raw")))

    assert late.inputs == ("data/s3://lake/raw/2",)
    assert before_all.inputs == ("data/s3://lake/raw/4",)
    assert now.inputs == ("data/s3://lake/raw/3",)


def test_a_state_that_comes_back_is_read_again(door):
    states = [data("raw", version={"datasetVersion": name}) for name in ("v1", "v2", "v1")]
    for number, state in enumerate(states):
        door.receive(happened("COMPLETE", 10 * number, run=number, outputs=state))

    read = [
        door.receive(happened("COMPLETE", minute, run=minute, inputs=data("raw"))).inputs[0]
        for minute in (5, 15, 25)
    ]

    assert read == [f"data/s3://lake/raw/{number}" for number in (1, 2, 1)]


def test_a_deleted_version_is_not_read(door, store):
    for number in (1, 2):
        door.receive(happened("COMPLETE", 10 * number, run=number, outputs=data("raw")))
    store.artifacts.delete([store.data.version("s3://lake/raw", 2).id])

    assert door.receive(happened("COMPLETE", 25, run=3, inputs=data("raw"))).inputs == (
        "data/s3://lake/raw/1",
    )


def test_what_a_run_changes_in_place_is_read_before_and_written_after(door, store):
    door.receive(happened("COMPLETE", 0, run=1, outputs=data("raw")))
    both = door.receive(happened("COMPLETE", 5, run=2, inputs=data("raw"), outputs=data("raw")))
    again = door.receive(happened("COMPLETE", 5, run=2, inputs=data("raw"), outputs=data("raw")))

    assert (both.inputs, both.outputs) == (("data/s3://lake/raw/1",), ("data/s3://lake/raw/2",))
    assert again == both
    assert len(store.data.versions("s3://lake/raw")) == 2


def test_a_run_that_fails_has_read_and_not_written(door, store):
    boom = {"errorMessage": {"message": "no space left", "programmingLanguage": "python"}}
    door.receive(happened("START", 0, inputs=data("raw"), outputs=data("clean")))
    found = door.receive(happened("FAIL", 5, facets=boom))

    run = run_of(store)
    assert (found.inputs, found.outputs) == (("data/s3://lake/raw/1",), ())
    assert (run.state, run.properties["error"]) == (ExecutionState.FAILED, "no space left")
    assert [*run.properties["outputs"]] == ["s3://lake/clean"]
    assert store.data.versions("s3://lake/clean") == []


def test_a_stream_writes_for_as_long_as_it_lasts(door):
    streams = {"jobType": {"processingType": "STREAMING", "integration": "FLINK"}}

    found = door.receive(
        happened("RUNNING", 0, of_job=streams, inputs=data("clicks"), outputs=data("sessions"))
    )

    assert (found.inputs, found.outputs) == (("data/s3://lake/clicks/1",), ("data/s3://lake/sessions/1",))


def test_the_same_event_again_changes_nothing(door, store):
    events = [
        happened("START", 0, inputs=data("raw"), facets={"nominalTime": {"nominalStartTime": at(0)}}),
        happened("COMPLETE", 5, outputs=data("clean", schema=SCHEMA), of_job={"sql": {"query": "select 1"}}),
        said(6, job={"namespace": "airflow", "name": "weekly"}, inputs=data("clean")),
        said(7, dataset=data("clean", documentation={"description": "clean"})[0]),
    ]
    for event in events:
        door.receive(event)
    before = store.upkeep.facts()
    run = run_of(store)

    answers = [[door.receive(event) for event in events] for _ in range(2)]

    assert answers[0] == answers[1]
    assert store.upkeep.facts() == before
    assert run_of(store) == run


def test_facets_add_up_and_are_replaced_as_a_whole(door, store):
    sizes = {"outputStatistics": {"rowCount": 42, "size": 1000}}
    door.receive(
        happened("START", 0, facets={"a": {"x": 1, "y": 1}, "b": {"x": 1}}, outputs=data("raw", one={}))
    )
    door.receive(happened("RUNNING", 1, facets={"a": {"x": 2}, "b": {"_deleted": True}}))
    last = data("raw")
    last[0]["outputFacets"] = sizes
    door.receive(happened("COMPLETE", 2, outputs=last))

    version = store.data.version("s3://lake/raw")
    assert run_of(store).properties["facets"] == {"a": {"x": 2}}
    assert version.properties["facets"] == {"one": {}, **sizes}
    assert (version.properties["row_count"], version.size_bytes) == (42, 1000)


def test_facets_that_are_not_what_their_schemas_say_are_kept_as_they_are(door, store):
    odd = {
        "schema": [],
        "version": "7",
        "outputStatistics": {"rowCount": -1, "size": "big"},
        "documentation": 3,
    }

    door.receive(happened("COMPLETE", 0, outputs=data("raw", **odd), facets={"parent": {"run": 1}}))

    version = store.data.version("s3://lake/raw")
    assert version.properties["facets"] == odd
    assert {"row_count", "schema"}.isdisjoint(version.properties)


def test_a_state_that_has_a_name_is_one_version_for_all_doors(tmp_path, store, door):
    told = {"version": {"datasetVersion": "v12"}}
    with Client("memory://", blobs=str(tmp_path)) as client:
        door = type(door)(client.store, door._data._identify)
        native = client.dataset("flights", "s3://lake/flights", fingerprint="v12")
        door.receive(happened("COMPLETE", 0, outputs=data("flights", **told)))
        read = door.receive(happened("COMPLETE", 1, run=2, inputs=data("flights", **told)))
        with client.run("train", capture=False) as run:
            version = run.use(native) and run.log_model("late", {"weights": 1})

        makers = client.lineage(version.ref).upstream()

    assert read.inputs == (native.ref,)
    assert "airflow/features" in str(makers)


def test_a_native_run_goes_on_from_what_a_job_made(tmp_path, door):
    with Client("memory://", blobs=str(tmp_path)) as client:
        type(door)(client.store, door._data._identify).receive(
            happened("COMPLETE", 0, outputs=data("features"))
        )
        with client.run("train", capture=False) as run:
            run.use("data/s3://lake/features")
            version = run.log_model("late", {"weights": 1})

        assert "airflow/features" in str(client.lineage(version.ref).upstream())


def test_parts_of_a_run_and_the_run_itself_belong_together(door, store):
    parent = {"parent": {"run": {"runId": run_id(9)}, "job": {"namespace": "airflow", "name": "daily"}}}
    door.receive(happened("START", 0, run=1, facets=parent))
    door.receive(happened("START", 0, run=9, job="daily"))
    door.receive(happened("START", 1, run=2, job="train", facets=parent))

    context = context_of(store, "openlineage.ParentRun", f"airflow/daily/{run_id(9)}")
    assert members(store, context) == {
        f"airflow/{job}/{run_id(number)}" for job, number in (("features", 1), ("train", 2), ("daily", 9))
    }
    assert members(store, context_of(store, "openlineage.Job", "airflow/train")) == {
        f"airflow/train/{run_id(2)}"
    }


def test_a_parent_that_came_first_belongs_to_its_parts(door, store):
    parent = {"parent": {"run": {"runId": run_id(9)}, "job": {"namespace": "airflow", "name": "daily"}}}
    door.receive(happened("START", 0, run=9, job="daily"))
    door.receive(happened("START", 0, run=1, facets=parent))

    context = context_of(store, "openlineage.ParentRun", f"airflow/daily/{run_id(9)}")
    assert len(members(store, context)) == 2


def test_a_job_says_what_it_is_where_its_code_is_and_what_it_works_on(door, store):
    code = {
        "sourceCodeLocation": {"url": "https://git/x", "repoUrl": "git@x", "version": "abc", "branch": "main"}
    }
    words = {"documentation": {"description": "Cleans flights"}}
    door.receive(
        said(0, job={"namespace": "airflow", "name": "features", "facets": words}, inputs=data("raw"))
    )
    door.receive(happened("START", 1, of_job=code))

    job = context_of(store, "openlineage.Job", "airflow/features")
    assert job.properties["description"] == "Cleans flights"
    assert job.properties["source"] == "https://git/x"
    assert job.properties["inputs"] == ["s3://lake/raw"]
    assert job.properties["facets"] == code | words
    run = run_of(store)
    assert [run.properties[name] for name in ("git_commit", "git_branch", "git_remote")] == [
        "abc",
        "main",
        "git@x",
    ]


def test_a_data_set_is_described_without_a_run(door, store):
    words = {"documentation": {"description": "All flights"}, "schema": SCHEMA}

    found = door.receive(said(0, dataset=data("raw", **words)[0]))
    door.receive(said(1, dataset=data("raw", documentation={"description": "Other"})[0]))

    [data_set] = store.data.all()
    assert (found.about, data_set.description) == ("data/s3://lake/raw/1", "All flights")
    assert len(store.data.version("s3://lake/raw").properties["schema"]) == 2


@pytest.mark.parametrize("kind", ["START", "COMPLETE", "FAIL"])
def test_no_password_is_kept(door, store, kind):
    secret = data("air.flights", namespace="postgres://me:secret@db:5432")
    door.receive(happened(kind, 0, inputs=secret, outputs=secret))
    door.receive(said(1, job={"namespace": "airflow", "name": "features"}, inputs=secret))

    stored = f"{store.data.all()} {run_of(store)} {context_of(store, 'openlineage.Job', 'airflow/features')}"
    assert "db:5432/air.flights" in stored
    assert "secret" not in stored


def test_a_namespace_that_is_no_url_is_refused(door):
    with pytest.raises(InvalidError, match="is no URL"):
        door.receive(happened("COMPLETE", 0, inputs=data("raw", namespace="s3://[lake")))


def test_nothing_is_left_of_an_event_that_is_refused(door, store):
    before = store.upkeep.facts()

    with pytest.raises(InvalidError):
        door.receive(happened("COMPLETE", 0, outputs=[*data("raw"), {"namespace": "s3://lake"}]))

    assert store.upkeep.facts() == before
