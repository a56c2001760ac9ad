import pytest

from headwater.errors import InvalidError


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 1025, "hw_looks-like-a-token"])
def test_a_password_that_is_none_is_refused(hasher, password):
    with pytest.raises(InvalidError, match="a password"):
        hasher.hash(password)


def test_a_hash_is_argon2id_salted_and_verifies(hasher):
    first, second = hasher.hash("correct horse"), hasher.hash("correct horse")

    assert first.startswith("$argon2id$")
    assert first != second
    assert hasher.is_right("correct horse", first)
    assert not hasher.is_right("correct horse", "no hash at all")
    assert not hasher.is_right("correct horse", None)


def test_a_letter_is_the_same_however_it_was_typed(hasher):
    assert hasher.is_right("e\u0301tudes et ar\u00eates", hasher.hash("\u00e9tudes et ar\u00eates"))


def test_any_string_can_be_a_password(hasher):
    odd = "\0 \ud800 \U0001f40e and more"

    assert hasher.is_right(odd, hasher.hash(odd))
