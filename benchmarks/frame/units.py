"""Costs as people read them."""

_SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def cost(value: float, unit: str) -> str:
    """Return a cost with three figures: seconds in the unit that suits them."""
    if unit != "s":
        return f"{figures(value)} {unit}"
    scale, name = next((s for s in _SCALES if value >= s[0]), _SCALES[-1])
    return f"{figures(value / scale)} {name}"


def figures(value: float) -> str:
    """Return a number with three figures and thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1 else f"{value:.2g}"
