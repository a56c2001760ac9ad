"""Random requests, answered by the original library and by ours, get the same answers."""

import os
import shutil
import tempfile
import time
from collections import Counter
from difflib import unified_diff
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from headwater.compat.mlmd.errors import StatusError
from headwater.compat.mlmd.service import MetadataService
from headwater.store import open_store
from tests.compat.mlmd.differences import comparable, excuse
from tests.compat.mlmd.peer import Answer, Original
from tests.compat.mlmd.requests import KINDS, PROPERTY_KINDS, message, requests

SHORT = 6
EXAMPLES = int(os.environ.get("HEADWATER_TEST_FUZZ_EXAMPLES", SHORT))
STEPS = 60


class Machine(RuleBasedStateMachine):
    """One random conversation with both libraries."""

    original: ClassVar[Original]
    empty_store: ClassVar[Path]
    answered: ClassVar[Counter[str]]
    excused: ClassVar[Counter[str]]

    @initialize()
    def open_both(self) -> None:
        """Empty stores with a type of each kind, whose ids are 10, 11 and 12."""
        self._folder = tempfile.TemporaryDirectory()
        file = shutil.copyfile(self.empty_store, Path(self._folder.name) / "ours.db")
        self._store = open_store(f"sqlite:///{file}")
        self._ours = MetadataService(self._store)
        self.original.open()
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
        method, request = data.draw(requests(self._known))
        self._ask(method, request, request)

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
            assert reason, _report(method, ours, expected, found)
            self.excused[reason] += 1
        if not found.code and getattr(found.response, "next_page_token", "") and not by_update:
            tokens = (found.response.next_page_token, expected.response.next_page_token)
            self._tokens.append((method, ours, *tokens))

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

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # The report shows the request that differs; shrinking a conversation takes minutes.
            phases=[Phase.generate],
        ),
    )

    if EXAMPLES > SHORT:
        with capsys.disabled():
            print(f"\n{sum(Machine.answered.values())} requests, excused: {dict(Machine.excused)}")
    assert sum(Machine.answered.values()) > EXAMPLES


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
