"""The pages of the documentation's site that are made from the code and from files outside docs/: a hook of MkDocs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "reporting.md",
           "CHANGELOG.md": "changes.md"}  # fmt: skip
CONTRACTS = ("types_of", "refuses", "refuses_each", "fresh_result", "keeps_arguments", "makes_no_difference")
LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")
FILE_AS_LABEL = re.compile(r"\[(?:docs/)?([\w-]+\.md)\]\(")
ELSEWHERE = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)*(?:autograder|data|solutions|tests|tools|notebooks|\.ci|LICENSE)[^)]*\)"
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    for name, page in OUTSIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, page, content=_within_the_site(text)))
    for page, text in _reference().items():
        files.append(File.generated(config, f"reference/{page}.md", content=text))
    files.append(File.generated(config, "gallery.md", content=_gallery()))
    return files


def _gallery() -> str:
    """Figures of the notebooks, for light and for dark pages, with the words that screen readers get in JupyterLab.

    ``make gallery`` makes the pictures.
    """
    index = json.loads((ROOT / "docs" / "gallery" / "gallery.json").read_text(encoding="utf-8"))
    parts = ["# What students build\n", "Figures of the solved notebooks, as the notebooks draw them.\n"]
    for name, figures in index.items():
        notebook = next((ROOT / "solutions" / name).glob("*.ipynb"))
        title = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["autograder"]["title"]
        parts.append(f"## {name[:2]} {title}\n")
        for figure in figures:
            picture = f"gallery/{name}-{figure['cell'].removeprefix('demo-')}"
            alt = figure["alt"].replace("[", "(").replace("]", ")")
            shown = "".join(f"![{alt}]({picture}-{scheme}.png#only-{scheme})" for scheme in ("light", "dark"))
            parts.append(f"{figure['says']}\n\n{shown}\n")
    return "\n".join(parts)


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's text with links that lead where the site has what they meant."""
    return _within_the_site(markdown) if not page.file.generated_by else markdown


def _within_the_site(text: str) -> str:
    """Links lead to the site's pages, labelled by titles; what the site does not have is named without a link."""
    text = LINK.sub(lambda found: OUTSIDE.get(found[1].removeprefix("../"), found[1]), text)
    text = FILE_AS_LABEL.sub(lambda found: f"[{_title(found[1])}](", text)
    return ELSEWHERE.sub(r"\1", text)


def _title(name: str) -> str:
    """The title of a page of docs/ as far as its colon; a file that is elsewhere keeps its name."""
    page = ROOT / "docs" / name
    if not page.is_file():
        return name
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(":")[0]


def _reference() -> dict[str, str]:
    return {
        "commands": _commands(),
        "course-toml": _course_toml(),
        "checks": "# Checks\n\nIn a check's cell these names are there; docs for authors show them at work.\n\n"
        + _members("autograder.lab.checks", "close")
        + _members("autograder.grading.harness", "same", "took", "called", "passes")
        + _members("autograder.lab.contracts", *CONTRACTS),
        "lab": "# What notebooks import\n\n" + "".join(f"::: {name}\n\n" for name in _homes("autograder.lab")),
        "interface": "# Public interface\n\nWhat programs of your own may build on.\n\n"
        + _members("autograder.course", "Course")
        + _members("autograder.settings", "CourseConfig")
        + _members("autograder.engine.api", "grade_class", "grade_assignments")
        + _members("autograder.leaderboard.history", "replay_board")
        + _members("autograder.leaderboard.render.columns", "render_terminal"),
    }


def _members(module: str, *names: str) -> str:
    return "".join(f"::: {module}.{name}\n\n" for name in names)


def _homes(package: str) -> Iterator[str]:
    """The full names of what a package offers, each by the module that defines it."""
    loaded = __import__(package, fromlist=["__all__"])
    for name in loaded.__all__:
        home = getattr(getattr(loaded, name), "__module__", "")
        if home.startswith(package):
            yield f"{home}.{name}"


def _commands() -> str:
    from autograder.cli import app

    command: Any = typer.main.get_command(app)  # a group, which has commands
    context = typer.Context(command, info_name="autograder")
    page = f"# Commands\n\n{get_docs_for_click(obj=command, ctx=context, name='autograder')}"
    for name, each in command.commands.items():  # Where commands are listed, typer cuts their sentences off.
        first = " ".join((each.help or "").split("\n\n")[0].split())
        page = re.sub(rf"^\* `{name}`: .*$", f"* `{name}`: {first}", page, flags=re.MULTILINE)
    return page


def _course_toml() -> str:
    """Every key of course.toml with its default, from the structures that read it."""
    from autograder.settings import CourseConfig

    parts = [
        "# course.toml\n",
        "Every key, from the code that reads it. [For graders](../graders.md) shows them in use.\n",
    ]
    parts += _tables(CourseConfig, "")
    return "\n".join(parts)


def _tables(struct: Any, table: str) -> Iterator[str]:
    nested = []
    described = dict(re.findall(r"^ {8}([\w, ]+):(.*(?:\n {12}.+)*)", struct.__doc__ or "", re.MULTILINE))
    words = {name: text for names, text in described.items() for name in names.split(", ")}
    yield f"## {f'[{table}]' if table else 'At the top'}\n"
    yield "| key | default | meaning |\n| --- | --- | --- |"
    for field in msgspec.structs.fields(struct):
        inner = _inner(field.type)
        if inner is not None:
            nested.append((inner, field.name if inner is field.type else f"{field.name}.NAME"))
            continue
        default = "required" if field.required else f"`{_default(field)}`"
        yield f"| `{field.name}` | {default} | {' '.join(words.get(field.name, '').split()).replace('``', '`')} |"
    yield ""
    for inner, name in nested:
        yield from _tables(inner, name)


def _inner(kind: Any) -> Any:
    """The structure of a table within, or of each table in a dictionary of them; None for a plain value."""
    candidates = [kind, *getattr(kind, "__args__", ())]
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)


def _default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return repr(field.default_factory())
    return '""' if field.default == "" else str(field.default)
