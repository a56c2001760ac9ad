"""Making cache keys: what is the same for all steps of a run is found out once."""

import json
from collections.abc import Mapping
from typing import Final

from headwater.pipelines.bindings import Binding, digest_of_binding, is_plain, plain_value
from headwater.pipelines.code import Code
from headwater.pipelines.contracts import contract_of
from headwater.pipelines.definitions import StepFunction
from headwater.pipelines.keys import VERSION, CacheKey, digest_of
from headwater.tracking.environment import Environment

_MAX_SHOWN_CHARS: Final = 60
_UNSET: Final = "(not set)"


class Keys:
    """Makes the cache keys of one run.

    Args:
        environment: Facts of this process: its Python, its lock file.
        variables: Environment variables.
        code: Reads code.
    """

    def __init__(self, environment: Environment, variables: Mapping[str, str], code: Code) -> None:
        self._variables, self._code = variables, code
        lock = environment.lock
        # Without a lock file what is installed decides, all of it.
        name, digest = lock or ("installed", f"sha256:{digest_of(dict(environment.packages))}")
        self._packages = {"python": environment.python_version, name: digest}
        self._outputs: dict[object, str] = {}

    def key(self, step: StepFunction, bindings: Mapping[str, Binding]) -> CacheKey:
        """Return the key of a call.

        Raises:
            InvalidError: the step's source code cannot be read.
        """
        plain = {name: _shown(binding) for name, binding in bindings.items() if is_plain(binding)}
        inputs = {
            name: digest_of_binding(binding) for name, binding in bindings.items() if not is_plain(binding)
        }
        if step.function not in self._outputs:
            self._outputs[step.function] = contract_of(step.function).text
        return CacheKey(
            parts={
                "code": self._code.pieces(step.function),
                "params": plain,
                "inputs": inputs,
                "packages": self._packages,
                "environment": {name: self._variable(name) for name in step.options.environment},
                "output": {"annotation": self._outputs[step.function]},
                "version": {"keys": str(VERSION), "step": step.options.version},
            }
        )

    def _variable(self, name: str) -> str:
        # Only a digest is kept: a variable may hold a password.
        return digest_of(self._variables[name])[:16] if name in self._variables else _UNSET


def _shown(binding: Binding) -> str:
    text = json.dumps(plain_value(binding), sort_keys=True, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"sha256:{digest_of_binding(binding)}"
