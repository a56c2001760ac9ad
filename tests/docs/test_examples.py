import pytest

from tests.docs.examples import Example, first_example, section

PAGE = """\
# Title
## Quick start
Words.

```python
# not a heading
print(1)
```

which prints

```text
1
```

### Deeper
## Next
"""


def test_a_section_ends_at_the_next_heading_of_its_rank():
    found = section(PAGE, "Quick start")

    assert "# not a heading" in found
    assert "### Deeper" in found
    assert "## Next" not in found


def test_a_missing_section_is_named():
    with pytest.raises(LookupError, match="no heading 'Slow start'; it has"):
        section(PAGE, "Slow start")


def test_an_example_is_code_and_what_it_prints():
    assert first_example(PAGE) == Example(code="# not a heading\nprint(1)\n", output="1\n")


def test_code_without_its_output_is_no_example():
    with pytest.raises(LookupError, match="text block"):
        first_example("```python\nprint(1)\n```\n")
