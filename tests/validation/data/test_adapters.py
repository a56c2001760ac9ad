"""pandera's schemas and Great Expectations' suites as gates."""

import pandas as pd
import pytest

from headwater.errors import InvalidError
from headwater.model.verdicts import Outcome
from headwater.validation.data import Severity, statistics, validate

pytestmark = pytest.mark.filterwarnings("ignore")  # both libraries use what their own libraries deprecate

FRAME = pd.DataFrame({"delay": [1.0, -2.0, 3.0], "carrier": ["UA", "YY", "ZZ"]})


@pytest.fixture(scope="module")
def gx():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GX_ANALYTICS_ENABLED", "False")
        import great_expectations

        yield great_expectations


def test_a_schema_of_pandera_is_a_gate():
    import pandera.pandas as pa

    checks = pa.DataFrameSchema(
        {
            "delay": pa.Column(float, pa.Check.gt(0)),
            "carrier": pa.Column(str, pa.Check.isin(["UA"])),
            "tail": pa.Column(str, required=True),
        }
    )

    verdict = validate(FRAME, checks)

    assert verdict.outcome is Outcome.FAIL
    assert {(a.column, a.short, a.count) for a in verdict.errors} == {
        (None, "column_in_dataframe does not hold for 1 value", 1),
        ("delay", "greater_than(0) does not hold for 1 value", 1),
        ("carrier", "isin(['UA']) does not hold for 2 values", 2),
    }
    assert verdict.statistics == statistics(FRAME)
    assert validate(FRAME[:1].assign(tail="N1"), checks).outcome is Outcome.PASS


def test_a_model_of_pandera_is_a_gate():
    import pandera.pandas as pa

    class Flights(pa.DataFrameModel):
        delay: float = pa.Field(gt=0)

    assert validate(FRAME, Flights).outcome is Outcome.FAIL
    assert validate(FRAME[:1], Flights).outcome is Outcome.PASS


def test_settings_of_pandera_are_told_apart():
    import pandera.pandas as pa

    digests = {
        validate(FRAME, pa.DataFrameSchema({"delay": pa.Column(float, pa.Check.gt(low))})).config_digest
        for low in (0, -5)
    }

    assert len(digests) == 2


def test_a_suite_of_great_expectations_is_a_gate(gx):
    checks = gx.ExpectationSuite(
        name="flights",
        expectations=[
            gx.expectations.ExpectColumnValuesToBeBetween(column="delay", min_value=0, severity="warning"),
            gx.expectations.ExpectColumnValuesToBeInSet(column="carrier", value_set=["UA"]),
        ],
    )

    verdict = validate(FRAME, checks)

    assert verdict.outcome is Outcome.FAIL
    assert [(a.column, a.severity, a.count, a.samples) for a in verdict.anomalies] == [
        ("carrier", Severity.ERROR, 2, ("YY", "ZZ")),
        ("delay", Severity.WARNING, 1, ("-2.0",)),
    ]
    assert validate(FRAME[:1], checks).outcome is Outcome.PASS


def test_checks_of_another_library_compare_nothing():
    import pandera.pandas as pa

    with pytest.raises(InvalidError, match="need a headwater schema"):
        validate(FRAME, pa.DataFrameSchema({}), previous=FRAME)
    with pytest.raises(InvalidError, match="no schema of a data frame"):
        validate(FRAME, pa.Column(float))
