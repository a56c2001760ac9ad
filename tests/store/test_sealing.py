"""Secrets of webhooks, where they lie in the database."""

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from headwater.errors import InvalidError, UnavailableError
from headwater.model.webhooks import NewWebhook, WebhookChange
from headwater.store.sql import schema
from headwater.store.sql.sealing import MARK, VARIABLE
from headwater.store.sql.store import SqlStore

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
HOOK = NewWebhook(
    name="ops", url="https://example.org/hook", events=("model_version.created",), secret="s3cret"
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'store.db'}"


def opened(url, *keys):
    return SqlStore(url, environment={VARIABLE: ", ".join(keys)})


def lying(url):
    """What stands in the database."""
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        found = conn.execute(sa.select(schema.webhook.c.secret)).scalar_one()
    engine.dispose()
    return found


def test_with_a_key_nothing_readable_lies_there(url):
    with opened(url, NEW) as store:
        hook = store.webhooks.add(HOOK)
        stored = lying(url)
        store.webhooks.update(WebhookChange(id=hook.id, secret="an0ther"))

        assert store.webhooks.secret(hook.id) == "an0ther"
    assert stored.startswith(MARK)
    assert "s3cret" not in stored
    assert "an0ther" not in lying(url)


def test_without_a_key_it_lies_there_as_it_is_and_a_key_closes_it_when_it_is_set_anew(url):
    with opened(url) as store:
        hook = store.webhooks.add(HOOK)
        assert lying(url) == "s3cret"

    with opened(url, NEW) as store:
        assert store.webhooks.secret(hook.id) == "s3cret"
        store.webhooks.update(WebhookChange(id=hook.id, secret="s3cret"))
        assert store.webhooks.secret(hook.id) == "s3cret"
    assert lying(url).startswith(MARK)


def test_a_new_key_closes_and_the_old_one_still_opens(url):
    with opened(url, OLD) as store:
        hook = store.webhooks.add(HOOK)

    with opened(url, NEW, OLD) as store:
        assert store.webhooks.secret(hook.id) == "s3cret"
        store.webhooks.update(WebhookChange(id=hook.id, secret="s3cret"))
    with opened(url, NEW) as store:
        assert store.webhooks.secret(hook.id) == "s3cret"


@pytest.mark.parametrize(
    ("keys", "says"), [((), "set HEADWATER_WEBHOOK_KEYS"), ((OLD,), "set the secret anew")]
)
def test_without_its_key_a_secret_stays_closed(url, keys, says):
    with opened(url, NEW) as store:
        hook = store.webhooks.add(HOOK)

    with opened(url, *keys) as store, pytest.raises(UnavailableError, match=says):
        store.webhooks.secret(hook.id)


def test_a_webhook_without_a_secret_has_none(url):
    with opened(url, NEW) as store:
        hook = store.webhooks.add(NewWebhook(name="ops", url=HOOK.url, events=HOOK.events))

        assert store.webhooks.secret(hook.id) is None


def test_what_is_no_key_or_looks_closed_already_is_refused(url):
    with opened(url, "nonsense") as store, pytest.raises(InvalidError, match="this makes one"):
        store.webhooks.add(HOOK)
    with opened(url) as store, pytest.raises(InvalidError, match="must not begin with"):
        store.webhooks.add(NewWebhook(name="ops", url=HOOK.url, events=HOOK.events, secret=MARK))
