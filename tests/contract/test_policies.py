"""What a release process asks for before a version may move, held against it by the store itself."""

from dataclasses import replace

import pytest

from headwater.errors import InvalidError, NotFoundError, RefusedError, UnmetError
from headwater.model import builtin
from headwater.model.data import NewDataVersion
from headwater.model.graph import EventType, NodeKind
from headwater.model.models import DEFAULT_STAGES
from headwater.model.process_files import process_from
from headwater.model.release import Need, NeedKind, Policy, ReleaseProcess
from headwater.model.verdicts import RUBBER_STAMP, Exhibit, Outcome, Verdict
from tests.contract.builders import START_MS, add_versions, event, move, roll_back
from tests.contract.releases import judge, needs, request, set_policy, set_process, vote

ROC = Exhibit(name="roc", digest="blake3:aa", size_bytes=3)


def last(store):
    """The newest ledger entry."""
    return store.ledger.entries()[-1]


def stage(store, version=1, model="m"):
    return store.models.version(model, version).stage


def test_without_a_process_nothing_is_asked_for(store):
    add_versions(store)

    assert store.releases.process() == ReleaseProcess(stages=DEFAULT_STAGES)
    assert store.releases.process("m") == store.releases.process()
    assert needs(store) == []


def test_a_promotion_names_all_that_is_missing_at_once(store):
    add_versions(store)
    roles = {"release-managers": ["bob", "eve"]}
    policy = {"requires": ["data", "model", "infra"], "approvals": 2, "approvers": ["release-managers"]}
    set_policy(store, **policy, promoters=["release-managers"], roles=roles)
    judge(store, "data")
    judge(store, "model", "fail", summary="AUC 0.61 is under 0.65")
    judge(store, "infra", "insufficient")
    request(store)
    vote(store, "bob")
    before = store.ledger.entries()

    with pytest.raises(UnmetError) as caught:
        move(store, 1)

    who = ("release-managers",)
    assert caught.value.missing == (
        Need(
            kind=NeedKind.ROLE,
            text="ann may not move versions to production; release-managers may",
            found="ann",
            who=who,
        ),
        Need(
            kind=NeedKind.VERDICT,
            text="gate 'model' says fail: AUC 0.61 is under 0.65",
            gate="model",
            found="fail",
        ),
        Need(
            kind=NeedKind.VERDICT, text="gate 'infra' says insufficient", gate="infra", found="insufficient"
        ),
        Need(
            kind=NeedKind.APPROVAL,
            text="1 of 2 approvals from release-managers",
            count=1,
            wanted=2,
            who=who,
        ),
    )
    assert str(caught.value).startswith("models/m/1 cannot go to production: ann may not")
    assert tuple(needs(store)) == caught.value.missing
    assert (stage(store), store.ledger.entries()) == ("none", before)


def test_a_verdict_counts_against_the_version_that_is_to_be_replaced_alone(store):
    add_versions(store, number=3)
    set_policy(store, requires=["data", "model"])
    for version in (1, 2, 3):
        judge(store, "data", version=version)
    judge(store, "model", version=1, facts={RUBBER_STAMP: "no version of m is in production"})
    judge(store, "model", version=2, facts={RUBBER_STAMP: "no version of m is in production"})
    move(store, 1)
    judge(store, "model", version=3, baseline=1)
    unproven = Need(
        kind=NeedKind.VERDICT,
        text="gate 'model' compared it with nothing (rubber stamp), but version 1 is in production: "
        "judge it again",
        gate="model",
        found="stale",
    )

    assert needs(store, 2) == [unproven]
    with pytest.raises(UnmetError) as caught:
        move(store, 2)
    assert caught.value.missing == (unproven,)
    judge(store, "model", version=2, baseline=1)
    assert needs(store, 2) == needs(store, 3) == []
    move(store, 2)

    (stale,) = needs(store, 3)
    assert stale.text == (
        "gate 'model' compared it with version 1, but version 2 is in production: judge it again"
    )
    roll_back(store)
    assert needs(store, 3) == []


def test_a_verdict_for_another_stage_may_compare_with_production(store):
    add_versions(store, number=2)
    set_policy(store, "staging", requires=["model"])
    judge(store, "model", version=1, facts={RUBBER_STAMP: "no version of m is in production"})
    move(store, 1, "staging")
    move(store, 1)
    judge(store, "model", version=2, facts={RUBBER_STAMP: "no version of m is in production"})
    assert [need.found for need in needs(store, 2, "staging")] == ["stale"]

    judge(store, "model", version=2, baseline=1)

    assert needs(store, 2, "staging") == []
    move(store, 2, "staging")


def test_a_promotion_with_all_that_is_asked_for_names_it_in_the_ledger(store):
    add_versions(store)
    set_policy(store, requires=["model"], approvals=1)
    judge(store, "model", "fail")
    verdict = judge(store, "model")
    asked = request(store)
    vote(store, "bob")

    move(store, 1)

    assert stage(store) == "production"
    assert last(store).details == {
        "from": "none",
        "to": "production",
        "replaced": None,
        "verdicts": {"model": verdict.id},
        "request": asked.id,
        "approved_by": ["bob"],
    }


def test_the_newest_verdict_of_a_gate_counts(store):
    add_versions(store)
    set_policy(store, requires=["model"])
    judge(store, "model")
    judge(store, "model", "fail")

    assert [need.found for need in needs(store)] == ["fail"]


def test_a_verdict_on_another_version_counts_for_nothing(store):
    add_versions(store, number=2)
    set_policy(store, requires=["model"])
    judge(store, "model", version=2, baseline=1)

    assert [need.text for need in needs(store)] == ["no verdict of gate 'model'"]
    assert needs(store, 2) == []


def test_a_deleted_verdict_counts_for_nothing(store):
    add_versions(store)
    set_policy(store, requires=["model"])
    store.artifacts.delete([judge(store, "model").id])

    assert [need.kind for need in needs(store)] == [NeedKind.VERDICT]


def test_a_verdict_is_the_output_of_an_evaluation_of_the_version(store):
    add_versions(store, number=2)
    fields = {"facts": {"auc": 0.7}, "config_digest": "c", "baseline": 1, "summary": "better"}

    verdict = judge(store, "model", version=2, **fields)

    assert verdict == Verdict(
        id=verdict.id,
        evaluation_id=verdict.evaluation_id,
        model="m",
        version=2,
        gate="model",
        outcome=Outcome.PASS,
        actor="gatekeeper",
        time_ms=START_MS,
        **fields,
    )
    assert store.releases.verdicts("m", 2) == [verdict]
    assert store.releases.verdicts("m", 1) == []
    one, two = (store.models.version("m", n).id for n in (1, 2))
    work = verdict.evaluation_id
    assert store.links.events_of_executions([work]) == [
        event(one, work, EventType.INPUT, path=("baseline",), time_ms=START_MS),
        event(two, work, EventType.INPUT, path=("version",), time_ms=START_MS),
        event(verdict.id, work, EventType.OUTPUT, path=("verdict",), time_ms=START_MS),
    ]
    assert store.types.find(NodeKind.ARTIFACT, builtin.VERDICT.name) is not None


def test_a_verdict_names_its_data_and_its_exhibits_in_the_graph(store):
    add_versions(store, number=2)
    flights, weather = (
        store.data.add_version(NewDataVersion(name=name, digest=f"blake3:{name}"))
        for name in ("flights", "weather")
    )
    fields = {"data": (flights.ref, weather.ref), "exhibits": (ROC,), "baseline": 1}

    verdict = judge(store, "model", version=2, **fields)

    assert (verdict.data, verdict.exhibits) == (fields["data"], fields["exhibits"])
    assert store.releases.verdicts("m", 2) == [verdict]
    one, two = (store.models.version("m", n).id for n in (1, 2))
    found = {e.path: e for e in store.links.events_of_executions([verdict.evaluation_id])}
    assert {path: (e.artifact_id, e.type) for path, e in found.items() if path != ("roc",)} == {
        ("version",): (two, EventType.INPUT),
        ("baseline",): (one, EventType.INPUT),
        ("data", 0): (flights.id, EventType.INPUT),
        ("data", 1): (weather.id, EventType.INPUT),
        ("verdict",): (verdict.id, EventType.OUTPUT),
    }
    (stored,) = store.artifacts.get([found["roc",].artifact_id])
    assert found["roc",].type == EventType.OUTPUT
    assert (stored.type_name, stored.digest, stored.size_bytes) == ("headwater.Artifact", "blake3:aa", 3)


@pytest.mark.parametrize(
    ("fields", "kind", "says"),
    [
        ({"data": ("data/flights/7",)}, NotFoundError, "no data set 'flights'"),
        ({"data": ("data/flights",)}, InvalidError, "is not a data version"),
        ({"data": ("models/m/1",)}, InvalidError, "is not a data version"),
        ({"exhibits": (ROC, ROC)}, InvalidError, "names of their own"),
        ({"exhibits": (replace(ROC, name="verdict"),)}, InvalidError, "names of their own"),
    ],
    ids=["no-data", "no-number", "a-model", "twice", "verdict"],
)
def test_a_verdict_on_odd_evidence_stores_nothing(store, fields, kind, says):
    add_versions(store)

    with pytest.raises(kind, match=says):
        judge(store, "model", **fields)

    assert store.releases.verdicts("m", 1) == []


def test_a_verdict_on_a_data_version_that_is_not_there_is_refused(store):
    add_versions(store)
    store.data.add_version(NewDataVersion(name="flights", digest="blake3:1"))

    with pytest.raises(NotFoundError, match="no data version 'data/flights/2'"):
        judge(store, "model", data=("data/flights/2",))


def test_a_verdict_with_a_key_is_stored_once(store):
    from headwater.model.verdicts import NewVerdict

    add_versions(store)
    new = NewVerdict(model="m", version=1, gate="g", outcome=Outcome.PASS, actor="a")

    assert store.releases.add_verdict(new, key="k") == store.releases.add_verdict(new, key="k")
    assert len(store.releases.verdicts("m", 1)) == 1


def test_a_verdict_on_what_is_not_there_is_refused(store):
    add_versions(store)

    with pytest.raises(NotFoundError):
        judge(store, "model", version=2)
    with pytest.raises(NotFoundError):
        judge(store, "model", baseline=7)
    with pytest.raises(InvalidError):
        judge(store, "")

    assert store.releases.verdicts("m", 1) == []


def test_a_rollback_is_free_unless_the_policy_binds_it(store):
    add_versions(store, number=2)
    move(store, 1)
    move(store, 2)
    set_policy(store, requires=["model"], approvals=1)

    assert roll_back(store).version == 1

    set_policy(store, requires=["model"], binds_rollback=True)
    with pytest.raises(UnmetError, match="no verdict of gate 'model'"):
        move(store, 2, kind="rollback")


def test_a_rollback_past_the_version_before_is_held_against_the_policy(store):
    add_versions(store, number=3)
    for number in (1, 2, 3):
        move(store, number)
    set_policy(store, requires=["model"])

    with pytest.raises(UnmetError, match="no verdict of gate 'model'"):
        move(store, 1, kind="rollback")
    assert needs(store, 2, kind="rollback") == []
    assert move(store, 2, kind="rollback").stage == "production"


def test_a_rollback_goes_only_to_what_was_there_before(store):
    add_versions(store, number=2)
    move(store, 1)

    with pytest.raises(RefusedError, match="models/m/2 was never in production: promote it"):
        move(store, 2, kind="rollback")


def test_a_model_can_have_a_process_of_its_own(store):
    for model in ("m", "other"):
        add_versions(store, model)
    set_policy(store, approvals=1)
    set_process(store, {"policies": {"staging": {"requires": ["data"]}}}, name="m")

    assert needs(store) == []
    assert [need.gate for need in needs(store, to="staging")] == ["data"]
    with pytest.raises(UnmetError):
        move(store, 1, model="other")

    store.releases.set_process(None, name="m", actor="boss", reason="as all others")
    assert store.releases.process("m") == store.releases.process()
    assert [need.kind for need in needs(store)] == [NeedKind.APPROVAL]


def test_a_process_can_have_other_stages(store):
    add_versions(store, number=2)
    transitions = {"none": ["shadow"], "shadow": ["live", "archived"], "live": ["archived"], "archived": []}
    set_process(store, {"transitions": transitions, "exclusive": ["live"]})

    for number in (1, 2):
        move(store, number, "shadow")
        move(store, number, "live")

    assert store.models.get("m").stages == {"archived": 1, "live": 2}
    assert store.models.previous_holder("m", "live").version == 1
    with pytest.raises(InvalidError, match="no stage 'production'"):
        move(store, 2)


def test_a_process_that_leaves_versions_behind_is_refused(store):
    add_versions(store, number=2)
    for number in (1, 2):
        move(store, number, "staging")
    store.models.set_alias("m", "shadow", 1, actor="ann", reason="")
    before = store.ledger.entries()
    every = {stage: list(to) for stage, to in DEFAULT_STAGES.transitions.items()}

    with pytest.raises(RefusedError, match="several versions of 'm' are in staging"):
        set_process(store, {"exclusive": ["production", "staging"]})
    with pytest.raises(RefusedError, match="versions stand in staging"):
        set_process(store, {"transitions": {"none": ["archived"], "archived": ["none"]}, "exclusive": []})
    with pytest.raises(RefusedError, match="'shadow' is the name of an alias"):
        set_process(store, {"transitions": {**every, "shadow": []}})

    assert store.ledger.entries() == before
    assert store.releases.process() == ReleaseProcess(stages=DEFAULT_STAGES)


def test_a_stage_that_becomes_exclusive_has_its_holder(store):
    add_versions(store, number=2)
    move(store, 1, "staging")
    set_process(store, {"exclusive": ["production", "staging"]})

    move(store, 2, "staging")

    assert (stage(store, 1), stage(store, 2)) == ("archived", "staging")


def test_a_change_of_the_process_is_in_the_ledger(store):
    add_versions(store)
    set_policy(store, approvals=1)
    set_process(store, {}, name="m")

    default, own = store.ledger.entries()[-2:]

    assert (default.actor, default.action, default.subject) == ("boss", "process", "settings/release-process")
    assert default.details["before"] is None
    assert default.details["after"]["policies"]["production"]["approvals"] == 1
    assert own.subject == "models/m"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"polices": {}}, "no polices"),
        ({"policies": {"prod": {}}}, "no stage prod"),
        ({"policies": {"production": {"approval": 1}}}, "no approval"),
        ({"policies": {"production": {"approvals": -1}}}, "0 or more"),
        ({"policies": {"production": {"approvals": True}}}, "must be a number"),
        ({"policies": {"production": {"separates_duty": "yes"}}}, "true or false"),
        ({"policies": {"production": {"approvals": 2, "approvers": ["bob"]}}}, "only 1 may approve"),
        ({"policies": {"production": {"promoters": ["r"]}}, "roles": {"r": []}}, "nobody has"),
        ({"exclusive": ["archived"]}, "cannot be exclusive"),
        ({"exclusive": "production"}, "list of names"),
        ({"transitions": {"none": []}}, "archived"),
        ({"transitions": {"none": [], "archived": [], "v2": []}, "exclusive": []}, "'v2'"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_a_process_that_makes_no_sense_is_refused(given, fault):
    with pytest.raises(InvalidError, match=fault):
        process_from(given)


def test_a_policy_reads_back_as_it_was_set(store):
    given = {
        "requires": ["data", "model"],
        "approvals": 2,
        "approvers": ["a", "b"],
        "promoters": ["c"],
        "separates_duty": True,
        "binds_rollback": True,
    }
    set_policy(store, **given)

    assert store.releases.process().policy("production") == Policy(
        requires=("data", "model"),
        approvals=2,
        approvers=frozenset({"a", "b"}),
        promoters=frozenset({"c"}),
        separates_duty=True,
        binds_rollback=True,
    )


def test_a_dry_run_tells_of_the_rules_of_the_stages_too(store):
    add_versions(store, number=2)
    move(store, 1)

    assert [need.kind for need in needs(store, 1)] == [NeedKind.TRANSITION]
    assert [need.kind for need in needs(store, 2, expect_holder=2)] == [NeedKind.HOLDER]
    assert [need.kind for need in needs(store, 2, kind="rollback")] == [NeedKind.TRANSITION]
    assert needs(store, 2, expect_holder=1) == []
