"""Make the pictures of the documentation's gallery from the notebooks' figures: python tools/gallery.py [ASSIGNMENT]

Each solved notebook is run as far as its last figure of the gallery. Every figure is written twice, for light and for
dark pages, and its description in words is the one that students' notebooks give to screen readers. Takes some minutes.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

from autograder.authoring.assignment import load_assignment
from autograder.course import Course
from autograder.demo.class_maker import answer_exercises, solutions

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "docs" / "gallery"
INDEX = GALLERY / "gallery.json"
LARGEST = 100_000
COLOURS = 96
FIGURES = {
    "01-convolution": {
        "demo-8fb0b251": "Your cross-correlation, with kernels that you can write down by hand.",
        "demo-f6b8b0a0": "Gradient descent finds a kernel from examples alone.",
    },
    "02-feature-maps": {
        "demo-2d24d865": "Your convolutional layer: one image in, a feature map for each filter out.",
        "demo-d5adeeb0": "Three networks, drawn to measure from the table that you compute.",
    },
    "03-pooling": {
        "demo-df5c8111": "Your maximum pooling remembers which pixel won, and the gradient goes back to it.",
        "demo-15151790": "How much of its answer a network keeps when the digit moves, measured.",
    },
    "04-backprop": {
        "demo-6112be27": "The zip-code network of 1989, trained by gradients that you derived and coded.",
        "demo-403c4d92": "What its first kernels have learned.",
    },
    "05-regularization": {
        "demo-63d57e1d": "Augmentation: five pictures, and nine new versions of each.",
        "demo-ce84700c": "Where a hundred walkers end on a loss with many hollows, annealed or only going down.",
    },
    "06-visualizing-filters": {
        "demo-338f96d2": "The filters of a trained network, tile by tile.",
        "demo-8cca7338": "Occlusion: where covering a few pixels costs the answer.",
        "demo-b280e9a7": "Pictures of noise that the network is sure about.",
    },
    "07-challenge": {
        "demo-2fa39e1a": "What each change of the pictures costs a classifier, with intervals.",
    },
}
"""By assignment, the cells whose figures are shown, with what one sees there."""

# Runs in the notebook's kernel. A figure is kept as it is, then drawn again in colours for a dark page: words and lines
# of the axes become light; what lies on an image stays.
HOOK = """
def _keep_figures():
    import base64, io
    from IPython import get_ipython
    from IPython.display import publish_display_data
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from autograder.lab.alternative_text import alternative_text

    INK = "#e2e4e9"

    def dark(colour):
        try:
            return max(to_rgb(colour)) < 0.45 and max(to_rgb(colour)) - min(to_rgb(colour)) < 0.1
        except ValueError:
            return False

    def lighten(text):
        if dark(text.get_color()):
            text.set_color(INK)

    def for_dark_pages(figure):
        for text in (figure._suptitle, figure._supxlabel, figure._supylabel, *figure.texts):
            if text is not None:
                lighten(text)
        for axes in figure.axes:
            legend = axes.get_legend()
            words = [axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label]
            words += [*axes.get_xticklabels(), *axes.get_yticklabels()] + list(legend.get_texts() if legend else ())
            words += [] if axes.images else list(axes.texts)
            for text in words:
                lighten(text)
            axes.tick_params(colors=INK)
            axes.patch.set_alpha(0)
            for spine in axes.spines.values():
                spine.set_edgecolor("#9aa0aa")
            for line in (*axes.get_xgridlines(), *axes.get_ygridlines()):
                line.set_color("#4a4f5a")
            for patch in axes.patches:
                if dark(patch.get_facecolor()):
                    patch.set_facecolor(INK)
                if dark(patch.get_edgecolor()):
                    patch.set_edgecolor("#9aa0aa")
            for line in axes.lines:
                if dark(line.get_color()) and not axes.images:
                    line.set_color(INK)

    def drawn(figure):
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=110, transparent=True)
        return base64.b64encode(stream.getvalue()).decode()

    def keep(figure):
        kept = {"alt": alternative_text(figure), "light": drawn(figure)}
        for_dark_pages(figure)
        publish_display_data({"application/json": kept | {"dark": drawn(figure)}})

    get_ipython().display_formatter.formatters["image/png"].for_type(Figure, keep)
    get_ipython().events.register("pre_run_cell", lambda _: get_ipython().display_formatter.formatters[
        "image/png"].for_type(Figure, keep))
_keep_figures()
"""


def main() -> None:
    """Make the pictures of the assignments that are named, or of all, and the index that the site is made from."""
    chosen = sys.argv[1:] or list(FIGURES)
    if unknown := [name for name in chosen if name not in FIGURES]:
        sys.exit(f"The gallery has no assignment '{unknown[0]}'. It has: {', '.join(FIGURES)}.")
    GALLERY.mkdir(exist_ok=True)
    made = {name: list(pictures(name)) for name in chosen}
    index = (json.loads(INDEX.read_text(encoding="utf-8")) if INDEX.is_file() else {}) | made
    ordered = {name: index[name] for name in FIGURES if name in index}
    INDEX.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{INDEX.relative_to(ROOT)}: {sum(map(len, ordered.values()))} figures")


def pictures(name: str) -> Any:
    """Run a solved notebook; yield what the index has of each of its figures, and write the pictures."""
    wanted = FIGURES[name]
    notebook = solved(name, set(wanted))
    NotebookClient(notebook, timeout=1800, kernel_name="python3", resources={"metadata": {"path": ROOT}}).execute()
    for cell in notebook.cells:
        mark = cell.metadata.get("nbgrader", {}).get("grade_id")
        if mark not in wanted:
            continue
        kept = next((o.data["application/json"] for o in cell.outputs if "application/json" in o.get("data", {})), None)
        if kept is None:
            sys.exit(f"{name}: {mark} draws no figure. Its outputs: {cell.outputs}")
        for scheme in ("light", "dark"):
            write(GALLERY / f"{name}-{mark.removeprefix('demo-')}-{scheme}.png", kept[scheme])
        yield {"cell": mark, "says": wanted[mark], "alt": kept["alt"]}


def solved(name: str, wanted: set[str]) -> Any:
    """The solved notebook as far as the last of ``wanted``, with the hook after its first code."""
    assignment = load_assignment(Course.find(ROOT), name)
    made = answer_exercises(assignment, solutions(assignment), "Because.")
    marks = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in made["cells"]]
    if missing := wanted - set(marks):
        sys.exit(f"{name} has no cell {min(missing)} any more: correct FIGURES in tools/gallery.py.")
    last = max(place for place, mark in enumerate(marks) if mark in wanted)
    first = next(place for place, cell in enumerate(made["cells"]) if "style()" in cell["source"])
    kept = nbformat.from_dict({**made, "cells": made["cells"][: last + 1]})  # type: ignore[no-untyped-call]
    kept.cells = [cell for cell in kept.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    place = next(place for place, cell in enumerate(kept.cells) if cell.id == made["cells"][first]["id"])
    kept.cells.insert(place + 1, nbformat.v4.new_code_cell(HOOK))  # type: ignore[no-untyped-call]
    return kept


def write(path: Path, encoded: str) -> None:
    """Write a picture with few colours, which is what drawings have."""
    import base64

    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {size // 1000} kB{'' if size < LARGEST else ', too large'}", flush=True)


if __name__ == "__main__":
    main()
