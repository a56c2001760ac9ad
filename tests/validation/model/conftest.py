"""The stores of the contract tests, for verdicts that end up in them."""

from tests.contract.conftest import *  # noqa: F403
