"""A process of its own that loads a model and lets it answer.

Formats such as pickle run code when they load. What a server will see is a
fresh process, without whatever the one that asks has in memory; and what
crashes, hangs or takes all memory there takes nothing with it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headwater.model.values import Json

MIB: Final = 1 << 20
_POLL_S: Final = 0.02
_MODULE: Final = "headwater.formats.fresh_process"
_REQUEST: Final = "request.json"
_RESULT: Final = "result.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a process may take.

    Attributes:
        timeout_s: Longest time from its start to its answer.
        memory_bytes: Most resident memory; None: as much as there is. Watched on Linux while it runs,
            elsewhere compared when it has ended.
        python: The interpreter to start, such as that of the model's own environment; headwater and
            what the model needs are installed there. By default this one, with its import path.
    """

    timeout_s: float = 60
    memory_bytes: int | None = None
    python: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of a model in a process of its own.

    Attributes:
        fault: Why it did not load or answer, in words; empty: it did.
        load_s: Seconds that loading took, imports included.
        answer_s: Seconds that the answer took.
        peak_bytes: Most resident memory, the interpreter included.
        versions: Installed packages that were asked for, and `python`; None: not there.
        answer: What it answered: `method` and `shape`; None where it was not asked.
    """

    fault: str = ""
    load_s: float | None = None
    answer_s: float | None = None
    peak_bytes: int | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    answer: Mapping[str, Json] | None = None


def try_model(
    folder: Path,
    format_name: str,
    *,
    limits: Limits,
    example: Sequence[Json] | None = None,
    inputs: Sequence[Mapping[str, Json]] = (),
    packages: Sequence[str] = (),
) -> Trial:
    """Load a model in a process that is started for it, and perhaps let it answer.

    Args:
        folder: What the format wrote, verified. Two files are put beside it.
        format_name: Name of the format.
        limits: What the process may take.
        example: Rows to answer, as records; None: it is only loaded.
        inputs: Name and dtype of each column of the rows, as in a signature.
        packages: Names of packages whose versions to tell.

    Returns:
        What became of it; a model that does not load gives a trial with a fault, and raises nothing.
    """
    request = {"format": format_name, "example": example, "inputs": inputs, "packages": packages}
    folder.with_name(_REQUEST).write_text(json.dumps(request, default=dict), encoding="utf-8")
    result = folder.with_name(_RESULT)
    result.unlink(missing_ok=True)
    process = subprocess.Popen(
        [limits.python or sys.executable, "-m", _MODULE, str(folder)],
        env=_environment(limits),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A group of its own, so that what it starts is killed with it.
        start_new_session=True,
    )
    try:
        fault, peak = _watch(process, limits)
    finally:
        _kill(process)
    if fault:
        return Trial(fault=fault, peak_bytes=peak)
    if not result.exists():
        return Trial(fault=_ending(process.returncode), peak_bytes=peak)
    return _checked(Trial(**json.loads(result.read_text(encoding="utf-8"))), limits)


def _environment(limits: Limits) -> dict[str, str]:
    if limits.python is not None:
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # What can be imported here can be imported there; nothing else is handed over.
    paths = (path or str(Path.cwd()) for path in sys.path)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _watch(process: subprocess.Popen[bytes], limits: Limits) -> tuple[str, int | None]:
    """Wait until a process ends, or takes too much; return the fault, and the most memory seen."""
    end, peak = time.monotonic() + limits.timeout_s, None
    while process.poll() is None:
        peak = _peak_bytes(process.pid) or peak
        if limits.memory_bytes is not None and peak is not None and peak > limits.memory_bytes:
            return _too_much(peak, limits.memory_bytes), peak
        if time.monotonic() >= end:
            return f"not done after {limits.timeout_s:g} s", peak
        time.sleep(_POLL_S)
    return "", peak


def _peak_bytes(pid: int) -> int | None:
    """Return the most resident memory of a running process, where the system tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    lines = (line.split() for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(words[1]) * 1024 for words in lines), None)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ending(code: int) -> str:
    if code < 0:
        return f"its process ended with exit code {code} ({signal.Signals(-code).name})"
    return f"its process ended with exit code {code}"


def _checked(trial: Trial, limits: Limits) -> Trial:
    peak, most = trial.peak_bytes, limits.memory_bytes
    if trial.fault or peak is None or most is None or peak <= most:
        return trial
    # It was over before the watcher saw it.
    return Trial(fault=_too_much(peak, most), peak_bytes=peak, versions=trial.versions)


def _too_much(peak: int, most: int) -> str:
    return f"it took {peak / MIB:,.0f} MiB of memory, {most / MIB:,.0f} are allowed"


def _main(folder: Path) -> None:
    """What the process does: write down what became of the model."""
    request: dict[str, Any] = json.loads(folder.with_name(_REQUEST).read_text(encoding="utf-8"))
    found: dict[str, Any] = {}
    try:
        found |= _tried(folder, request)
    except Exception as error:  # noqa: BLE001  # loading runs code that is not ours
        fault = f"{type(error).__name__}: {error}"
        # A class of the script that saved the model is looked for in the script that loads it: this one.
        is_of_script = "__main__" in fault or _MODULE in fault
        hint = "; put its class into a module that can be imported" if is_of_script else ""
        found["fault"] = f"{fault}{hint}"
    found |= {"peak_bytes": _own_peak_bytes(), "versions": _versions(request["packages"])}
    folder.with_name(_RESULT).write_text(json.dumps(found), encoding="utf-8")


def _tried(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    from headwater.formats.choosing import load_model_folder

    start = time.perf_counter()
    model = load_model_folder(folder, format_name=request["format"], allow_unsafe=True)
    found: dict[str, Any] = {"load_s": time.perf_counter() - start}
    if request["example"] is not None:
        from headwater.formats.answering import answer

        start = time.perf_counter()
        found["answer"] = answer(model, request["example"], request["inputs"])
        found["answer_s"] = time.perf_counter() - start
    return found


def _own_peak_bytes() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _versions(packages: Sequence[str]) -> dict[str, str | None]:
    import importlib.metadata
    import platform

    found: dict[str, str | None] = {}
    for name in packages:
        try:
            found[name] = platform.python_version() if name == "python" else importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
