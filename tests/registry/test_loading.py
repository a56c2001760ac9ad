"""Loading models by reference: what is verified, and what cannot be loaded."""

import pytest

from headwater.errors import CorruptError, InvalidError, NotFoundError, RefusedError
from headwater.model.models import NewVersion
from headwater.registry import load_version, version_of


def load(shelf, ref):
    """What `hw.load_model` does."""
    return load_version(shelf.registry.blobs, version_of(shelf.registry.store, ref))


@pytest.mark.parametrize("format", ["pickle", "joblib"])
def test_a_model_comes_back_as_it_was_saved(shelf, format):
    shelf.add({"weights": [0.5, -1.5]}, format=format)

    assert load(shelf, "models/late/1") == {"weights": [0.5, -1.5]}


def test_scikit_learn_models_come_back_without_pickle(shelf, late):
    from sklearn.tree import DecisionTreeClassifier

    estimator = DecisionTreeClassifier(random_state=0).fit([[0.0], [1.0]], [0, 1])
    shelf.add(estimator, format="skops")

    assert late.load(1).predict([[0.0], [1.0]]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("ref", "number"),
    [
        ("models/late/2", 2),
        ("models/late@production", 3),
        ("models/late", 3),
        ("models/late@champion", 1),
        ("models/late@latest", 4),
    ],
)
def test_references_name_one_version(shelf, three, ref, number):
    shelf.add("fourth")
    three.set_alias("champion", 1)

    assert version_of(shelf.registry.store, ref).version == number


def test_load_gives_the_version_in_production_by_default(three):
    assert three.load() == {"weights": "of version 3"}
    assert three.load(1) == {"weights": "of version 1"}


def test_what_is_no_model_is_refused(shelf):
    with pytest.raises(InvalidError, match="'data/late/1' is not a model"):
        load(shelf, "data/late/1")


@pytest.mark.parametrize("ref", ["models/late/9", "models/late@champion", "models/other/1"])
def test_what_is_not_there_is_not_found(shelf, three, ref):
    with pytest.raises(NotFoundError):
        load(shelf, ref)


def test_altered_bytes_are_not_loaded(shelf, three):
    shelf.alter(b"of version 3")

    with pytest.raises(CorruptError):
        load(shelf, "models/late@production")


def test_bytes_that_are_gone_are_told(shelf, three):
    shelf.lose(b"of version 3")

    with pytest.raises(CorruptError):
        load(shelf, "models/late@production")


def test_a_version_without_bytes_names_where_they_are(shelf):
    shelf.add_new(NewVersion(model="late", uri="s3://bucket/model"))

    with pytest.raises(RefusedError, match=r"load it from 's3://bucket/model'"):
        load(shelf, "models/late/1")
