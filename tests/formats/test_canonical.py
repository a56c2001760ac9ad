"""Equal models are equal bytes, in whichever process and at whatever time they are saved."""

import subprocess
import sys

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from headwater.formats.builtin import SkopsFormat
from headwater.formats.canonical import make_canonical

SAVE = """\
import sys
from pathlib import Path
from tests.formats.test_canonical import trained
from headwater.formats.builtin import SkopsFormat
SkopsFormat().save(trained(), Path(sys.argv[1]))
"""
X = np.random.default_rng(0).normal(size=(80, 3))
Y = (X[:, 0] > 0).astype(int)


def trained():
    return make_pipeline(StandardScaler(), RandomForestClassifier(4, random_state=0)).fit(X, Y)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "make", [trained, lambda: HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(X, Y)]
)
def test_two_trainings_of_the_same_are_the_same_bytes(tmp_path, make):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        SkopsFormat().save(make(), tmp_path / name)

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_process_writes_the_same_bytes(tmp_path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    SkopsFormat().save(trained(), tmp_path / "here")

    subprocess.run([sys.executable, "-c", SAVE, str(tmp_path / "there")], check=True)

    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_what_differs_in_one_number_differs_in_its_bytes(tmp_path):
    for name, shift in (("one", 0.0), ("two", 1e-9)):
        (tmp_path / name).mkdir()
        SkopsFormat().save(StandardScaler().fit(X + shift), tmp_path / name)

    assert contents(tmp_path / "one") != contents(tmp_path / "two")


def test_the_model_answers_as_before_and_one_object_stays_one(tmp_path):
    file, model = tmp_path / "model.skops", trained()
    vars(model)["twice"] = [model.steps[0][1], model.steps[0][1]]
    skops.io.dump(model, file)

    make_canonical(file)

    loaded = skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.twice[0] is loaded.twice[1]
