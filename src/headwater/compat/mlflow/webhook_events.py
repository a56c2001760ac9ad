"""What webhooks are told: one value for each thing that happens, with MLflow's words for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from headwater.model.values import Json

ACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "registered_model": frozenset({"created"}),
    "model_version": frozenset({"created"}),
    "model_version_tag": frozenset({"set", "deleted"}),
    "model_version_alias": frozenset({"created", "deleted"}),
    "prompt": frozenset({"created"}),
    "prompt_version": frozenset({"created"}),
    "prompt_tag": frozenset({"set", "deleted"}),
    "prompt_version_tag": frozenset({"set", "deleted"}),
    "prompt_alias": frozenset({"created", "deleted"}),
    "budget_policy": frozenset({"exceeded"}),
}
"""By entity, what can happen to it. Nothing here has budgets: webhooks may ask for them, and hear nothing."""

_PROMPT_TAGS: Final = frozenset({"mlflow.prompt.is_prompt", "_mlflow_prompt_type"})
_PROMPT_TEXT: Final = "mlflow.prompt.text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Something that happened.

    Attributes:
        entity: To what, such as `model_version`.
        action: What, such as `created`.
        data: The details, as they are sent.
    """

    entity: str
    action: str
    data: Mapping[str, Json] = field(default_factory=dict[str, Json])

    @property
    def name(self) -> str:
        """Its name, as webhooks ask for it."""
        return f"{self.entity}.{self.action}"


Announce: TypeAlias = Callable[[Announcement], None]
Tags: TypeAlias = Mapping[str, str]


def model_created(name: str, tags: Tags, description: str | None, *, is_prompt: bool) -> Announcement:
    """A model or a prompt was registered."""
    shown: dict[str, Json] = {k: v for k, v in tags.items() if not (is_prompt and k in _PROMPT_TAGS)}
    data: dict[str, Json] = {"name": name, "tags": shown, "description": description}
    return Announcement(entity="prompt" if is_prompt else "registered_model", action="created", data=data)


def version_created(
    name: str, version: str, source: str, run_id: str | None, tags: Tags, description: str | None
) -> Announcement:
    """A version of a model was registered."""
    data: dict[str, Json] = {
        "name": name,
        "version": version,
        "source": source,
        "run_id": run_id,
        "tags": dict(tags),
        "description": description,
    }
    return Announcement(entity="model_version", action="created", data=data)


def prompt_version_created(name: str, version: str, tags: Tags, description: str | None) -> Announcement:
    """A version of a prompt was made."""
    shown: dict[str, Json] = {k: v for k, v in tags.items() if k not in {*_PROMPT_TAGS, _PROMPT_TEXT}}
    data: dict[str, Json] = {
        "name": name,
        "version": version,
        "template": tags.get(_PROMPT_TEXT),
        "tags": shown,
        "description": description,
    }
    return Announcement(entity="prompt_version", action="created", data=data)


def prompt_tag_set(name: str, key: str, value: str) -> Announcement:
    """A tag of a prompt was set."""
    return Announcement(entity="prompt_tag", action="set", data={"name": name, "key": key, "value": value})


def prompt_tag_deleted(name: str, key: str) -> Announcement:
    """A tag of a prompt was taken away."""
    return Announcement(entity="prompt_tag", action="deleted", data={"name": name, "key": key})


def version_tag_set(name: str, version: str, key: str, value: str, *, is_prompt: bool) -> Announcement:
    """A tag of a version was set."""
    data: dict[str, Json] = {"name": name, "version": version, "key": key, "value": value}
    return Announcement(entity=_entity("version_tag", is_prompt=is_prompt), action="set", data=data)


def version_tag_deleted(name: str, version: str, key: str, *, is_prompt: bool) -> Announcement:
    """A tag of a version was taken away."""
    data: dict[str, Json] = {"name": name, "version": version, "key": key}
    return Announcement(entity=_entity("version_tag", is_prompt=is_prompt), action="deleted", data=data)


def alias_created(name: str, alias: str, version: str, *, is_prompt: bool) -> Announcement:
    """An alias was pointed at a version."""
    entity = "prompt_alias" if is_prompt else "model_version_alias"
    data: dict[str, Json] = {"name": name, "alias": alias, "version": version}
    return Announcement(entity=entity, action="created", data=data)


def alias_deleted(name: str, alias: str, *, is_prompt: bool) -> Announcement:
    """An alias was removed."""
    entity = "prompt_alias" if is_prompt else "model_version_alias"
    return Announcement(entity=entity, action="deleted", data={"name": name, "alias": alias})


def example(entity: str, action: str) -> Announcement:
    """Return something that might have happened, for a webhook that is tried."""
    data: dict[str, Json] = {"name": f"example_{'prompt' if entity.startswith('prompt') else 'model'}"}
    if "version" in entity or "alias" in entity:
        data["version"] = "1"
    if "alias" in entity:
        data["alias"] = "example_alias"
    if "tag" in entity:
        data |= {"key": "example_key", "value": "example_value"}
    if action == "created" and "alias" not in entity:
        data |= {"tags": {"example_key": "example_value"}, "description": "An example"}
    if action == "deleted":
        data = {key: value for key, value in data.items() if key != "value"}
    return Announcement(entity=entity, action=action, data=data)


def _entity(tail: str, *, is_prompt: bool) -> str:
    return f"{'prompt' if is_prompt else 'model'}_{tail}"
