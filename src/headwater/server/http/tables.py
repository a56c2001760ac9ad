"""Routes that are found by their path: however many there are, a request costs one look-up."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send


class Table(BaseRoute):
    """Takes the place of many routes; those with parameters are tried after those without.

    Parameters may stand behind the first two parts of a path, such as `/api/2.0`.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._exact: defaultdict[str, list[Route]] = defaultdict(list)
        self._open: defaultdict[str, list[Route]] = defaultdict(list)
        for route in self.routes:
            if route.param_convertors:
                self._open[_beginning(route.path)].append(route)
            else:
                self._exact[route.path].append(route)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Find the route of a request, and have the scope name it as `route`."""
        found: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] != "http":
            return found
        for route in self._at(scope["path"].removeprefix(scope.get("root_path", ""))):
            match, child_scope = route.matches(scope)
            if match is Match.FULL or (match is Match.PARTIAL and found[0] is Match.NONE):
                found = (match, {**child_scope, "route": route})
            if match is Match.FULL:
                break
        return found

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Make no path: nobody asks for one of these by name."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the route that `matches` found."""
        await scope["route"].handle(scope, receive, send)

    def _at(self, path: str) -> Iterator[Route]:
        yield from self._exact.get(path, ())
        yield from self._open.get(_beginning(path), ())


def flat(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Yield routes, and those of tables one by one."""
    for route in routes:
        if isinstance(route, Table):
            yield from route.routes
        else:
            yield route


def _beginning(path: str) -> str:
    return "/".join(path.split("/", 3)[:3])
