"""The graph shapes of the matrix: each has a step `middle` in its middle, to which things happen."""

import headwater as hw
from tests.pipelines.hooks import act

PLUS = 1


@hw.step
def load(data: hw.Dataset, control: str) -> tuple[list, str]:
    act(control, "load")
    # The second output is long enough to have bytes of its own, which can be lost.
    return [row["x"] for row in rows(data)], "x" * 2000


@hw.step
def middle(values: list, control: str) -> list:
    act(control, "middle")
    return [value + PLUS for value in values]


@hw.step
def one(value: int, control: str) -> int:
    act(control, "middle" if value == 2 else f"one-{value}")
    return value + PLUS


@hw.step
def other(values: list, control: str) -> list:
    act(control, "other")
    return [value * 2 for value in values]


@hw.step
def is_large(values: list, control: str) -> bool:
    act(control, "middle")
    return sum(values) > PLUS


@hw.step
def end(parts: list, control: str) -> dict:
    act(control, "end")
    return {"parts": parts, "sum": sum(parts)}


@hw.step
def merge(left: list, right: list, control: str) -> hw.Dataset:
    act(control, "merge")
    return [{"left": a, "right": b} for a, b in zip(left, right, strict=True)]  # pyright: ignore[reportReturnType]


@hw.pipeline
def linear(data: str, control: str, asks: bool = False, retries: int = 0, timeout_s: float | None = None):
    values, _ = load(data, control)
    changed = after(asks, tuned(middle, retries, timeout_s))(values, control)
    return end(changed, control)


@hw.pipeline
def branch(data: str, control: str, asks: bool = False, retries: int = 0, timeout_s: float | None = None):
    values, _ = load(data, control)
    chosen = hw.when(
        after(asks, tuned(is_large, retries, timeout_s))(values, control),
        then=lambda: other(values, control),
        otherwise=lambda: end.named("small")(values, control),
    )
    return end(chosen, control)


@hw.pipeline
def mapped(data: str, control: str, asks: bool = False, retries: int = 0, timeout_s: float | None = None):
    values, _ = load(data, control)
    each = after(asks, tuned(one, retries, timeout_s)).map(values, control=control)
    return end(each, control)


@hw.pipeline
def inner(values: list, control: str, asks: bool, retries: int, timeout_s: float | None):
    return other(after(asks, tuned(middle, retries, timeout_s))(values, control), control)


@hw.pipeline
def nested(data: str, control: str, asks: bool = False, retries: int = 0, timeout_s: float | None = None):
    return end(inner(load(data, control)[0], control, asks, retries, timeout_s), control)


@hw.pipeline
def diamond(data: str, control: str, asks: bool = False, retries: int = 0, timeout_s: float | None = None):
    values, _ = load(data, control)
    left = after(asks, tuned(middle, retries, timeout_s))(values, control)
    return merge(left, other(values, control), control)


def rows(data):
    """The rows of a data version, as they were recorded."""
    import json

    return [json.loads(line) for line in data.blobs.read(data.stored_digest).splitlines()]


def tuned(step, retries, timeout_s):
    return step.using(retries=retries, timeout_s=timeout_s, backoff_s=0.01)


def after(asks, step):
    """Let a step wait for a person."""
    return step.after(hw.approval("sign")) if asks else step


SHAPES = {"linear": linear, "branch": branch, "map": mapped, "nested": nested, "diamond": diamond}
