"""What `import headwater` offers: exactly the names in `__all__`."""

import subprocess
import sys
from types import ModuleType

import headwater


def test_all_is_sorted_and_without_doubles():
    assert headwater.__all__ == sorted(set(headwater.__all__))


def test_all_is_complete():
    public = {
        name
        for name in dir(headwater)
        if not name.startswith("_") and not isinstance(getattr(headwater, name), ModuleType)
    }

    assert public | {"__version__"} == set(headwater.__all__)


def test_every_public_name_says_what_it_is():
    named = [name for name in headwater.__all__ if name not in {"__version__", "models"}]

    assert [name for name in named if not getattr(headwater, name).__doc__] == []


def test_no_subpackage_takes_the_name_of_a_function():
    # Importing `headwater.x` sets the attribute `x`: a subpackage would replace a function of that name.
    script = """
import pkgutil
from importlib import import_module
from types import ModuleType
import headwater

for found in pkgutil.iter_modules(headwater.__path__):
    if found.name != "__main__":
        import_module(f"headwater.{found.name}")
print([n for n in headwater.__all__ if isinstance(getattr(headwater, n), ModuleType)])
print(callable(headwater.lineage), callable(headwater.run), callable(headwater.dataset))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "True True True"]
