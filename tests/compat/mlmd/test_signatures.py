"""Every name of the original's Python API is here, with the same arguments, kinds and defaults."""

import json
import subprocess
import warnings
from pathlib import Path
from typing import Any

from headwater.compat import mlmd
from headwater.compat.mlmd.metadata_store import ExtraOptions
from tests.compat.mlmd.peer import PYTHON, Original
from tests.compat.mlmd.signatures import describe

SCRIPT = Path(__file__).with_name("signatures.py")


def test_the_api_has_the_originals_names_and_signatures(original: Original):
    done = subprocess.run([PYTHON, SCRIPT], check=True, capture_output=True, text=True, timeout=60)
    theirs = json.loads(done.stdout)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        ours = json.loads(json.dumps(describe(mlmd, mlmd.MetadataStore, ExtraOptions)))

    assert {part: shared(ours[part], theirs[part]) for part in theirs} == theirs


def shared(ours: Any, theirs: Any) -> Any:
    """What of ours the original has, too: ours may have more names, and more arguments by keyword alone."""
    if isinstance(theirs, dict):
        return {name: shared(ours.get(name), value) for name, value in theirs.items()}
    if isinstance(ours, list) and isinstance(theirs, list):
        return [each for each in ours if each in theirs or "KEYWORD_ONLY" not in each]
    return ours
