"""Threads that ask at the same moment, and one that does it for all."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headwater.store.sql.together import Together, finish


class Turns:
    """Doubles numbers, turn by turn, each when it is let; remembers what came in one turn."""

    def __init__(self):
        self.together = Together(self._double)
        self.groups = []
        self._begun, self._may_end = threading.Semaphore(0), threading.Semaphore(0)

    def _double(self, group):
        self.groups.append(sorted(asked.job for asked in group))
        self._begun.release()
        assert self._may_end.acquire(timeout=30)
        for asked in group:
            if asked.job < 0:
                asked.error = ValueError(asked.job)
            else:
                asked.result.append(2 * asked.job)
        finish(group)

    def wait_for_turn(self):
        """Wait until another turn has begun."""
        assert self._begun.acquire(timeout=30)

    def let_end(self, count=1):
        """Let the next turns end."""
        self._may_end.release(count)

    def ask(self, pool, *numbers):
        """Ask from a thread each, and wait until all of them do."""
        before = self.together.waiting()
        asked = [pool.submit(self.together.run, number) for number in numbers]
        while self.together.waiting() < before + len(numbers):
            pass
        return asked


@pytest.fixture
def turns():
    """Turns that wait to be let."""
    return Turns()


@pytest.fixture
def pool():
    """Threads enough."""
    with ThreadPoolExecutor(16) as threads:
        yield threads


def test_what_piles_up_is_done_in_one_turn(turns, pool):
    first = pool.submit(turns.together.run, 1)
    turns.wait_for_turn()
    rest = turns.ask(pool, 2, 3, 4)
    turns.let_end(2)

    assert [each.result(30) for each in (first, *rest)] == [2, 4, 6, 8]
    assert turns.groups == [[1], [2, 3, 4]]


def test_each_has_its_own_error(turns, pool):
    first = pool.submit(turns.together.run, 1)
    turns.wait_for_turn()
    good, bad = turns.ask(pool, 2, -3)
    turns.let_end(2)

    assert (first.result(30), good.result(30)) == (2, 4)
    with pytest.raises(ValueError, match="-3"):
        bad.result(30)


def test_who_is_done_does_not_wait_for_the_turn_of_others(turns, pool):
    first = pool.submit(turns.together.run, 1)
    turns.wait_for_turn()
    second = turns.ask(pool, 2, 3)
    turns.let_end()
    turns.wait_for_turn()
    third = turns.ask(pool, 4)
    turns.let_end()
    turns.wait_for_turn()

    # The third turn goes on, and all of the second have their answers.
    assert [each.result(30) for each in (first, *second)] == [2, 4, 6]
    turns.let_end()
    assert third[0].result(30) == 8


def test_one_that_raises_leaves_the_others_to_themselves(pool):
    may_fail, has_begun = threading.Event(), threading.Event()

    def serve(group):
        if group[0].job == "interrupted":
            has_begun.set()
            may_fail.wait(30)
            raise KeyboardInterrupt
        for asked in group:
            asked.result.append(asked.job)
        finish(group)

    together = Together(serve)
    first = pool.submit(together.run, "interrupted")
    assert has_begun.wait(30)
    rest = [pool.submit(together.run, name) for name in ("a", "b")]
    while together.waiting() < 2:
        pass
    may_fail.set()

    with pytest.raises(KeyboardInterrupt):
        first.result(30)
    assert [each.result(30) for each in rest] == ["a", "b"]


def test_who_should_be_woken_and_is_not_looks_by_itself(turns, pool):
    assert turns.together.pause(1)
    asked = turns.ask(pool, 5)
    turns.let_end()

    # As if whoever had the turn had been interrupted before it could wake the next.
    turns.together.resume()

    assert asked[0].result(30) == 10


def test_a_forked_child_asks_although_a_thread_of_its_parent_had_the_turn(turns, pool):
    asked = pool.submit(turns.together.run, 1)
    turns.wait_for_turn()

    child = os.fork()
    if child == 0:
        turns.let_end()
        os._exit(0 if turns.together.run(4) == 8 else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    turns.let_end()
    assert asked.result(30) == 2
