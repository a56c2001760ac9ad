"""Webhooks: kept, listed newest first, changed and removed; their secrets go to the sender alone."""

from dataclasses import fields

import pytest

from headwater.errors import InvalidError, NotFoundError
from headwater.model.webhooks import NewWebhook, Webhook, WebhookChange, WebhookId
from tests.contract.builders import START_MS

CREATED = "model_version.created"

secrets_stay = pytest.mark.never(["http"], reason="what deliveries are signed with never leaves the server")


def hook(**given):
    return NewWebhook(**{"name": "ops", "url": "https://example.org/hook", "events": (CREATED,), **given})


@secrets_stay
def test_a_webhook_comes_back_without_its_secret(store):
    stored = store.webhooks.add(hook(description="späť", secret="s3cret"))

    assert stored == Webhook(
        id=stored.id,
        name="ops",
        url="https://example.org/hook",
        events=(CREATED,),
        description="späť",
        is_active=True,
        created_ms=START_MS,
        updated_ms=START_MS,
    )
    assert store.webhooks.get(stored.id) == stored
    assert "secret" not in {field.name for field in fields(Webhook)}
    assert store.webhooks.secret(stored.id) == "s3cret"


@secrets_stay
def test_webhooks_are_listed_newest_first(store, clock):
    older = store.webhooks.add(hook())
    clock.tick()
    newer = store.webhooks.add(hook(is_active=False))

    assert store.webhooks.all() == [newer, older]
    assert (newer.is_active, store.webhooks.secret(newer.id)) == (False, None)


@secrets_stay
def test_a_change_leaves_what_it_does_not_name(store, clock):
    before = store.webhooks.add(hook(description="d", secret="s"))
    clock.tick()

    after = store.webhooks.update(WebhookChange(id=before.id, events=("a.b", "c.d"), is_active=False))
    assert (after.name, after.url, after.description) == (before.name, before.url, "d")
    assert (after.events, after.is_active, after.updated_ms) == (("a.b", "c.d"), False, START_MS + 1)
    assert store.webhooks.secret(before.id) == "s"

    cleared = store.webhooks.update(WebhookChange(id=before.id, description=None, secret=None, name="other"))
    assert (cleared.name, cleared.description, store.webhooks.secret(before.id)) == ("other", None, None)


@secrets_stay
def test_a_removed_webhook_is_gone_with_its_secret(store):
    stored = store.webhooks.add(hook(secret="s"))
    store.webhooks.delete(stored.id)

    assert store.webhooks.all() == []
    for look in (store.webhooks.get, store.webhooks.secret, store.webhooks.delete):
        with pytest.raises(NotFoundError):
            look(stored.id)
    with pytest.raises(NotFoundError):
        store.webhooks.update(WebhookChange(id=WebhookId("none"), name="x"))


@pytest.mark.parametrize("given", [{"name": ""}, {"name": "x" * 501}, {"url": ""}, {"events": ()}], ids=str)
def test_a_webhook_that_makes_no_sense_is_refused(store, given):
    with pytest.raises(InvalidError):
        store.webhooks.add(hook(**given))
    stored = store.webhooks.add(hook())
    with pytest.raises(InvalidError):
        store.webhooks.update(WebhookChange(id=stored.id, **given))
    assert store.webhooks.all() == [stored]
