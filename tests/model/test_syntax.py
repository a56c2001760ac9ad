"""Python's parser, asked by several threads."""

import ast
import gc
import io
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from headwater.model.syntax import let_threads_parse, parse_python

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


def test_threads_that_load_arrays_and_models_do_not_either(hasty):
    let_threads_parse()
    parse = ast.parse
    file = io.BytesIO()
    np.save(file, np.arange(3))
    saved = file.getvalue()

    with ThreadPoolExecutor(4) as pool:
        sums = list(pool.map(lambda _: int(np.load(io.BytesIO(saved)).sum()), range(20_000)))
    let_threads_parse()

    assert set(sums) == {3}
    assert ast.parse is parse, "it is wrapped once"
