"""The formats that come with headwater."""

import importlib
import importlib.metadata
import json
import pickle
import platform
import sys
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from headwater.errors import CorruptError, InvalidError, MissingDependencyError, RefusedError
from headwater.formats.canonical import make_canonical
from headwater.model.values import Json

# What skops leaves to its user to trust, apart from scikit-learn's own classes: functions and classes that
# only compute, which estimators hold by default.
_HARMLESS: Final = frozenset(
    {
        "numpy.dtype",
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
    }
)


class SkopsFormat:
    """scikit-learn estimators and pipelines, without pickle.

    The types that skops does not trust by itself are written down when a
    model is saved. Loading refuses a file with any other; and of those
    written down it takes scikit-learn's own, and asks for `allow_unsafe`
    for the rest, such as a transformer of the user's, whose code would run.
    """

    name = "skops"
    is_safe = True

    def can_save(self, model: object, /) -> bool:
        """True for what extends scikit-learn's BaseEstimator."""
        return any(
            c.__module__ == "sklearn.base" and c.__name__ == "BaseEstimator" for c in type(model).__mro__
        )

    def save(self, model: object, folder: Path, /) -> None:
        """Write `model.skops`, and `types.json` with the names of the types in it that need trust.

        Raises:
            InvalidError: skops cannot save some part of the model.
        """
        skops = _skops()
        path = folder / "model.skops"
        try:
            skops.dump(model, path)
        except (TypeError, NotImplementedError) as exc:  # skops' own refusals are TypeErrors
            raise InvalidError(
                f"skops cannot save this {type(model).__qualname__}: {exc}; use format='joblib'"
            ) from exc
        make_canonical(path)
        types: list[str] = skops.get_untrusted_types(file=path)
        (folder / "types.json").write_text(json.dumps(types, indent=1), encoding="utf-8")

    def load(self, folder: Path, /, *, allow_unsafe: bool) -> object:
        """Read the model back.

        Raises:
            RefusedError: the file holds types that were not there when it was saved, or that are not
                scikit-learn's while `allow_unsafe` is false.
            CorruptError: files are missing or damaged.
        """
        skops = _skops()
        path = folder / "model.skops"
        try:
            recorded = set(json.loads((folder / "types.json").read_text(encoding="utf-8")))
            found: list[str] = skops.get_untrusted_types(file=path)
        except (OSError, ValueError, TypeError, LookupError, zipfile.BadZipFile) as exc:
            raise CorruptError(f"no model saved with skops in {folder}: {exc}") from exc
        if unknown := sorted(set(found) - recorded):
            raise RefusedError(
                f"the model holds types that were not in it when it was saved: {', '.join(unknown)}"
            )
        if not allow_unsafe and (foreign := [t for t in found if not _is_harmless(t)]):
            raise RefusedError(
                f"loading would run code of {', '.join(foreign)}; if you trust whoever saved the model, "
                "load it with allow_unsafe=True"
            )
        return skops.load(path, trusted=found)

    def facts(self, model: object, /) -> dict[str, Json]:
        """Name the model's class and the versions of Python, scikit-learn, numpy, scipy and skops."""
        return _facts(model, "scikit-learn", "skops", "numpy", "scipy")


class JoblibFormat:
    """Any object, by joblib's pickle: loading runs whatever code the file names."""

    name = "joblib"
    is_safe = False

    def can_save(self, model: object, /) -> bool:  # noqa: ARG002
        """True for everything; some objects turn out not to be picklable."""
        return True

    def save(self, model: object, folder: Path, /) -> None:
        """Write `model.joblib`.

        Raises:
            InvalidError: the object cannot be pickled.
        """
        with _pickling(model):
            _joblib().dump(model, folder / "model.joblib")

    def load(self, folder: Path, /, *, allow_unsafe: bool) -> object:  # noqa: ARG002
        """Read the object back."""
        with _unpickling(folder):
            return _joblib().load(folder / "model.joblib")

    def facts(self, model: object, /) -> dict[str, Json]:
        """Name the object's class and the versions of Python, joblib, numpy, and the class's library."""
        return _facts(model, "joblib", "numpy")


class PickleFormat:
    """Any object, by pickle: loading runs whatever code the file names."""

    name = "pickle"
    is_safe = False

    def can_save(self, model: object, /) -> bool:  # noqa: ARG002
        """True for everything; some objects turn out not to be picklable."""
        return True

    def save(self, model: object, folder: Path, /) -> None:
        """Write `model.pickle`.

        Raises:
            InvalidError: the object cannot be pickled.
        """
        with _pickling(model), (folder / "model.pickle").open("wb") as file:
            pickle.dump(model, file, protocol=5)

    def load(self, folder: Path, /, *, allow_unsafe: bool) -> object:  # noqa: ARG002
        """Read the object back."""
        with _unpickling(folder), (folder / "model.pickle").open("rb") as file:
            return pickle.load(file)

    def facts(self, model: object, /) -> dict[str, Json]:
        """Name the object's class and the versions of Python and the class's library."""
        return _facts(model)


def _is_harmless(name: str) -> bool:
    """Tell whether a type's name stands for one of scikit-learn's own classes, or is known to only compute.

    A function is never taken by its prefix: scikit-learn's modules import dangerous ones (`os.remove`).
    """
    if name in _HARMLESS:
        return True
    module, _, attribute = name.rpartition(".")
    if module.partition(".")[0] != "sklearn":
        return False
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(found, type) and found.__module__.partition(".")[0] == "sklearn"


@contextmanager
def _pickling(model: object) -> Generator[None]:
    try:
        yield
    except (pickle.PicklingError, TypeError, AttributeError) as exc:
        raise InvalidError(f"cannot pickle this {type(model).__qualname__}: {exc}") from exc


@contextmanager
def _unpickling(folder: Path) -> Generator[None]:
    try:
        yield
    except ModuleNotFoundError as exc:
        raise RefusedError(f"the model in {folder} needs a module that is not here: {exc.name}") from exc
    except (FileNotFoundError, pickle.UnpicklingError, EOFError) as exc:
        raise CorruptError(f"no model in {folder} that can be read: {exc}") from exc


def _facts(model: object, *packages: str) -> dict[str, Json]:
    own = type(model).__module__.partition(".")[0]
    versions: dict[str, Json] = {"python": platform.python_version()}
    for package in sorted({*packages, *_distributions(own)}):
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {"class": f"{type(model).__module__}.{type(model).__qualname__}", "versions": versions}


@cache
def _distributions(module: str) -> tuple[str, ...]:
    # The answer reads the metadata of every installed package, a fifth of a second, so it is asked for once.
    if module in sys.stdlib_module_names:
        return ()
    return tuple(importlib.metadata.packages_distributions().get(module, ()))


def _skops() -> Any:
    try:
        return importlib.import_module("skops.io")
    except ImportError as exc:
        raise MissingDependencyError("skops", "sklearn", "the model format 'skops'") from exc


def _joblib() -> Any:
    try:
        return importlib.import_module("joblib")
    except ImportError as exc:
        raise MissingDependencyError("joblib", "sklearn", "the model format 'joblib'") from exc
