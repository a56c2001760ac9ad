"""Who works at once, and who does not wait any longer."""

import asyncio

import pytest

from headwater.server.http.turns import Turns


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_than_so_many_work_at_once_in_the_order_in_which_they_came(most):
    turns = Turns(most, patience_s=60)
    working, began, seen = set(), [], []

    async def work(number):
        async with turns.one():
            working.add(number)
            began.append(number)
            seen.append(len(working))
            await asyncio.sleep(0.001)
            working.discard(number)

    async def all_of_them():
        await asyncio.gather(*(work(number) for number in range(12)))

    asyncio.run(all_of_them())

    assert max(seen) == most
    assert began == list(range(12))


def test_whoever_waited_long_enough_works_beside_what_is_slow():
    turns = Turns(1, patience_s=0.01)

    async def beside_something_slow():
        async with turns.one():
            async with turns.one():
                pass
            async with turns.one():
                pass

    asyncio.run(asyncio.wait_for(beside_something_slow(), timeout=60))


def test_a_turn_that_fails_or_is_given_up_is_free_again():
    turns = Turns(1, patience_s=60)

    async def fail():
        async with turns.one():
            raise LookupError("of the work")

    async def give_up_then_work():
        with pytest.raises(LookupError):
            await fail()
        async with turns.one():
            waiting = asyncio.create_task(fail())
            await asyncio.sleep(0.001)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with turns.one():
            return True

    assert asyncio.run(asyncio.wait_for(give_up_then_work(), timeout=60))
