"""Random requests, answered by the original library and by ours, get the same answers."""

import os
import shutil
import tempfile
import time
from collections import Counter
from difflib import unified_diff
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from headwater.compat.mlmd.errors import StatusError
from headwater.compat.mlmd.service import MetadataService
from headwater.compat.mlmd.service.filter_names import _NEIGHBOURS, _OWN
from headwater.model.filters import Entity
from headwater.store import open_store
from tests.compat.mlmd.differences import comparable, excuse
from tests.compat.mlmd.expressions import NAMES
from tests.compat.mlmd.faults import Copies, has_several_faults
from tests.compat.mlmd.generated import NOT_COMPARED, said, sayable
from tests.compat.mlmd.messages import KINDS, PROPERTY_KINDS, message
from tests.compat.mlmd.peer import Answer, Original
from tests.compat.mlmd.requests import METHODS, requests

SHORT = 6
EXAMPLES = int(os.environ.get("HEADWATER_TEST_FUZZ_EXAMPLES", SHORT))
STEPS = 60
SEVERAL = "of several faults in one request one is reported"
MEMORY = Path("/dev/shm")
"""Where it is there, files that need not last a test."""


class Machine(RuleBasedStateMachine):
    """One random conversation with both libraries."""

    original: ClassVar[Original]
    empty_store: ClassVar[Path]
    answered: ClassVar[Counter[str]]
    excused: ClassVar[Counter[str]]

    @initialize(seed=st.integers(0, 2**32))
    def open_both(self, seed: int) -> None:
        """Empty stores with a type of each kind, whose ids are 10, 11 and 12."""
        # Hypothesis would ask some calls often and others hardly ever.
        self._methods = Random(seed).choices(METHODS, k=STEPS)
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._file = Path(shutil.copyfile(self.empty_store, Path(self._folder.name) / "ours.db"))
        self._store = open_store(f"sqlite:///{self._file}")
        self._ours = MetadataService(self._store)
        self.original.open(self._file.with_name("theirs.db"))
        self._tokens: list[tuple[str, Any, str, str]] = []
        request = message("PutTypesRequest")
        for kind in KINDS:
            getattr(request, f"{kind}_types").add(name="T", properties=PROPERTY_KINDS)
        self._ask("PutTypes", request, request)
        self._first_ids = {
            kind: message(f"Get{kind.capitalize()}sByIDRequest", **{f"{kind}_ids": range(1, 10)})
            for kind in KINDS
        }

    @rule(data=st.data())
    def call(self, data: Any) -> None:
        """Send both the same request."""
        method = self._methods.pop()
        request = data.draw(requests(method, self._known))
        self._ask(method, request, request)

    @rule(artifact_id=st.integers(1, 9), uri=st.sampled_from(("u", "v")), is_late=st.booleans())
    def put_what_nobody_changed(self, artifact_id: int, uri: str, is_late: bool) -> None:
        """Change an artifact if it is as it was read; each library gets its own time."""
        read = message("GetArtifactsByIDRequest", artifact_ids=[artifact_id])
        asked: list[Any] = []
        for response in (
            self._answer("GetArtifactsByID", read).response,
            self.original.call("GetArtifactsByID", read).response,
        ):
            for artifact in response.artifacts:
                artifact.uri = uri
                artifact.last_update_time_since_epoch += is_late
            request = message("PutArtifactsRequest", artifacts=response.artifacts)
            request.options.abort_if_latest_updated_time_changed = True
            asked.append(request)
        self._ask("PutArtifacts", *asked)

    @rule(data=st.data())
    def turn_page(self, data: Any) -> None:
        """Ask for the next page of a list; each library gets its own token."""
        if not self._tokens:
            return
        method, request, our_token, their_token = self._tokens.pop()
        ours, theirs = type(request)(), type(request)()
        for copy, token in ((ours, our_token), (theirs, their_token)):
            copy.CopyFrom(request)
            copy.options.next_page_token = token
        self._ask(method, ours, theirs)

    def teardown(self) -> None:
        """Close our store; the original's next one takes the place of its last."""
        if hasattr(self, "_store"):
            self._store.close()
            self._folder.cleanup()

    def _ask(self, method: str, ours: Any, theirs: Any) -> None:
        # Times are compared with each other, so that no two writes may share one.
        time.sleep(0.001)
        expected = self.original.call(method, theirs)
        found = self._answer(method, ours)
        self.answered[method] += 1
        by_update = getattr(ours, "options", None) is not None and _is_by_update(ours)
        if comparable(method, found, by_update=by_update) != comparable(
            method, expected, by_update=by_update
        ):
            reason = excuse(method, ours, expected, found)
            reason = reason or self._several(method, ours, expected, found)
            assert reason, _report(method, ours, expected, found)
            self.excused[reason] += 1
        if not found.code and getattr(found.response, "next_page_token", "") and not by_update:
            tokens = (found.response.next_page_token, expected.response.next_page_token)
            self._tokens.append((method, ours, *tokens))

    def _several(self, method: str, request: Any, theirs: Answer, ours: Answer) -> str | None:
        if not (method.startswith("Put") and theirs.code and ours.code):
            return None
        copies = Copies(self.original, self._file.with_name("theirs.db"), self._file)
        is_so = has_several_faults(copies.ask, method, request, theirs, ours)
        copies.close()
        return SEVERAL if is_so else None

    def _answer(self, method: str, request: Any) -> Answer:
        try:
            return Answer(0, self._ours.call(method, request))
        except StatusError as error:
            return Answer(error.error_code, None, error.message)

    def _known(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for kind in KINDS:
            response = self._ours.call(f"Get{kind.capitalize()}sByID", self._first_ids[kind])
            found[kind] = [node.id for node in getattr(response, f"{kind}s")]
        return found


def test_answers_are_those_of_the_original(original: Original, tmp_path: Path, capsys):
    Machine.original, Machine.empty_store = original, tmp_path / "empty.db"
    Machine.answered, Machine.excused = Counter(), Counter()
    open_store(f"sqlite:///{Machine.empty_store}").close()

    run = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # The report shows the request that differs; shrinking a conversation takes minutes.
        phases=[Phase.generate],
    )
    try:
        run_state_machine_as_test(Machine, settings=run)
    finally:
        if EXAMPLES > SHORT:
            with capsys.disabled():
                print(f"\n{sum(Machine.answered.values())} requests, excused: {dict(Machine.excused)}")

    if EXAMPLES > SHORT:
        assert set(Machine.answered) == set(METHODS)
    assert sum(Machine.answered.values()) > EXAMPLES


def test_random_requests_say_everything_that_requests_can_say():
    methods = sorted(set(METHODS))
    # Types have the most to say, and seldom say it.
    types = [method for method in methods if method.startswith("Put") and "Type" in method]

    found = _drawn(methods, 150) | _drawn(types, 200)

    assert len(methods) == 52 - len(NOT_COMPARED)
    assert sorted({each for method in methods for each in sayable(method)} - found) == []


def _drawn(methods: list[str], times: int) -> set[Any]:
    known = {kind: [1, 2] for kind in KINDS}
    found = set[Any]()

    @settings(max_examples=times, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def draw(data: Any) -> None:
        for method in methods:
            found.update(said(data.draw(requests(method, lambda: known))))

    draw()
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_random_filters_name_everything_that_filters_can_name(kind: str):
    own, neighbours = _OWN[Entity(kind)], _NEIGHBOURS[Entity(kind)]
    known = {*own} | {f"{side.value}_a.{name}" for side, names in neighbours.items() for name in names}

    assert known - set(NAMES[kind]) == {name for name in known if _is_beyond(name)}


def _is_beyond(name: str) -> bool:
    """Tell whether the original does not know a name, or breaks on it."""
    alias, dot, field = name.partition(".")
    is_family = alias in {"parent_contexts_a", "child_contexts_a"}
    return bool(dot) and (
        field in {"type_id", "external_id"} or (is_family and field.endswith("_time_since_epoch"))
    )


def _is_by_update(request: Any) -> bool:
    options = request.options
    return hasattr(options, "order_by_field") and options.order_by_field.field == 2


def _report(method: str, request: Any, theirs: Answer, ours: Answer) -> str:
    shown = [
        f"code {answer.code} {answer.message}\n{comparable(method, answer)}".splitlines()
        for answer in (theirs, ours)
    ]
    return f"\n{method}\n{request}\n" + "\n".join(
        unified_diff(shown[0], shown[1], "theirs", "ours", lineterm="")
    )
