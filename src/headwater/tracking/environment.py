"""What a run's environment is made of: packages, lock file, machine, threads, seeds."""

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from headwater.model.values import Json

LOCK_FILES: Final = (
    "uv.lock",
    "requirements.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "conda-lock.yml",
    "requirements.txt",
)
"""Looked for in the project's folder, in this order; the first one counts."""
THREAD_VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_DYNAMIC",
    "MKL_DYNAMIC",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
)
_DIST_INFO: Final = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info")
_SECRET: Final = re.compile(r"(?i)(pass(word|wd)?|secret|token|api[-_]?key|credential)")


class Environment:
    """The facts that do not change while a process lives; each is found out once.

    Args:
        project_root: Folder in which a lock file is looked for.
    """

    def __init__(self, project_root: Path) -> None:
        self._project_root = project_root

    @cached_property
    def packages(self) -> dict[str, str]:
        """Installed distributions and their versions, by name.

        Read from the names of the `.dist-info` folders, as the packaging
        standard gives them: opening 300 metadata files would take far longer.
        """
        return dict(sorted(_packages(sys.path)))

    @cached_property
    def packages_json(self) -> bytes:
        """`packages` as JSON: equal environments give equal bytes."""
        return json.dumps(self.packages, indent=0, ensure_ascii=False).encode()

    @cached_property
    def lock(self) -> tuple[str, str] | None:
        """Name and digest of the project's lock file, if there is one."""
        for name in LOCK_FILES:
            path = self._project_root / name
            if path.is_file():
                return name, f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        return None

    @cached_property
    def python_version(self) -> str:
        """Such as `CPython 3.11.7`."""
        return f"{platform.python_implementation()} {platform.python_version()}"

    @cached_property
    def machine(self) -> dict[str, Json]:
        """Operating system, processor and memory."""
        return {
            "os": platform.system(),
            "os_release": platform.release(),
            "architecture": platform.machine(),
            "c_library": " ".join(platform.libc_ver()).strip(),
            "cpu": _cpu_model(),
            "cpu_count": os.cpu_count() or 0,
            "usable_cpu_count": _usable_cpus(),
            "memory_bytes": _memory_bytes(),
        }


def thread_facts(environment: Mapping[str, str]) -> dict[str, Json]:
    """Return the settings that decide on threads, and the loaded BLAS and OpenMP libraries.

    The libraries are listed only when threadpoolctl has been imported already, as scikit-learn does.
    """
    facts: dict[str, Json] = {name: environment[name] for name in THREAD_VARIABLES if name in environment}
    if control := sys.modules.get("threadpoolctl"):
        keys = ("user_api", "internal_api", "version", "num_threads", "threading_layer", "architecture")
        pools: list[dict[str, Any]] = control.threadpool_info()
        facts["pools"] = [{key: pool[key] for key in keys if key in pool} for pool in pools]
    return facts


def seed_facts(environment: Mapping[str, str]) -> dict[str, Json]:
    """Return what can be seen of random seeds: digests of the states of the global generators.

    Only modules that are loaded already are asked. Equal digests say that two
    runs started from the same state; the seed itself cannot be read back.
    """
    facts: dict[str, Json] = {}
    if "PYTHONHASHSEED" in environment:
        facts["PYTHONHASHSEED"] = environment["PYTHONHASHSEED"]
    if random := sys.modules.get("random"):
        facts["random"] = _digest(repr(random.getstate()).encode())
    if random := sys.modules.get("numpy.random"):
        state: Mapping[str, Any] = random.get_state(legacy=False)
        facts["numpy"] = _digest(state["state"]["key"].tobytes() + repr(state["state"]["pos"]).encode())
    if torch := sys.modules.get("torch"):
        facts["torch"] = int(torch.initial_seed())
    return facts


def entry_point() -> tuple[str, list[str]]:
    """Return the program that runs and its arguments; values of arguments that look secret are left out."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    program = (
        f"-m {spec.name}" if spec else getattr(main, "__file__", None) or (sys.argv[0] if sys.argv else "")
    )
    return program or "(interactive)", _without_secrets(sys.argv[1:])


def _without_secrets(arguments: Iterable[str]) -> list[str]:
    shown: list[str] = []
    is_secret = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if is_secret and not argument.startswith("-"):
            shown.append("***")
            is_secret = False
        elif equals and _SECRET.search(name):
            shown.append(f"{name}=***")
        else:
            shown.append(argument)
            is_secret = argument.startswith("-") and bool(_SECRET.search(argument))
    return shown


def _packages(folders: Iterable[str]) -> Iterable[tuple[str, str]]:
    seen: set[str] = set()
    for folder in folders:
        try:
            names = [entry.name for entry in os.scandir(folder or ".")]
        except OSError:
            continue
        for name in names:
            # The first folder on the path wins, as it does for imports.
            if (match := _DIST_INFO.fullmatch(name)) and match["name"].lower() not in seen:
                seen.add(match["name"].lower())
                yield match["name"].replace("_", "-").lower(), match["version"]


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return platform.machine()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.machine()


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()[:32]}"
