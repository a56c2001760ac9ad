"""A leak is told from what an allocator does; the load itself works."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.memory import growth

MIB = 2**20


def samples(size_of):
    """A sample each second for five minutes, of some MiB with the noise of an allocator."""
    chance = random.Random(7)
    return [int((size_of(s) + chance.uniform(-2, 2)) * MIB) for s in range(300)]


@pytest.mark.parametrize(
    ("size_of", "is_flat"),
    [
        (lambda s: 120, True),
        (lambda s: 60 + min(s, 90) * 2, True),
        (lambda s: 120 + (40 if s % 50 == 0 else 0), True),
        (lambda s: 120 + (6 if s > 200 else 0), True),
        (lambda s: 120 - s / 10, True),
        (lambda s: 120 + s / 10, False),
        (lambda s: 120 + s / 10 + (40 if s % 50 == 0 else 0), False),
        (lambda s: 1000 + s, False),
    ],
    ids=["flat", "warm-up", "spikes", "step", "shrinks", "leak", "leak-with-spikes", "large-leak"],
)
def test_a_leak_is_told_from_noise(size_of, is_flat):
    assert growth(samples(size_of)).is_flat is is_flat


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_server_answers_all_that_is_asked():
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--store", "sqlite", "--seconds", "5", "--rate", "100"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )

    assert "resident: " in done.stdout, done.stderr
