"""MLflow's limits and the names that it takes, with its words for what breaks them."""

import posixpath
import re
from typing import Final

from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.requests import invalid_value

MAX_KEY_CHARS: Final = 250
MAX_PARAM_CHARS: Final = 6000
MAX_TAG_CHARS: Final = 8000
MAX_EXPERIMENT_NAME_CHARS: Final = 500
MAX_EXPERIMENT_TAG_CHARS: Final = 20_000
MAX_RUN_NAME_CHARS: Final = 500
MAX_METRICS: Final = 1000
MAX_PARAMS: Final = 100
MAX_TAGS: Final = 100
MAX_ENTITIES: Final = 1000
MAX_RESULTS: Final = 50_000

_NO_PATH: Final = (
    "Names may be treated as files in certain cases, and must not resolve to other names "
    "when treated as such."
)
_RUN_ID: Final = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_KEY: Final = re.compile(r"[/\w.\- :]*")


def check_key(key: str, path: str, title: str | None = None) -> None:
    """Check the name of a metric, param or tag; `title` is what MLflow calls one that is too long.

    Raises:
        MlflowError: it is too long, has odd characters, or is no normalised path.
    """
    if not _KEY.fullmatch(key):
        allowed = (
            "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )
        raise invalid_value(path, key, f"Names may only contain {allowed}")
    plain = posixpath.normpath(key)
    if plain != key or plain == "." or plain.startswith(("..", "/")):
        raise invalid_value(path, key, f"{_NO_PATH} This name would resolve to {plain!r}")
    check_length(title or path, key, MAX_KEY_CHARS)


def checked_tag(key: str, value: str, path: str = "") -> tuple[str, str]:
    """Check a tag of a run, and cut a long value as MLflow does.

    Raises:
        MlflowError: the key cannot be used.
    """
    check_key(key, f"{path}key", f"{path}key")
    return key, value[:MAX_TAG_CHARS]


def checked_param(key: str, value: str, path: str = "") -> tuple[str, str]:
    """Check a param, and cut a long value as MLflow does.

    Raises:
        MlflowError: the key cannot be used.
    """
    check_key(key, f"{path}key", "Param key")
    return key, value[:MAX_PARAM_CHARS]


def check_run_id(run_id: str) -> None:
    """Check that a text could be a run id.

    Raises:
        MlflowError: it could not.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise invalid_value("run_id", run_id)


def check_run_name(name: str) -> str:
    """Check the name of a run, and return it.

    Raises:
        MlflowError: it is empty or too long.
    """
    if not name:
        raise invalid_value("run_name", name, "A run has a name.")
    check_length("run_name", name, MAX_RUN_NAME_CHARS)
    return name


def check_length(name: str, value: str, limit: int) -> None:
    """Check how long a text is.

    Raises:
        MlflowError: it is longer than `limit` characters.
    """
    if len(value) > limit:
        raise MlflowError(f"'{name}' exceeds the maximum length of {limit} characters")


def check_count(what: str, count: int, limit: int) -> None:
    """Check how many things one request logs.

    Raises:
        MlflowError: there are more than `limit`.
    """
    if count > limit:
        raise MlflowError(
            f"A batch logging request can contain at most {limit} {what}. Got {count} {what}. "
            f"Please split up {what} across multiple requests and try again."
        )


def check_results(count: int, limit: int = MAX_RESULTS) -> None:
    """Check how many results a page is to have.

    Raises:
        MlflowError: none or less, or more than `limit`.
    """
    if count < 1:
        raise invalid_value("max_results", count, "It must be a positive integer.")
    if count > limit:
        raise invalid_value("max_results", count, f"It must be at most {limit}.")
