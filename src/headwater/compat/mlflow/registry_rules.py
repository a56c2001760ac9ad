"""What MLflow takes as names, aliases, tags and stages of registered models, with its words for the rest."""

import re
from typing import Final

from headwater.compat.mlflow.errors import MlflowError
from headwater.compat.mlflow.limits import check_key, check_length
from headwater.compat.mlflow.requests import invalid_value, missing_value
from headwater.model.models import ARCHIVED, NO_STAGE, PRODUCTION, STAGING

IS_PROMPT: Final = "mlflow.prompt.is_prompt"
"""The tag of registered models that are prompts."""
LATEST: Final = "latest"
UNKNOWN_CALLER: Final = "mlflow"
"""Who decides when the server does not know its callers."""
REASON: Final = "asked for by an MLflow client"

MAX_REGISTRY_TAG_CHARS: Final = 100_000
MAX_ALIAS_CHARS: Final = 255
ACTIVE_STAGES: Final = ("Staging", "Production")

_STAGE_NAMES: Final = {NO_STAGE: "None", STAGING: "Staging", PRODUCTION: "Production", ARCHIVED: "Archived"}
_ALIAS: Final = re.compile(r"[\w-]+")
_VERSION_ALIAS: Final = re.compile(r"[vV]\d+")
_ALIAS_CHARACTERS: Final = "Names may only contain alphanumerics, underscores (_), and dashes (-)."


def check_model_name(name: str, field: str = "name") -> None:
    """Check the name of a registered model.

    Raises:
        MlflowError: it is blank, or has characters that URIs of models use.
    """
    if not name.strip():
        raise missing_value(field)
    if "/" in name or ":" in name:
        raise MlflowError(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")
    if name in {".", ".."}:
        raise invalid_value("name", name, "Names may be treated as files in certain cases.")


def check_registry_tag(key: str, value: str) -> None:
    """Check a tag of a registered model or a version.

    Raises:
        MlflowError: its key or value is no good.
    """
    check_key(key, "key")
    check_length("value", value, MAX_REGISTRY_TAG_CHARS)


def check_alias(alias: str) -> None:
    """Check the name of an alias that is looked up.

    Raises:
        MlflowError: it is none.
    """
    if not _ALIAS.fullmatch(alias):
        raise MlflowError(f"Invalid alias name: '{alias}'. {_ALIAS_CHARACTERS}")
    check_length("Registered model alias name", alias, MAX_ALIAS_CHARS)


def check_new_alias(alias: str) -> None:
    """Check the name of an alias that is set.

    Raises:
        MlflowError: it is none, or means something else.
    """
    check_alias(alias)
    if alias.lower() == LATEST:
        raise MlflowError("'latest' alias name (case insensitive) is reserved.")
    if _VERSION_ALIAS.fullmatch(alias):
        raise MlflowError(f"Version alias name '{alias}' is reserved.")


def number_of(version: str) -> int:
    """Read a version number.

    Raises:
        MlflowError: it is no whole number.
    """
    try:
        return int(version)
    except ValueError:
        raise MlflowError(f"Parameter 'version' must be an integer, got '{version}'.") from None


def stage_of(name: str) -> str:
    """Return the stage that MLflow calls so, in any letter case.

    Raises:
        MlflowError: there is no such stage.
    """
    for stage, shown in _STAGE_NAMES.items():
        if name.lower() == shown.lower():
            return stage
    allowed = ", ".join(_STAGE_NAMES.values())
    raise MlflowError(f"Invalid Model Version stage: {name}. Value must be one of {allowed}.")


def stage_name(stage: str) -> str:
    """Return what MLflow calls a stage; one that a release process added has its own name."""
    return _STAGE_NAMES.get(stage, stage)
