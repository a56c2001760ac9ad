"""Experiments: the contexts that native runs have, found by MLflow's ids, and their names in a filter."""

from collections.abc import Mapping
from typing import Final

from headwater.compat.mlflow.errors import (
    RESOURCE_DOES_NOT_EXIST,
    MlflowError,
)
from headwater.compat.mlflow.filters import (
    EQUALITY,
    NULL,
    NUMBER,
    TEXT,
    Key,
    Names,
    Test,
)
from headwater.errors import ConflictError
from headwater.model import builtin
from headwater.model.filters import Comparison, Field, Filter, In, Scalar, Scope
from headwater.model.graph import Context, ContextChange, NewContext
from headwater.model.ids import ContextId, TypeId
from headwater.model.protocols import Store
from headwater.query.attributes import ValueType

DEFAULT_NAME: Final = "Default"
DEFAULT_ID: Final = "0"
_DEFAULT_KEY: Final = "mlflow:experiments/0"
"""The external id of the context that MLflow's clients know as experiment 0."""


class Experiments:
    """Finds experiments by MLflow's ids: a context's id as text, and `0` for the one named Default."""

    def __init__(self, store: Store) -> None:
        """Take where they are kept."""
        self._store = store
        self._type_id: TypeId | None = None
        self._default: ContextId | None = None

    @property
    def type_id(self) -> TypeId:
        """The type that an experiment's context has."""
        if self._type_id is None:
            (self._type_id,) = self._store.types.put([builtin.EXPERIMENT], can_add=True, can_omit=True)
        return self._type_id

    def default_id(self) -> ContextId:
        """Return the context of experiment 0, which is made when it is asked for first."""
        if self._default is None:
            self._default = self._find_default() or self._make_default()
        return self._default

    def number(self, experiment_id: str) -> ContextId:
        """Return the context id that an experiment id stands for, whether there is one or not.

        Raises:
            MlflowError: it is no number.
        """
        if experiment_id in {"", DEFAULT_ID}:
            return self.default_id()
        if not experiment_id.isdecimal() or not experiment_id.isascii():
            raise MlflowError(
                f"Invalid experiment ID '{experiment_id}'. Experiment ID must be a valid integer."
            )
        return ContextId(int(experiment_id[:_DIGITS]))

    def name_of(self, number: ContextId) -> str:
        """Return the id that MLflow's clients know an experiment by."""
        return DEFAULT_ID if number == self.default_id() else str(number)

    def get(self, experiment_id: str) -> Context:
        """Return an experiment, deleted ones too.

        Raises:
            MlflowError: there is none.
        """
        found = self._store.contexts.get([self.number(experiment_id)])
        if not found or found[0].type_id != self.type_id:
            raise no_experiment(experiment_id)
        return found[0]

    def active(self, experiment_id: str) -> Context:
        """Return an experiment that can be written to.

        Raises:
            MlflowError: there is none, or it is deleted.
        """
        found = self.get(experiment_id)
        if found.deleted_ms is not None:
            raise MlflowError(
                f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
            )
        return found

    def _find_default(self) -> ContextId | None:
        found = self._store.contexts.by_external_ids([_DEFAULT_KEY])
        return found[0].id if found else None

    def _make_default(self) -> ContextId:
        named = self._store.contexts.find(self.type_id, DEFAULT_NAME)
        try:
            if named is None:
                new = NewContext(type_id=self.type_id, name=DEFAULT_NAME, external_id=_DEFAULT_KEY)
                return self._store.contexts.add([new])[0]
            self._store.contexts.update([ContextChange(id=named.id, external_id=_DEFAULT_KEY)])
        except ConflictError:
            # Another server was first.
            if (found := self._find_default()) is None:
                raise
            return found
        return named.id


def experiment_test(experiments: Experiments, test: Test) -> Filter:
    """Return a test of experiment ids, which are texts, as one of context ids."""

    def number(value: Scalar) -> int:
        text = str(value)
        return experiments.number(text) if text.isdecimal() and text.isascii() else _NOBODY

    match test:
        case Comparison(field, operator, value):
            return Comparison(field, operator, number(value))
        case In(field, values, is_negated):
            return In(field, tuple(map(number, values)), is_negated)
        case _:
            return test


def tag_key(name: str) -> Key:
    """Return what `tags.NAME` stands for."""
    return Key(field=Field(Scope.TAG, name), operators=TEXT | NULL)


def experiment_names(experiments: Experiments) -> Names:
    """Return what a filter on experiments can name."""
    times = {"creation_time": "created_time", "last_update_time": "updated_time"}
    number_keys = {
        name: Key(field=_attribute(stored), operators=NUMBER, value_type=ValueType.INTEGER)
        for name, stored in times.items()
    }
    id_key = Key(
        field=_attribute("id"), operators=EQUALITY, rewrite=lambda test: experiment_test(experiments, test)
    )
    attributes: Mapping[str, Key] = {
        "name": Key(field=_attribute("name")),
        "experiment_id": id_key,
        **number_keys,
    }
    return Names(attributes=attributes, scopes={"tag": tag_key, "tags": tag_key})


def _attribute(name: str) -> Field:
    return Field(Scope.ATTRIBUTE, name)


def no_experiment(experiment_id: str) -> MlflowError:
    """Return the error for an experiment that is not stored."""
    return MlflowError(f"No Experiment with id={experiment_id} exists", RESOURCE_DOES_NOT_EXIST)


_NOBODY: Final = -1
_DIGITS: Final = 18
"""Longer numbers do not fit in 64 bits, and are nobody's id."""
