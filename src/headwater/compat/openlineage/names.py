"""What OpenLineage's jobs, runs and data sets are called in the graph."""

from hashlib import sha256
from typing import Final
from uuid import UUID

from headwater.compat.openlineage.events import Dataset, Job
from headwater.model.graph import MAX_NAME_CHARS

_MOST_OF_DATA_SET: Final = MAX_NAME_CHARS // 2
_MARK_DIGITS: Final = 16


def job_name(job: Job) -> str:
    """Return the name of a job's context."""
    return _fitting(f"{job.namespace}/{job.name}", MAX_NAME_CHARS)


def run_name(job: Job, run_id: UUID) -> str:
    """Return the name of a run's execution."""
    tail = f"/{run_id}"
    return _fitting(f"{job.namespace}/{job.name}", MAX_NAME_CHARS - len(tail)) + tail


def run_external_id(run_id: UUID) -> str:
    """Return the external id under which a run is found again."""
    return f"openlineage:{run_id}"


def address_of(dataset: Dataset) -> str:
    """Return where a data set is, by the naming rules of OpenLineage's specification.

    Most namespaces are the beginning of a URI, whose rest is the name.

    Example:
        >>> address_of(Dataset(namespace="s3://lake", name="flights/2013"))
        's3://lake/flights/2013'
        >>> address_of(Dataset(namespace="file", name="/data/flights.csv"))
        'file:///data/flights.csv'
        >>> address_of(Dataset(namespace="bigquery", name="air.flights.raw"))
        'bigquery://air.flights.raw'
    """
    if dataset.namespace == "file":
        return f"file:///{dataset.name.lstrip('/')}"
    separator = "/" if "://" in dataset.namespace else "://"
    return f"{dataset.namespace.rstrip('/')}{separator}{dataset.name.lstrip('/')}"


def data_set_name(address: str) -> str:
    """Return the name of a data set at an address: the address, as far as names may be such."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in address).strip().strip("/")
    if plain == address.strip("/"):
        return _fitting(plain, _MOST_OF_DATA_SET)
    return _marked(plain, address, _MOST_OF_DATA_SET)


def _fitting(name: str, most: int) -> str:
    return name if len(name) <= most else _marked(name, name, most)


def _marked(shown: str, name: str, most: int) -> str:
    """Cut a name, and mark it so that another one that is cut alike stays apart."""
    mark = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_DIGITS]
    return f"{shown[: most - _MARK_DIGITS - 1].rstrip(' /')}~{mark}"
