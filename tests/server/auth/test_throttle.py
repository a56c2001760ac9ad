import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ThrottledError
from headwater.server.auth.remembering import Remembered
from headwater.server.auth.throttle import Throttle
from tests.server.auth.conftest import Seconds


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_more_pass_than_the_burst_and_one_each_interval(waits):
    seconds = Seconds()
    throttle = Throttle(burst=3, each_s=10, monotonic_s=seconds)
    passed = 0
    for wait in waits:
        seconds.tick(wait)
        try:
            throttle.spend("key")
        except ThrottledError:
            continue
        passed += 1

    assert passed <= 3 + sum(waits) / 10


def test_waiting_as_long_as_the_error_says_is_enough():
    seconds = Seconds()
    throttle = Throttle(burst=2, each_s=10, monotonic_s=seconds)
    throttle.spend("key")
    throttle.spend("key")

    with pytest.raises(ThrottledError) as refused:
        throttle.spend("key")
    seconds.tick(refused.value.retry_after_s)

    throttle.spend("key")


def test_what_was_no_failure_is_taken_back():
    throttle = Throttle(burst=1, each_s=10, monotonic_s=Seconds())
    for _ in range(5):
        throttle.spend("key")
        throttle.refund("key")

    throttle.check("key")


def test_memory_is_bounded():
    seconds = Seconds()
    throttle = Throttle(burst=1, each_s=10, most_keys=100, monotonic_s=seconds)
    remembered = Remembered[int](10, most=100, monotonic_s=seconds)
    for number in range(1000):
        throttle.spend(f"key{number}")
        remembered.put(f"key{number}", number)

    assert len(throttle._failures) == len(remembered._found) == 100
    with pytest.raises(ThrottledError):
        throttle.check("key999")
    assert (remembered.get("key999"), remembered.get("key0")) == (999, None)


def test_secrets_are_not_kept():
    remembered = Remembered[int](10, monotonic_s=Seconds())
    remembered.put("secret", 1)

    assert "secret" not in repr(vars(remembered))
