"""The rule that excuses two codes: each has to be what both libraries say to some part of the request."""

from collections.abc import Callable
from typing import Any

from tests.compat.mlmd.faults import has_several_faults
from tests.compat.mlmd.messages import message
from tests.compat.mlmd.peer import Answer

REQUEST = message("PutArtifactsRequest", artifacts=[{"type_id": 99}, {"type_id": 10, "name": "taken"}])
NOT_FOUND, ALREADY_EXISTS = Answer(5, None), Answer(6, None)


def library(*checks: tuple[Callable[[Any], bool], Answer]) -> Callable[[Any], Answer]:
    """A library that makes some checks, in this order."""

    def answer(request: Any) -> Answer:
        for is_wrong, found in checks:
            if any(is_wrong(artifact) for artifact in request.artifacts):
                return found
        return Answer(0, message("PutArtifactsResponse"))

    return answer


BY_TYPE = (lambda artifact: artifact.type_id == 99, NOT_FOUND)
BY_NAME = (lambda artifact: artifact.name == "taken", ALREADY_EXISTS)


def is_excused(theirs: Callable[[Any], Answer], ours: Callable[[Any], Answer]) -> bool:
    return has_several_faults(
        lambda _, part: (theirs(part), ours(part)), "PutArtifacts", REQUEST, theirs(REQUEST), ours(REQUEST)
    )


def test_two_faults_may_be_found_in_either_order():
    assert is_excused(library(BY_TYPE, BY_NAME), library(BY_NAME, BY_TYPE))


def test_a_fault_that_one_library_never_finds_is_no_excuse():
    assert not is_excused(library(BY_TYPE, BY_NAME), library(BY_NAME))


def test_a_fault_that_the_libraries_name_differently_is_no_excuse():
    wrong_name = (BY_TYPE[0], Answer(3, None))

    assert not is_excused(library(BY_TYPE), library(wrong_name))
