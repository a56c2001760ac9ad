"""What a session has to have: `HEADWATER_TEST_REQUIRE` names servers and other programs, by commas."""

import os
from typing import NoReturn

import pytest


def is_required(name: str) -> bool:
    """Tell whether this session was told that it must have something."""
    return name in os.environ.get("HEADWATER_TEST_REQUIRE", "").split(",")


def excuse(name: str, why: object) -> NoReturn:
    """Skip the test for want of something, or fail it where that is required."""
    if is_required(name):
        pytest.fail(f"HEADWATER_TEST_REQUIRE names {name}: {why}", pytrace=False)
    pytest.skip(str(why))
