"""References: the one grammar that names things in the SDK, the command line, the API and the UI."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import unquote

from headwater.errors import InvalidError

GRAMMAR: Final = (
    "models/NAME[/VERSION|@STAGE|@ALIAS], data/NAME[/VERSION], runs/ID, pipelines/NAME[/RUN], "
    "artifacts/17, executions/17, contexts/17"
)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A registered model, or one version of it by number, or by stage or alias (`label`)."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        tail = f"/{self.version}" if self.version is not None else f"@{self.label}" if self.label else ""
        return f"models/{_quote(self.name)}{tail}"


@dataclass(frozen=True, slots=True)
class DataRef:
    """A data set, or one version of it."""

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return f"data/{_quote(self.name)}" + (f"/{self.version}" if self.version is not None else "")


@dataclass(frozen=True, slots=True)
class RunRef:
    """A run by its 32-digit id or an unambiguous beginning of it."""

    run_id: str

    def __str__(self) -> str:
        return f"runs/{self.run_id}"


@dataclass(frozen=True, slots=True)
class PipelineRef:
    """A pipeline, or one run of it."""

    name: str
    run: str | None = None

    def __str__(self) -> str:
        return f"pipelines/{_quote_part(self.name)}" + (f"/{_quote_part(self.run)}" if self.run else "")


@dataclass(frozen=True, slots=True)
class NodeIdRef:
    """Any node by its id; `kind` is `artifacts`, `executions` or `contexts`."""

    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"


Ref: TypeAlias = ModelRef | DataRef | RunRef | PipelineRef | NodeIdRef

_LABELLED = re.compile(r"models/(?P<name>.+)@(?P<label>[\w-]+)", re.DOTALL)
_NUMBERED = re.compile(r"(?P<kind>models|data)/(?P<name>.+)/(?P<version>[0-9]{1,18})", re.DOTALL)
_NAMED = re.compile(r"(?P<kind>models|data)/(?P<name>.+)", re.DOTALL)
_RUN = re.compile(r"runs/(?P<id>[0-9a-f]{4,32})")
_PIPELINE = re.compile(r"pipelines/(?P<name>[^/]+)(/(?P<run>[^/]+))?")
_NODE = re.compile(r"(?P<kind>artifacts|executions|contexts)/(?P<id>[0-9]{1,18})")


def parse_ref(text: str) -> Ref:
    """Read a reference.

    A name may hold slashes (`data/flights/train/2` is version 2 of
    `flights/train`); a name whose last part is a number, or that holds `@`
    or `%`, is written with percent escapes, as `str()` of a reference does.

    Raises:
        InvalidError: the text is not a reference.

    Example:
        >>> parse_ref("models/late-flights@production")
        ModelRef(name='late-flights', version=None, label='production')
        >>> str(parse_ref("data/flights/train/2"))
        'data/flights/train/2'
    """
    if m := _LABELLED.fullmatch(text):
        return ModelRef(unquote(m["name"]), label=m["label"])
    if m := _NUMBERED.fullmatch(text):
        kind = ModelRef if m["kind"] == "models" else DataRef
        return kind(unquote(m["name"]), int(m["version"]))
    if m := _NAMED.fullmatch(text):
        return ModelRef(unquote(m["name"])) if m["kind"] == "models" else DataRef(unquote(m["name"]))
    if m := _RUN.fullmatch(text):
        return RunRef(m["id"])
    if m := _PIPELINE.fullmatch(text):
        return PipelineRef(unquote(m["name"]), unquote(m["run"]) if m["run"] else None)
    if m := _NODE.fullmatch(text):
        return NodeIdRef(m["kind"], int(m["id"]))
    raise InvalidError(f"{text!r} is not a reference; one of {GRAMMAR}")


def _quote(name: str) -> str:
    """Escape what the grammar uses; the last part must not look like a version."""
    quoted = name.replace("%", "%25").replace("@", "%40")
    head, slash, last = quoted.rpartition("/")
    if slash and last.isdigit() and last.isascii():
        return f"{head}%2F{last}"
    return quoted


def _quote_part(name: str) -> str:
    return _quote(name).replace("/", "%2F")
