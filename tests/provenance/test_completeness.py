"""What a record lacks, and how much of it is known."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.provenance.completeness import Facts, missing_of
from headwater.provenance.history import History, Material, Step
from tests.provenance.histories import HISTORIES, MATERIALS

CAPTURED = {
    "git_commit": "a" * 40,
    "git_is_dirty": False,
    "python_version": "CPython 3.11.7",
    "packages_digest": "blake3:1",
    "seeds": {"torch": 7},
    "undeclared_reads": {"files": [], "more": 0},
}
RUN = Step(id=1, ref="runs/1", name="train", captured=CAPTURED)
TRAIN = Material(id=1, ref="data/train/1", name="train", kind="data", digest="d1", hops=2)
MODEL = Material(id=9, ref="models/late/1", name="late", kind="model")
WHOLE = History(
    ref="models/late/1",
    subject=MODEL,
    materials=(TRAIN,),
    maker=RUN,
    params={"lr": 0.1},
    metrics={"auc": 0.7},
)
FACTS = Facts(inputs=[(TRAIN, "train")], evaluations=["executions/5"])

FACTS_OF_ANY = st.builds(
    Facts,
    inputs=st.lists(st.tuples(MATERIALS, st.sampled_from(["train", "test", ""])), max_size=4),
    evaluations=st.lists(st.just("executions/1"), max_size=1),
    lost=st.frozensets(st.integers(1, 6), max_size=3),
)


def check(name, history=WHOLE, facts=FACTS):
    (found,) = [c for c in missing_of(history, facts).checks if c.name == name]
    return found


def run(**captured):
    """The whole record with other captured facts; None leaves one out."""
    facts = {key: value for key, value in (CAPTURED | captured).items() if value is not None}
    return replace(WHOLE, maker=replace(RUN, captured=facts))


def test_a_whole_record_lacks_nothing():
    found = missing_of(WHOLE, FACTS)

    assert (found.score, found.is_complete, found.findings) == (1.0, True, ())
    assert str(found) == (
        "All that the record of models/late/1 should have is there: data version, input bytes, code commit, "
        "hyperparameters, environment, metrics, seed and evaluation data."
    )


def test_a_version_without_a_run_lacks_nearly_all():
    found = missing_of(History(ref="models/late/1", subject=MODEL), Facts())

    assert found.score == 0
    assert "the version was registered without a run" in {finding.why for finding in found.findings}


@given(HISTORIES, FACTS_OF_ANY)
def test_the_score_is_the_mean_of_shares_and_every_gap_is_named(history, facts):
    found = missing_of(history, facts)

    assert found.score == pytest.approx(sum(c.share for c in found.checks) / len(found.checks))
    assert all(0 <= c.share <= 1 for c in found.checks)
    assert all((c.share == 1) == (not c.findings) for c in found.checks)
    assert all(finding.why and finding.call for finding in found.findings)


@given(HISTORIES, FACTS_OF_ANY)
def test_it_is_json_and_words(history, facts):
    found = missing_of(history, facts)

    assert json.loads(json.dumps(found.json()))["sentence"] == str(found)
    assert len(found.rows()) >= len(found.checks)


@given(HISTORIES, FACTS_OF_ANY)
def test_recording_more_never_lowers_the_score(history, facts):
    less = missing_of(history, facts).score

    assert missing_of(replace(history, metrics={"auc": 0.7}), facts).score >= less
    assert missing_of(replace(history, params={**history.params, "seed": 1}), facts).score >= less
    assert missing_of(history, replace(facts, evaluations=["executions/1"])).score >= less
    assert missing_of(history, replace(facts, lost=frozenset())).score >= less


class TestData:
    def test_a_run_that_declares_no_input_lacks_its_data(self):
        found = check("data version", facts=replace(FACTS, inputs=[]))

        assert (found.share, found.findings[0].why) == (0, "the run declares nothing that it read")
        assert "run.use(" in found.findings[0].call

    def test_files_that_were_read_undeclared_are_named_with_the_call(self):
        reads = {"files": ["a.csv", "b.csv", "c.csv", "d.csv"], "more": 2}

        found = check("data version", run(undeclared_reads=reads))

        assert found.share == 0.5
        assert found.findings[0].why == (
            "the run read a.csv, b.csv, c.csv and 3 more files, which it did not declare"
        )
        assert found.findings[0].call == 'run.use(hw.dataset("NAME", "a.csv"))'

    def test_what_a_step_before_read_undeclared_counts_too(self):
        prepare = Step(
            id=2, ref="runs/2", name="prepare", captured={"undeclared_reads": {"files": ["raw.csv"]}}
        )

        found = check("data version", replace(WHOLE, steps=(prepare,)))

        assert [finding.ref for finding in found.findings] == ["runs/2"]

    def test_bytes_that_are_gone_are_told(self):
        found = check("input bytes", facts=replace(FACTS, lost=frozenset({1})))

        assert (found.share, found.findings[0].ref) == (0, "data/train/1")

    def test_an_input_without_a_fingerprint_counts_by_its_share(self):
        bare = replace(TRAIN, id=2, ref="artifacts/2", digest=None)

        assert check("input bytes", facts=replace(FACTS, inputs=[(TRAIN, ""), (bare, "")])).share == 0.5


class TestRun:
    @pytest.mark.parametrize(
        ("captured", "share", "why"),
        [
            ({"git_commit": None, "capture_warnings": ["code: no repository"]}, 0, "no repository"),
            ({"git_commit": None}, 0, "the commit was not captured"),
            ({"git_is_dirty": True}, 0.5, "there were uncommitted changes, and no patch of them was kept"),
            ({"git_is_dirty": True, "capture_warnings": ["code: too large"]}, 0.5, "too large"),
        ],
    )
    def test_code_says_why_it_is_not_known(self, captured, share, why):
        found = check("code commit", run(**captured))

        assert (found.share, found.findings[0].why) == (share, why)

    def test_a_dirty_tree_with_its_patch_is_known(self):
        assert check("code commit", run(git_is_dirty=True, git_diff_digest="blake3:2")).share == 1

    def test_a_run_without_capture_says_so(self):
        found = check("code commit", replace(WHOLE, maker=replace(RUN, captured={})))

        assert found.findings[0].why == "the run was started with capture=False, or by another program"

    def test_code_counts_by_the_share_of_runs_upstream(self):
        bare = Step(id=2, ref="runs/2", name="prepare")

        assert check("code commit", replace(WHOLE, steps=(bare,))).share == 0.5

    @pytest.mark.parametrize(("name", "value"), [("packages_digest", 0.5), ("python_version", 1)])
    def test_an_environment_without_its_list_of_packages_is_half_known(self, name, value):
        assert check("environment", run(**{name: None})).share == value

    @pytest.mark.parametrize(
        "param", ["seed", "random_state", "model.random_state", "np_seed", "SEED", "seeds"]
    )
    def test_a_param_that_names_a_seed_is_one(self, param):
        history = replace(run(seeds={}), params={param: 1})

        assert check("seed", history).share == 1

    @pytest.mark.parametrize("param", ["seeding", "aniseed", "lr"])
    def test_other_params_are_none(self, param):
        assert check("seed", replace(run(seeds={}), params={param: 1})).share == 0

    def test_the_state_without_the_seed_is_half(self):
        assert check("seed", run(seeds={"numpy": "sha256:1"})).share == 0.5


class TestEvaluation:
    @pytest.mark.parametrize(
        ("label", "is_known"), [("test", 1), ("hold-out", 1), ("latest", 0), ("train", 0)]
    )
    def test_an_input_that_is_named_so_is_one(self, label, is_known):
        facts = Facts(inputs=[(TRAIN, label)])

        assert check("evaluation data", facts=facts).share == is_known


@pytest.mark.parametrize(
    ("kind", "maker", "names"),
    [
        ("data", None, ["input bytes", "source"]),
        ("data", RUN, ["data version", "input bytes", "code commit", "environment"]),
    ],
)
def test_data_are_asked_for_less(kind, maker, names):
    history = replace(WHOLE, subject=replace(TRAIN, kind=kind), maker=maker)

    assert [c.name for c in missing_of(history, FACTS).checks] == names
