"""A process of its own that loads a model: `python -m headwater.registry.load_check FOLDER FORMAT RESULT`.

Formats such as pickle run code when they load. What a server will see is a
fresh process, without whatever the one that promotes has in memory; and what
crashes or hangs there takes nothing with it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from headwater.errors import RefusedError


def check_in_fresh_process(folder: Path, format_name: str, subject: str, *, timeout_s: float) -> None:
    """Load a model in a process that is started for it.

    Args:
        folder: What the format wrote, verified.
        format_name: Name of the format.
        subject: Reference of the version, for the refusal.
        timeout_s: Longest time that loading may take.

    Raises:
        RefusedError: it does not load, or not in time.
    """
    result = folder.with_name("result.json")
    command = [sys.executable, "-m", __name__, str(folder), format_name, str(result)]
    # What can be imported here can be imported there; nothing else is handed over.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # The cause would show the command line, of which nobody can make use.
        raise RefusedError(f"{subject} does not load: not done after {timeout_s:g} s") from None
    if done.returncode == 0:
        return
    if not result.exists():
        raise RefusedError(f"{subject} does not load: its process ended with exit code {done.returncode}")
    fault = json.loads(result.read_text(encoding="utf-8"))
    # A class of the script that saved the model is looked for in the script that loads it: this one.
    is_of_script = "__main__" in fault or __name__ in fault
    hint = "; put its class into a module that can be imported" if is_of_script else ""
    raise RefusedError(f"{subject} does not load: {fault}{hint}")


def load_and_tell(folder: Path, format_name: str, result: Path) -> int:
    """Load a model; write down what it raised, if anything, and return the exit code."""
    from headwater.formats import load_model_folder

    try:
        load_model_folder(folder, format_name=format_name, allow_unsafe=True)
    except Exception as error:  # noqa: BLE001  # loading runs code that is not ours
        result.write_text(json.dumps(f"{type(error).__name__}: {error}"), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(load_and_tell(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
