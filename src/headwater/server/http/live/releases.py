"""Verdicts and deployments: nobody decides them, so they are in no ledger."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.model import builtin
from headwater.model.filters import And, Comparison, Field, Filter, Operator, Scope
from headwater.model.graph import Execution, NewType
from headwater.model.ids import ContextId, ExecutionId
from headwater.model.listing import Listing, Order
from headwater.model.protocols import Store
from headwater.model.refs import ModelRef, NodeIdRef
from headwater.server.http.json_values import json_value
from headwater.server.http.live.topics import RESET, News, Topic, model_of

MOST: Final = 200
"""Of each, in one look."""
_TYPE: Final = Field(Scope.ATTRIBUTE, "type")
_CREATED: Final = Field(Scope.ATTRIBUTE, "created_time")
_VERDICT_FIELDS: Final = ("gate", "outcome", "summary", "baseline")
_DEPLOYMENT_FIELDS: Final = ("target", "actor", "url", "note")

Found = dict[Topic, News]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A verdict, or a deployment; `subject` is the version, or the model that was taken away."""

    ref: str
    subject: ModelRef
    fields: Mapping[str, Any]


class Releases:
    """Looks for what was found out about versions, and where they were put."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[str, None] = {}

    def new(self, topics: Iterable[Topic], since_ms: int) -> Found:
        """Return what came since then and was not returned before."""
        found = self.since(topics, since_ms)
        changes = {topic: self._untold(news) for topic, news in found.items()}
        for news in found.values():
            self._told.update(dict.fromkeys(news.changes))
        while len(self._told) > 10 * MOST:
            del self._told[next(iter(self._told))]
        return {topic: news for topic, news in changes.items() if news.is_reset or news.changes}

    def since(self, topics: Iterable[Topic], since_ms: int) -> Found:
        """Return all that came since then; all is reset when that is too much to tell one by one."""
        mine = [topic for topic in topics if topic.kind == "models"]
        if not mine:
            return {}
        seen = [*self._verdicts(since_ms), *self._deployments(since_ms)]
        if len(seen) >= MOST:
            return dict.fromkeys(mine, RESET)
        found = {
            topic: News(
                changes={each.ref: each.fields for each in seen if topic.name in {"", each.subject.name}}
            )
            for topic in mine
        }
        return {topic: news for topic, news in found.items() if news.changes}

    def _untold(self, news: News) -> News:
        changes = {ref: fields for ref, fields in news.changes.items() if ref not in self._told}
        return News(changes=changes, is_reset=news.is_reset)

    def _verdicts(self, since_ms: int) -> Iterator[_Seen]:
        for verdict in self._store.artifacts.page(_listing(builtin.VERDICT, since_ms)).items:
            subject = model_of(str(verdict.properties.get("version", "")))
            # Verdicts on data are of this type, too.
            if subject is not None:
                fields = {name: verdict.properties.get(name) for name in _VERDICT_FIELDS}
                told = {"subject": str(subject), **fields, "time_ms": verdict.created_ms}
                yield _Seen(str(NodeIdRef("artifacts", verdict.id)), subject, json_value(told))

    def _deployments(self, since_ms: int) -> Iterator[_Seen]:
        made = self._store.executions.page(_listing(builtin.DEPLOYMENT, since_ms)).items
        models = self._models([each.id for each in made])
        for each in made:
            if (name := models.get(each.id)) is not None:
                yield _deployment(each, name)

    def _models(self, ids: list[ExecutionId]) -> dict[ExecutionId, str]:
        """Return the names of the models that deployments are of."""
        if not ids:
            return {}
        ties = self._store.links.contexts_of_executions(ids)
        kind = self._store.types.find(builtin.REGISTERED_MODEL.kind, builtin.REGISTERED_MODEL.name)
        contexts = self._store.contexts.get(sorted({ContextId(tie.context_id) for tie in ties}))
        names = {each.id: each.name for each in contexts if kind is not None and each.type_id == kind.id}
        return {tie.execution_id: names[tie.context_id] or "" for tie in ties if tie.context_id in names}


def _deployment(made: Execution, model: str) -> _Seen:
    number = made.properties.get("version")
    subject = ModelRef(model, number if isinstance(number, int) else None)
    fields = {name: made.properties.get(name) for name in _DEPLOYMENT_FIELDS}
    told = {"subject": str(subject), **fields, "time_ms": made.created_ms}
    return _Seen(str(NodeIdRef("executions", made.id)), subject, json_value(told))


def _listing(kind: NewType, since_ms: int) -> Listing:
    conditions: tuple[Filter, ...] = (
        Comparison(_TYPE, Operator.EQ, kind.name),
        Comparison(_CREATED, Operator.GE, since_ms),
    )
    return Listing(filter=And(conditions), order_by=(Order(_CREATED, is_descending=True),), limit=MOST)
