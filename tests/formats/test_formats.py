"""Models come back as they were saved, and run no code that was not asked for."""

import importlib.metadata
import json
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from headwater.errors import CorruptError, InvalidError, NotFoundError, RefusedError
from headwater.formats import (
    ModelFormat,
    PickleFormat,
    choose_format,
    example_of,
    load_model_folder,
    signature_of,
)

X = np.random.default_rng(0).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)


class Doubling(TransformerMixin, BaseEstimator):
    """A transformer of the user's."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X * 2


class NoEstimator:
    def __init__(self) -> None:
        self.weights = [1.0, 2.0]


def save(model, folder, name=None) -> str:
    chosen = choose_format(model, name)
    chosen.save(model, folder)
    return chosen.name


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        RandomForestClassifier(5),
        HistGradientBoostingClassifier(max_iter=5),
        make_pipeline(SimpleImputer(), StandardScaler(), SelectKBest(k=2), LogisticRegression()),
    ],
    ids=["linear", "forest", "boosting", "pipeline"],
)
def test_scikit_learn_models_load_without_trust(tmp_path, model):
    model.fit(X, Y)

    name = save(model, tmp_path)
    loaded = load_model_folder(tmp_path, format_name=name, allow_unsafe=False)

    assert name == "skops"
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_code_of_the_users_is_run_only_when_allowed(tmp_path):
    model = make_pipeline(Doubling(), LogisticRegression()).fit(X, Y)
    name = save(model, tmp_path)

    with pytest.raises(RefusedError, match=r"Doubling.*allow_unsafe=True"):
        load_model_folder(tmp_path, format_name=name, allow_unsafe=False)
    loaded = load_model_folder(tmp_path, format_name=name, allow_unsafe=True)

    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_types_that_were_not_there_at_saving_are_never_loaded(tmp_path):
    save(LogisticRegression().fit(X, Y), tmp_path)
    skops.io.dump(make_pipeline(Doubling()), tmp_path / "model.skops")

    for allow_unsafe in (False, True):
        with pytest.raises(RefusedError, match=r"not in it when it was saved: .*Doubling"):
            load_model_folder(tmp_path, format_name="skops", allow_unsafe=allow_unsafe)


def test_function_that_scikit_learn_only_imports_is_not_its_own(tmp_path):
    save(FunctionTransformer(np.log1p), tmp_path)
    skops.io.dump(FunctionTransformer(sample_function), tmp_path / "model.skops")
    name = "sklearn.datasets._base.urlretrieve"
    rewrite_schema(tmp_path / "model.skops", sample_function.__module__, sample_function.__name__, name)
    (tmp_path / "types.json").write_text(json.dumps([name]))

    with pytest.raises(RefusedError, match="urlretrieve"):
        load_model_folder(tmp_path, format_name="skops", allow_unsafe=False)


def sample_function(x):
    return x


def rewrite_schema(path, module: str, name: str, becomes: str) -> None:
    """Let a file name another function than it was saved with."""
    new_module, _, new_name = becomes.rpartition(".")
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    schema = parts["schema.json"].decode().replace(json.dumps(module), json.dumps(new_module))
    parts["schema.json"] = schema.replace(json.dumps(name), json.dumps(new_name)).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)


@pytest.mark.parametrize("name", ["joblib", "pickle"])
def test_pickles_load_only_when_allowed(tmp_path, name):
    save(NoEstimator(), tmp_path, name)

    with pytest.raises(RefusedError, match="allow_unsafe=True"):
        load_model_folder(tmp_path, format_name=name, allow_unsafe=False)
    assert load_model_folder(tmp_path, format_name=name, allow_unsafe=True).weights == [1.0, 2.0]


def test_format_follows_from_the_model():
    assert choose_format(LogisticRegression()).name == "skops"
    assert choose_format(NoEstimator()).name == "joblib"
    assert choose_format(LogisticRegression(), "pickle").name == "pickle"
    assert all(isinstance(choose_format(3, name), ModelFormat) for name in ("joblib", "pickle"))


def test_format_that_does_not_fit_is_refused():
    with pytest.raises(InvalidError, match="these do: joblib, pickle"):
        choose_format(NoEstimator(), "skops")
    with pytest.raises(NotFoundError, match="did you mean joblib, pickle, skops"):
        choose_format(NoEstimator(), "onnx")


@pytest.mark.parametrize("name", ["joblib", "pickle"])
def test_model_that_cannot_be_pickled_is_invalid(tmp_path, name):
    with pytest.raises(InvalidError, match="cannot pickle this function"):
        choose_format(3, name).save(lambda: 1, tmp_path)


@pytest.mark.parametrize("name", ["skops", "joblib", "pickle"])
def test_missing_and_damaged_files_are_corrupt(tmp_path, name):
    with pytest.raises(CorruptError):
        load_model_folder(tmp_path, format_name=name, allow_unsafe=True)

    save(LogisticRegression().fit(X, Y), tmp_path, name)
    (tmp_path / f"model.{name}").write_bytes(b"")

    with pytest.raises(CorruptError):
        load_model_folder(tmp_path, format_name=name, allow_unsafe=True)


def test_facts_name_the_class_and_the_versions():
    facts: dict[str, Any] = dict(choose_format(LogisticRegression()).facts(LogisticRegression()))

    assert facts["class"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert facts["versions"]["scikit-learn"] == importlib.metadata.version("scikit-learn")
    assert sorted(facts["versions"]) == ["numpy", "python", "scikit-learn", "scipy", "skops"]
    assert json.loads(json.dumps(PickleFormat().facts(3)))["class"] == "builtins.int"


def test_other_packages_bring_formats(tmp_path, monkeypatch):
    info = tmp_path / "texts-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: texts\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[headwater.model_formats]\ntexts = texts_format:Texts\n")
    (tmp_path / "texts_format.py").write_text(
        "class Texts:\n"
        "    name, is_safe = 'texts', True\n"
        "    def can_save(self, model): return isinstance(model, str)\n"
        "    def save(self, model, folder): (folder / 'text').write_text(model)\n"
        "    def load(self, folder, *, allow_unsafe): return (folder / 'text').read_text()\n"
        "    def facts(self, model): return {}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    name = save("a model", tmp_path)

    assert name == "texts"
    assert load_model_folder(tmp_path, format_name=name, allow_unsafe=False) == "a model"
    assert choose_format(3).name == "joblib"


ROWS = {"hour": [5, 6], "delay": [0.5, float("nan")], "carrier": ["UA", None]}


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame(ROWS), pl.DataFrame(ROWS), pl.DataFrame(ROWS).to_arrow()],
    ids=["pandas", "polars", "arrow"],
)
def test_signature_and_example_are_those_of_the_content(frame):
    assert signature_of(frame, np.array([0, 1])) == {
        "inputs": [
            {"name": "hour", "dtype": "int64"},
            {"name": "delay", "dtype": "float64"},
            {"name": "carrier", "dtype": "str"},
        ],
        "outputs": [{"name": "x", "dtype": "int64", "shape": [None]}],
    }
    assert example_of(frame) == [
        {"hour": 5, "delay": 0.5, "carrier": "UA"},
        {"hour": 6, "delay": None, "carrier": None},
    ]
    assert len(example_of(frame, rows=1)) == 1


def test_arrays_have_signatures_and_examples():
    assert signature_of(np.zeros((2, 2), "f4"))["inputs"] == [
        {"name": "x0", "dtype": "float32"},
        {"name": "x1", "dtype": "float32"},
    ]
    assert example_of(np.array([[1, 2], [3, 4]])) == [{"x0": 1, "x1": 2}, {"x0": 3, "x1": 4}]
    assert example_of(np.zeros((1, 1, 2))) == [{"x": [[0.0, 0.0]]}]
    assert example_of(pd.Series([1.5], name="late")) == [{"late": 1.5}]


def test_example_is_json_whatever_it_holds():
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(["2013-01-01", None]),
            "big": [2**70, np.int64(3)],
            "list": [[1, np.nan], {"a": {1}}],
            "kind": pd.Categorical(["a", None]),
            "whole": pd.array([1, None], "Int64"),
        }
    )

    found = example_of(frame)

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found[1] == {"at": None, "big": 3, "list": {"a": [1]}, "kind": None, "whole": None}


@pytest.mark.parametrize("data", [3, None, "text", [1, 2], np.float64(3)], ids=repr)
def test_what_is_no_table_has_no_signature(data):
    for describe in (signature_of, example_of):
        with pytest.raises(InvalidError, match="neither a table nor an array"):
            describe(data)
