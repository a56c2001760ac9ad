"""Curves as a picture that looks the same each time it is drawn."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.frame.results import Curve


def draw(curves: Sequence[Curve], file: Path) -> None:
    """Draw cost over size, both logarithmic, as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "headwater", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for curve in curves:
            axes.plot(curve.sizes, [1000 * s for s in curve.seconds], marker="o", label=curve.work)
        axes.set(xscale="log", yscale="log", xlabel="runs in the store", ylabel="one call, ms")
        axes.grid(visible=True, which="major", alpha=0.3)
        axes.legend(fontsize=8)
        figure.savefig(file, format="svg", metadata={"Date": None})
