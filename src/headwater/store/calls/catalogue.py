"""What can be asked of a store, as values: read off the protocols, so that nothing is said twice."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import GenericAlias, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from headwater.errors import InvalidError
from headwater.model.access import Permission
from headwater.model.protocols import Store
from headwater.store.calls.rights import NEVER_SERVED, PERMISSIONS, REPEATABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one part of a store.

    Attributes:
        name: `PART.METHOD`, such as `artifacts.add`.
        parameters: Type of each argument, by name, in order.
        result: Type of the answer; of a streamed one, of each item.
        is_streamed: The answer is an iterable that may be long.
        permission: What the caller must be allowed to do.
        is_repeatable: Asking twice is like asking once.
    """

    name: str
    parameters: Mapping[str, Any]
    result: Any
    is_streamed: bool
    permission: Permission
    is_repeatable: bool
    signature: inspect.Signature

    @property
    def has_key(self) -> bool:
        """Tell whether it takes an idempotency key."""
        return "key" in self.parameters

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Name the arguments of a call, as Python would.

        Raises:
            TypeError: they do not fit the method.
        """
        return dict(self.signature.bind(*args, **kwargs).arguments)

    def run(self, store: Store, arguments: Mapping[str, Any]) -> Any:
        """Call the method of a store.

        Raises:
            InvalidError: an argument is missing.
        """
        part, method = self.name.split(".")
        bound = inspect.BoundArguments(self.signature, dict(arguments))  # pyright: ignore[reportArgumentType]
        missing = [
            name
            for name, parameter in self.signature.parameters.items()
            if parameter.default is parameter.empty and name not in arguments
        ]
        if missing:
            raise InvalidError(f"{self.name} needs {', '.join(missing)}")
        return getattr(getattr(store, part), method)(*bound.args, **bound.kwargs)


@cache
def calls() -> Mapping[str, Call]:
    """Return all calls that a server answers, by name."""
    found = {call.name: call for call in _calls()}
    if unknown := PERMISSIONS.keys() ^ found.keys():
        raise AssertionError(f"calls and their permissions differ: {sorted(unknown)}")
    return found


def _calls() -> Iterator[Call]:
    for part, prop in inspect.getmembers(Store, lambda member: isinstance(member, property)):
        protocol = get_type_hints(prop.fget)["return"]
        for method, function in inspect.getmembers(protocol, inspect.isfunction):
            name = f"{part}.{method}"
            if not method.startswith("_") and name not in NEVER_SERVED:
                yield _call(name, function, _type_arguments(protocol))


def _call(name: str, function: Callable[..., Any], arguments: Mapping[Any, Any]) -> Call:
    hints = {key: _filled(hint, arguments) for key, hint in get_type_hints(function).items()}
    result = hints.pop("return")
    is_streamed = get_origin(result) is Iterable
    signature = inspect.signature(function)
    # Without `self`, whatever the protocol calls it.
    own = signature.replace(parameters=list(signature.parameters.values())[1:])
    permission = PERMISSIONS.get(name, Permission.ADMIN)
    return Call(
        name=name,
        parameters={parameter: hints[parameter] for parameter in own.parameters},
        result=get_args(result)[0] if is_streamed else result,
        is_streamed=is_streamed,
        permission=permission,
        is_repeatable=permission is Permission.READ or name in REPEATABLE,
        signature=own,
    )


def _type_arguments(protocol: Any) -> dict[Any, Any]:
    """Return what the type variables of a protocol's generic ancestors stand for."""
    found: dict[Any, Any] = {}
    for ancestor in protocol.__mro__:
        for generic in getattr(ancestor, "__orig_bases__", ()):
            parameters = getattr(get_origin(generic), "__parameters__", ())
            found |= dict(zip(parameters, get_args(generic), strict=False))
    return found


def _filled(hint: Any, arguments: Mapping[Any, Any]) -> Any:
    """Put types in the place of type variables."""
    if isinstance(hint, TypeVar):
        return arguments[hint]
    if not (parameters := get_args(hint)) or get_origin(hint) is None:
        return hint
    filled = tuple(_filled(each, arguments) for each in parameters)
    if filled == parameters:
        return hint
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return Union[filled]  # noqa: UP007  # the types are known at run time only
    return (
        GenericAlias(get_origin(hint), filled) if isinstance(hint, GenericAlias) else hint.copy_with(filled)
    )
