import pytest

from headwater import errors
from headwater.errors import (
    FilterError,
    HeadwaterError,
    InvalidError,
    NotFoundError,
    StaleWriteError,
    ThrottledError,
    UnmetError,
)
from headwater.model.release import Need, NeedKind
from headwater.store.calls import error_of, fault, pack, unpack

EXAMPLES = [
    NotFoundError("run", "ffff", near=("fffe",)),
    NotFoundError("run", "ffff", gone="it was removed"),
    StaleWriteError("run", 1, expected=2, found=3),
    FilterError("mettrics.x > 1", 0, "no such field", allowed=("metrics",)),
    ThrottledError("too many", retry_after_s=2.5),
]


def sent(error: HeadwaterError) -> HeadwaterError:
    return error_of(unpack(pack(fault(error))))


@pytest.mark.parametrize("error", EXAMPLES, ids=str)
def test_a_client_raises_what_the_server_raised(error):
    arrived = sent(error)

    assert type(arrived) is type(error)
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_what_is_missing_for_a_move_arrives_whole():
    missing = [
        Need(kind=NeedKind.APPROVAL, text="two approvals", count=1, wanted=2, who=("ann@desk",)),
        Need(kind=NeedKind.VERDICT, text="a verdict of the gate auc", gate="auc", found="fail"),
    ]
    error = UnmetError("models/m/1", "production", missing)

    arrived = sent(error)

    assert type(arrived) is UnmetError
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_every_class_of_error_can_be_sent():
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.code for each in classes if issubclass(each, HeadwaterError)}

    assert {error_of({"code": code, "message": "why"}).code for code in codes} == codes


def test_a_code_of_a_newer_server_is_still_an_error():
    error = error_of({"code": "brand_new", "message": "why"})

    assert type(error) is HeadwaterError
    assert str(error) == "why"


def test_a_long_value_is_not_repeated_whole_and_what_to_do_is_still_said():
    error = InvalidError(f"{'x' * 1_000_000!r} is no name: take a shorter one")

    text = str(error)

    assert len(text) < 3_200
    assert text.startswith("'xxx")
    assert "characters left out" in text
    assert text.endswith("xxx' is no name: take a shorter one")
    assert str(sent(error)) == text


@pytest.mark.parametrize("length", [0, 1, 2_999, 3_000, 3_100, 3_101, 3_200])
def test_a_message_is_cut_once(length):
    text = str(InvalidError("m" * length))

    assert (text == "m" * length) is (length <= 3_100)
    assert str(InvalidError(text)) == text
