"""What jobs and data sets are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.compat.openlineage.events import Dataset
from headwater.compat.openlineage.names import address_of, data_set_name
from headwater.model.data import NewDataVersion
from headwater.model.refs import DataRef, parse_ref
from headwater.store import open_store


@pytest.mark.parametrize(
    ("namespace", "name", "address"),
    [
        ("s3://lake", "raw/flights", "s3://lake/raw/flights"),
        ("s3://lake/", "/raw/flights", "s3://lake/raw/flights"),
        ("postgres://db:5432", "air.public.flights", "postgres://db:5432/air.public.flights"),
        ("file", "/data/flights.csv", "file:///data/flights.csv"),
        ("bigquery", "air.public.flights", "bigquery://air.public.flights"),
    ],
)
def test_address_is_the_namespace_and_then_the_name(namespace, name, address):
    assert address_of(Dataset(namespace=namespace, name=name)) == address
    assert data_set_name(address) == address


@given(st.text(min_size=1, max_size=600), st.text(min_size=1, max_size=600))
def test_any_address_gives_a_name_that_the_store_takes(namespace, name):
    found = data_set_name(address_of(Dataset(namespace=f"n{namespace}", name=name)))

    with open_store("memory://") as store:
        version = store.data.add_version(NewDataVersion(name=found, digest="d"))

    assert parse_ref(version.ref) == DataRef(found, 1)


def test_names_that_are_cut_alike_stay_apart():
    one, two = (data_set_name("s3://lake/" + "a" * 500 + end) for end in "xy")

    assert one != two
    assert len(one) == len(two) == 250
