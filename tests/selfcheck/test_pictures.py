"""Before handing in, a student hears which pictures will not be seen."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

from PIL import Image

from autograder.selfcheck.subject import unseen_pictures


def test_only_the_pictures_that_will_not_be_seen_are_named(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (9, 9)).save(stream, "PNG")
    good, cut = (base64.b64encode(content).decode() for content in (stream.getvalue(), stream.getvalue()[:40]))
    texts = [
        f"![fine](data:image/png;base64,{good})",
        f"![torn](data:image/png;base64,{cut})",
        "![far](https://example.com/x.png) ![gone](attachment:x.png)",
        "![vector](data:image/svg+xml;base64,PHN2Zz4=)",
    ]
    cells = [{"cell_type": "markdown", "metadata": {}, "source": text} for text in texts]
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    said = unseen_pictures(path)
    assert [line.split("”")[0] for line in said] == [
        "Cell 2: the picture “torn",
        "Cell 3: the picture “far",
        "Cell 3: the picture “gone",
        "Cell 4: the picture “vector",
    ]
    assert "damaged" in said[0]
