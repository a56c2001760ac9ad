"""What a store does with webhooks."""

from typing import Protocol

from headwater.model.webhooks import NewWebhook, Webhook, WebhookChange, WebhookId


class WebhookStore(Protocol):
    """Webhooks. They are settings, not part of the graph: of the past there are none but today's."""

    def add(self, new: NewWebhook, /) -> Webhook:
        """Store a webhook under an id of its own.

        Raises:
            InvalidError: it names no event, or a text is missing or too long.
        """
        ...

    def get(self, id: WebhookId, /) -> Webhook:
        """Return one webhook.

        Raises:
            NotFoundError: there is none with this id.
        """
        ...

    def all(self) -> list[Webhook]:
        """Return all webhooks, newest first."""
        ...

    def update(self, change: WebhookChange, /) -> Webhook:
        """Change a webhook.

        Raises:
            NotFoundError, InvalidError: as in `get` and `add`.
        """
        ...

    def delete(self, id: WebhookId, /) -> None:
        """Remove a webhook and its secret for good.

        Raises:
            NotFoundError: there is none with this id.
        """
        ...

    def secret(self, id: WebhookId, /) -> str | None:
        """Return the key that what is sent is signed with: for the sender alone, never for a reader.

        Raises:
            NotFoundError: there is none with this id.
        """
        ...
