"""The calls about webhooks."""

import re
from typing import Any, Final, Protocol

from headwater.compat.mlflow.answers import Answer, Nothing
from headwater.compat.mlflow.endpoints import AnyEndpoint, Endpoint
from headwater.compat.mlflow.errors import RESOURCE_DOES_NOT_EXIST, MlflowError
from headwater.compat.mlflow.methods import delete, patch
from headwater.compat.mlflow.pages import cut
from headwater.compat.mlflow.requests import Request, Required, invalid_value, missing_value
from headwater.compat.mlflow.webhook_events import ACTIONS, Announcement, example
from headwater.errors import NotFoundError
from headwater.model.access import Permission
from headwater.model.graph import KEEP
from headwater.model.protocols import Store
from headwater.model.webhooks import NewWebhook, WebhookChange, WebhookId
from headwater.model.webhooks import Webhook as StoredWebhook

_NAME: Final = re.compile(r"(?=.{1,63}\Z)[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_STATUSES: Final = {"ACTIVE": True, "1": True, "DISABLED": False, "2": False}
_ENTITY_NUMBERS: Final = {str(number): name for number, name in enumerate(ACTIONS, 1)}
_ACTION_NUMBERS: Final = {"1": "created", "2": "updated", "3": "deleted", "4": "set", "5": "exceeded"}
MAX_WEBHOOKS: Final = 1000
MAX_SECRET_CHARS: Final = 1000
MAX_DESCRIPTION_CHARS: Final = 1000


class Delivered(Protocol):
    """What became of something that was sent."""

    @property
    def status(self) -> int | None:
        """The HTTP status, if there was an answer."""
        ...

    @property
    def body(self) -> str:
        """The beginning of the answer."""
        ...

    @property
    def problem(self) -> str:
        """Why there was no answer."""
        ...


class Deliverer(Protocol):
    """Sends what happened to webhooks."""

    def check(self, url: str) -> None:
        """Check that something may be sent to an address.

        Raises:
            InvalidError: it may not, or nobody knows the host.
        """
        ...

    def announce(self, happened: Announcement) -> None:
        """Send something that happened to all who want to know, in the background."""
        ...

    def send(self, webhook: StoredWebhook, happened: Announcement) -> Delivered:
        """Send something to one webhook now, once."""
        ...


class Event(Answer):
    """What a webhook is told."""

    entity: str
    action: str


class EventOf(Request, frozen=True):
    """Something that a webhook asks for, by words or MLflow's numbers."""

    entity: str | int
    action: str | int


class CreateWebhook(Request, frozen=True):
    """Makes a webhook."""

    name: Required
    url: Required
    events: tuple[EventOf, ...]
    description: str = ""
    secret: str = ""
    status: str | int = ""


class NamedWebhook(Request, frozen=True):
    """Names a webhook."""

    webhook_id: Required


class UpdateWebhook(Request, frozen=True):
    """Changes a webhook; what is absent stays."""

    webhook_id: Required
    name: str = ""
    url: str = ""
    events: tuple[EventOf, ...] = ()
    description: str | None = None
    secret: str | None = None
    status: str | int = ""


class ListWebhooks(Request, frozen=True):
    """Asks for a page of webhooks."""

    max_results: int = 100
    page_token: str = ""


class TestWebhook(Request, frozen=True):
    """Asks to send an example."""

    webhook_id: Required
    event: EventOf | None = None


class Webhook(Answer):
    """A webhook; its secret is never told. Times are milliseconds since the epoch."""

    webhook_id: str
    name: str
    url: str
    events: tuple[Event, ...]
    status: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str = ""


class OneWebhook(Answer):
    """A webhook."""

    webhook: Webhook


class WebhookPage(Answer):
    """Some webhooks, and the token that asks for those after them."""

    webhooks: tuple[Webhook, ...] = ()
    next_page_token: str = ""


class TestResult(Answer):
    """What became of an example."""

    success: bool
    response_status: int | None = None
    response_body: str = ""
    error_message: str = ""


class Tested(Answer):
    """What became of an example."""

    result: TestResult


class WebhookCalls:
    """Answers the calls about webhooks, which only an administrator makes."""

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        """Take where they are kept, and who sends."""
        self._store = store
        self._deliverer = deliverer

    def endpoints(self) -> tuple[AnyEndpoint, ...]:
        """Return the calls that are answered here."""
        admin, one = Permission.ADMIN, "mlflow/webhooks/{webhook_id}"
        return (
            _admin("POST", "mlflow/webhooks", CreateWebhook, self.create),
            _admin("GET", "mlflow/webhooks", ListWebhooks, self.list),
            _admin("GET", one, NamedWebhook, self.get),
            patch(one, UpdateWebhook, self.update, admin),
            delete(one, NamedWebhook, self.delete, admin),
            _admin("POST", f"{one}/test", TestWebhook, self.test),
        )

    def create(self, request: CreateWebhook, _actor: str | None) -> OneWebhook:
        """Make a webhook, if something may be sent to its address."""
        if not request.events:
            raise missing_value("events")
        self._check(request)
        new = NewWebhook(
            name=request.name,
            url=request.url,
            events=tuple(_event_name(each) for each in request.events),
            description=request.description or None,
            secret=request.secret or None,
            is_active=_is_active(request.status or "ACTIVE"),
        )
        return OneWebhook(webhook=_shown(self._store.webhooks.add(new)))

    def list(self, request: ListWebhooks, _actor: str | None) -> WebhookPage:
        """Return a page of webhooks, newest first."""
        size = request.max_results or 100
        if not 1 <= size <= MAX_WEBHOOKS:
            raise MlflowError(f"max_results must be between 1 and {MAX_WEBHOOKS}.")
        found, token = cut(self._store.webhooks.all(), size, request.page_token)
        return WebhookPage(webhooks=tuple(_shown(each) for each in found), next_page_token=token)

    def get(self, request: NamedWebhook, _actor: str | None) -> OneWebhook:
        """Return a webhook."""
        return OneWebhook(webhook=_shown(self._get(request.webhook_id)))

    def update(self, request: UpdateWebhook, _actor: str | None) -> OneWebhook:
        """Change a webhook."""
        found = self._get(request.webhook_id)
        self._check(request)
        change = WebhookChange(
            id=found.id,
            name=request.name or KEEP,
            url=request.url or KEEP,
            events=tuple(_event_name(each) for each in request.events) or KEEP,
            description=KEEP if request.description is None else request.description,
            secret=KEEP if request.secret is None else request.secret or None,
            is_active=_is_active(request.status) if request.status else KEEP,
        )
        return OneWebhook(webhook=_shown(self._store.webhooks.update(change)))

    def delete(self, request: NamedWebhook, _actor: str | None) -> Nothing:
        """Remove a webhook and its secret."""
        self._store.webhooks.delete(self._get(request.webhook_id).id)
        return Nothing()

    def test(self, request: TestWebhook, _actor: str | None) -> Tested:
        """Send an example to a webhook, once, and tell what came back."""
        found = self._get(request.webhook_id)
        name = _event_name(request.event) if request.event is not None else found.events[0]
        entity, _, action = name.partition(".")
        done = self._deliverer.send(found, example(entity, action))
        result = TestResult(
            success=done.status is not None and done.status < 400,
            response_status=done.status,
            response_body=done.body,
            error_message=done.problem,
        )
        return Tested(result=result)

    def _get(self, webhook_id: str) -> StoredWebhook:
        try:
            return self._store.webhooks.get(WebhookId(webhook_id))
        except NotFoundError as error:
            raise MlflowError(f"Webhook with ID {webhook_id} not found.", RESOURCE_DOES_NOT_EXIST) from error

    def _check(self, request: CreateWebhook | UpdateWebhook) -> None:
        if request.name and not _NAME.fullmatch(request.name):
            raise MlflowError(
                f"Webhook name {request.name!r} is invalid. It must start and end with a letter or digit, "
                "be less than 63 characters long, and contain only letters, digits, dots (.), underscores "
                "(_), and hyphens (-)."
            )
        for field, text, limit in (
            ("description", request.description, MAX_DESCRIPTION_CHARS),
            ("secret", request.secret, MAX_SECRET_CHARS),
        ):
            if text and len(text) > limit:
                raise MlflowError(f"'{field}' exceeds the maximum length of {limit} characters")
        if request.url:
            self._deliverer.check(request.url)


def _admin(method: str, path: str, request: Any, answer: Any) -> AnyEndpoint:
    return Endpoint(methods=(method,), path=path, permission=Permission.ADMIN, request=request, answer=answer)


def _event_name(given: EventOf) -> str:
    entity = str(given.entity).lower()
    action = str(given.action).lower()
    entity, action = _ENTITY_NUMBERS.get(entity, entity), _ACTION_NUMBERS.get(action, action)
    if action not in ACTIONS.get(entity, frozenset()):
        valid = sorted(ACTIONS.get(entity, frozenset()))
        raise MlflowError(f"Invalid action '{action}' for entity '{entity}'. Valid actions are: {valid}")
    return f"{entity}.{action}"


def _is_active(status: str | int) -> bool:
    if str(status) not in _STATUSES:
        raise invalid_value("status", status, "It must be one of ACTIVE, DISABLED.")
    return _STATUSES[str(status)]


def _shown(found: StoredWebhook) -> Webhook:
    pairs = (name.partition(".") for name in found.events)
    return Webhook(
        webhook_id=found.id,
        name=found.name,
        url=found.url,
        events=tuple(Event(entity=entity.upper(), action=action.upper()) for entity, _, action in pairs),
        status="ACTIVE" if found.is_active else "DISABLED",
        creation_timestamp=found.created_ms,
        last_updated_timestamp=found.updated_ms,
        description=found.description or "",
    )
