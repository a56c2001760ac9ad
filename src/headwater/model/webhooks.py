"""Webhooks: addresses that are told when something is decided on models."""

from dataclasses import dataclass
from typing import NewType

from headwater.model.graph import KEEP, Keep

WebhookId = NewType("WebhookId", str)
"""32 hexadecimal digits in the groups of a UUID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A webhook to store.

    Attributes:
        events: What it is told, such as `model_version.created`.
        secret: Key of the signatures of what is sent; never given back with the webhook.
    """

    name: str
    url: str
    events: tuple[str, ...]
    description: str | None = None
    secret: str | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A stored webhook, without its secret."""

    id: WebhookId
    name: str
    url: str
    events: tuple[str, ...]
    description: str | None = None
    is_active: bool = True
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """A change of one webhook; None clears the description or the secret."""

    id: WebhookId
    name: str | Keep = KEEP
    url: str | Keep = KEEP
    events: tuple[str, ...] | Keep = KEEP
    description: str | None | Keep = KEEP
    secret: str | None | Keep = KEEP
    is_active: bool | Keep = KEEP
