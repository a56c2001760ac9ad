"""A short crash proof on each database; `make crash` is the long one."""

import pytest

from tests.crash.killing import Proof

KILLS = 8


@pytest.mark.parametrize("backend", ["sqlite", "postgresql", "mysql"])
def test_killed_workload_loses_nothing_that_was_acknowledged(backend, request, tmp_path):
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if backend != "sqlite":
        url = request.getfixturevalue(f"fresh_{backend}_url")()

    tally = Proof(url, tmp_path, seed=7).run(KILLS, deep_every=KILLS)

    assert tally.kills == KILLS
    assert tally.acknowledged > KILLS
