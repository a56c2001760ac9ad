"""Python's parser, asked by several threads."""

import gc
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.model.syntax import parse_python

DEEP = "(" * 60 + "x" + ")" * 60 + " + ".join(["", *(f"f({i}, [a, {{b: c}}])" for i in range(400))])


@pytest.fixture
def hasty():
    """Let threads change all the time, also amid a tree: there, garbage collection runs Python."""

    def note(*_):
        sum(range(50))

    before = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(note)
    gc.set_threshold(20)
    sys.setswitchinterval(1e-6)
    yield
    gc.callbacks.remove(note)
    gc.set_threshold(*before[0])
    sys.setswitchinterval(before[1])


def test_threads_that_parse_at_once_do_not_disturb_each_other(hasty):
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(lambda _: parse_python(DEEP, mode="eval"), range(40)))

    assert len(trees) == 40
