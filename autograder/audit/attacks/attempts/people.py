"""Attacks on the people who look at submissions: what would run, load, mislead or unpack on their machine."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from autograder.audit.attacks.catalogue import Target, attack

SCRIPT = "<script>document.title = 'broken'</script>"
HANDLER = "<img src=x onerror=\\\"document.title = 'broken'\\\">"


def shown(target: Target, *pairs: tuple[str, str]) -> Target:
    """Add a cell that displays data of these kinds."""
    calls = "\n".join(f"display({{{kind!r}: {text!r}, 'text/plain': 'x'}}, raw=True)" for kind, text in pairs)
    return target.append(f"from IPython.display import display\n{calls}")


@attack("people", tries="shows HTML with a script", stopped_by="outputs are sanitised")
def html_script(target: Target) -> Target:
    return shown(target, ("text/html", SCRIPT + "<scr<script>ipt>document.title = 'broken'</scr</script>ipt>"))


@attack("people", tries="shows HTML with event handlers", stopped_by="outputs are sanitised")
def html_handlers(target: Target) -> Target:
    return shown(
        target,
        (
            "text/html",
            "<img src=x onerror=\"document.title='broken'\"><b onmouseover=alert(1)>x</b><details open ontoggle=alert(1)>",
        ),
    )


@attack("people", tries="shows HTML with links and addresses that run or lead away", stopped_by="outputs are sanitised")
def html_addresses(target: Target) -> Target:
    return shown(
        target,
        (
            "text/html",
            "<a href='javascript:alert(1)'>x</a><a href='//example.org'>y</a><a href='data:text/html,x'>z</a><img src='http://example.org/x.png'>",
        ),
    )


@attack("people", tries="shows frames, forms, styles and redirections", stopped_by="outputs are sanitised")
def html_frames_and_forms(target: Target) -> Target:
    return shown(
        target,
        ("text/html", "<iframe srcdoc='<script>alert(1)</script>'></iframe><form action='http://example.org'><input name=password></form>"
         "<style>body{display:none}</style><meta http-equiv=refresh content='0;url=http://example.org'><base href='http://example.org'>"),
    )  # fmt: skip


@attack(
    "people",
    tries="confuses the sanitiser with broken and foreign markup",
    stopped_by="outputs are parsed, not matched",
)
def html_mutations(target: Target) -> Target:
    return shown(
        target,
        (
            "text/html",
            "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        ),
        ("text/html", "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>"),
        ("text/html", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>\0<scr\0ipt>alert(1)</script>"),
    )


@attack("people", tries="shows SVG with a script", stopped_by="only PNG pictures, text and simple HTML")
def svg_script(target: Target) -> Target:
    return shown(target, ("image/svg+xml", f"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'>{SCRIPT}</svg>"))


@attack(
    "people", tries="shows JavaScript, widgets and applications", stopped_by="only PNG pictures, text and simple HTML"
)
def active_kinds(target: Target) -> Target:
    return shown(
        target,
        ("application/javascript", "document.title = 'broken'"),
        ("application/vnd.jupyter.widget-view+json", '{"model_id": "x"}'),
        ("application/vnd.plotly.v1+json", "{}"),
        ("application/pdf", "JVBERi0="),
    )


@attack("people", tries="shows markdown with a script and with links that run", stopped_by="markdown is shown as text")
def markdown_output(target: Target) -> Target:
    return shown(target, ("text/markdown", f"{SCRIPT}\n\n[x](javascript:alert(1)) ![y](http://example.org/x.png)"))


@attack("people", tries="shows LaTeX that links and runs", stopped_by="LaTeX is shown as text")
def latex_output(target: Target) -> Target:
    return shown(
        target,
        (
            "text/latex",
            "$\\href{javascript:alert(1)}{x} \\require{html} \\style{background:url(http://example.org)}{y}$" + SCRIPT,
        ),
    )


@attack("people", tries="hides a script in a picture's data", stopped_by="pictures are checked and encoded again")
def picture_with_a_script(target: Target) -> Target:
    return shown(
        target, ("image/png", '"><script>alert(1)</script>'), ("image/jpeg", "PHNjcmlwdD4="), ("image/gif", "R0lGODlh")
    )


@attack("people", tries="prints markup, terminal codes and links", stopped_by="streams are text")
def markup_in_streams(target: Target) -> Target:
    return target.append(
        f"print({SCRIPT!r} * 3)\nprint('\\x1b]8;;http://example.org\\x07x\\x1b]8;;\\x07\\x1b[2J\\x1b[31m\\x9b2J')"
    )


@attack("people", tries="raises errors whose class and text are markup", stopped_by="errors are text")
def markup_in_errors(target: Target) -> Target:
    return target.answer_all(
        f"def NAME(*args, **kwargs):\n    raise type({SCRIPT!r}, (ValueError, KeyError), {{}})({HANDLER!r})"
    ).append(f"raise type({SCRIPT!r}, (Exception,), {{}})({HANDLER!r})")


@attack("people", tries="returns markup, so that messages show it", stopped_by="pages escape what students say")
def markup_in_results(target: Target) -> Target:
    return target.answer_all(f"def NAME(*args, **kwargs):\n    return {SCRIPT!r} + '</pre></div>' + {HANDLER!r}")


@attack("people", tries="writes code that closes its element and opens a script", stopped_by="pages escape code")
def markup_in_code(target: Target) -> Target:
    return target.first(f"# </code></pre></div>{SCRIPT}\nx = '''</textarea></title>{SCRIPT}'''")


@attack("people", tries="writes scripts and links into answers and notes", stopped_by="text cells are neutralised")
def markup_in_text(target: Target) -> Target:
    text = f"{SCRIPT}\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))\n\n[y]: javascript:alert(1)\n\n<a href='//example.org'>z</a>\n\n`</code>{SCRIPT}`"
    return target.write_text(text).append(text, "raw")


@attack("people", tries="attaches HTML to a text cell", stopped_by="attachments are dropped")
def attachments(target: Target) -> Target:
    target.append("![x](attachment:x.html)", "markdown")
    target.cells[-1]["attachments"] = {"x.html": {"text/html": "PHNjcmlwdD4="}}
    return target


@attack(
    "people",
    tries="puts markup into titles, authors, kernel names and cell ids",
    stopped_by="metadata come from the skeleton",
)
def markup_in_metadata(target: Target) -> Target:
    target.notebook["metadata"] |= {"title": SCRIPT, "authors": [{"name": SCRIPT}]}
    target.notebook["metadata"]["kernelspec"] = {"name": SCRIPT, "display_name": SCRIPT, "language": SCRIPT}
    for number, cell in enumerate(target.append("x = 1").append("y = 2").cells[-2:]):
        cell |= {
            "id": f'"><script>{number}',
            "metadata": {"nbgrader": {"grade_id": SCRIPT, "points": SCRIPT}, "tags": [SCRIPT]},
        }
    return target


@attack(
    "people",
    tries="turns text around with direction marks, to mislead a reader",
    stopped_by="direction marks are removed from output",
)
def direction_marks(target: Target) -> Target:
    return target.append("print('\\u202estniop 03 \\u2066full marks\\u2069')")


@attack(
    "people",
    tries="is handed in under a name that is markup",
    stopped_by="pages escape names",
    student=f"{SCRIPT}<img src=x onerror=alert(1)>",
)
def name_of_markup(target: Target) -> Target:
    return target.append("x = 1")


@attack(
    "people",
    tries="is handed in under a name that a spreadsheet would compute",
    stopped_by="tables quote names",
    student='=HYPERLINK("http://example.org","x")',
)
def name_of_a_formula(target: Target) -> Target:
    return target.append("x = 1")


@attack("people", tries="hands in a symbolic link to a file of the grader", stopped_by="links are not followed")
def symbolic_link(target: Target) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target.traps.canary)


@attack("people", tries="hands in a link into a folder that is not its own", stopped_by="links are not followed")
def link_to_a_submission(target: Target) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(path.parent.parent.parent / "neighbour")


@attack("people", tries="hands in a named pipe, for which a reader waits", stopped_by="only regular files are read")
def named_pipe(target: Target) -> Callable[[Path], None]:
    return os.mkfifo


@attack("people", tries="hands in a link to an endless device", stopped_by="links are not followed")
def endless_device(target: Target) -> Callable[[Path], None]:
    return lambda path: path.symlink_to("/dev/zero")


@attack(
    "people",
    tries="hands in an archive whose entries climb out of their folder",
    stopped_by="archives are not unpacked",
)
def climbing_archive(target: Target) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../../gradebook.db", "overwritten")
        file.writestr("/etc/cron.d/x", "overwritten")
    return archive.getvalue()


@attack("people", tries="hands in a compressed bomb", stopped_by="nothing is decompressed")
def compressed_bomb(target: Target) -> bytes:
    return gzip.compress(bytes(64 << 20))


@attack("people", tries="shows a table of two hundred thousand cells", stopped_by="outputs are capped")
def enormous_table(target: Target) -> Target:
    return target.first(
        "from IPython.display import HTML, display\ndisplay(HTML('<table>' + '<tr>' + '<td>1</td>' * 200_000 + '</tr></table>'))"
    )


@attack(
    "people",
    tries="writes formulas that unfold without end, and commands that lead away",
    stopped_by="text cells are neutralised",
)
def formulas_without_end(target: Target) -> Target:
    text = r"$\def\x{\x\x}\x$ $$\href{javascript:alert(1)}{x} \class{y}{z} \require{html} \style{position:fixed}{x} \unicode{x41} \includegraphics{http://x.invalid}$$"
    return target.append(text, "markdown").first(
        f"from IPython.display import Latex, Math, display\ndisplay(Latex({text!r}), Math({text!r}))"
    )


@attack("people", tries="writes a diagram and a page within fences of code", stopped_by="text cells are neutralised")
def diagrams(target: Target) -> Target:
    return target.append(
        '```mermaid\ngraph TD; A[<img src=x onerror=alert(1)>]-->B; click A href "javascript:alert(1)"\n```\n\n```html\n<script>alert(1)</script>\n```\n\n[^1]: <script>alert(1)</script>\n\n<!--><script>alert(1)</script>-->',
        "markdown",
    )


@attack(
    "people",
    tries="prints what looks like the grader's own lines and marks",
    stopped_by="outputs stand in their own frame",
)
def lines_of_the_grader(target: Target) -> Target:
    return target.first(
        "import sys\nfor out in (sys.stdout, sys.stderr):\n    print('\\r\\x1b]0;33 of 33 points\\x07\\x1b[2J\\x1b[1;1Hall checks passed \\u202e33/33\\u2066\\u200b</pre></div><h1>33 of 33</h1>', file=out)"
    )


@attack(
    "people",
    tries="shows pages by magics: %%html, %%javascript, %%svg",
    stopped_by="magics do nothing; outputs are sanitised",
)
def pages_by_magics(target: Target) -> Target:
    for magic in ("html", "html --isolated", "javascript", "js", "svg", "latex", "markdown"):
        target.append(f"%%{magic}\n{SCRIPT}<svg onload=alert(1)>[x](javascript:alert(1))")
    return target


@attack("people", tries="shows kinds of data in other spellings", stopped_by="kinds are known by their exact names")
def kinds_in_other_spelling(target: Target) -> Target:
    kinds = (
        "TEXT/HTML",
        "text/html; charset=utf-8",
        " text/html",
        "text/html\\n",
        "application/xhtml+xml",
        "image/svg+xml; q=1",
        "text/xml",
        "application/vnd.jupyter.widget-view+json",
        "application/pdf",
        "image/gif",
        "image/webp",
        "text/x-html",
        "",
    )
    return shown(target, *((kind, SCRIPT) for kind in kinds))


@attack(
    "people",
    tries="makes outputs of its own in the place of the shell's",
    stopped_by="outputs are checked when they arrive",
)
def outputs_of_its_own_making(target: Target) -> Target:
    return target.append(
        "import sys\nOutputs = sys.modules['autograder.isolation.guest.shell'].Outputs\n"
        "bad = '<script>alert(1)</script>'\nOutputs.items += [\n"
        "    {'output_type': kind, 'name': 'stdout', 'text': bad, 'data': {'text/html': bad, 'application/javascript': 'alert(1)'}, 'metadata': {'isolated': True}, 'transient': {'display_id': 'a'}, 'ename': bad, 'evalue': bad, 'traceback': [bad, 1, None]}\n"
        "    for kind in ('stream', 'display_data', 'execute_result', 'error', 'update_display_data', 'clear_output', 'input_request', 'comm_open', 'status', '', None, 1)]\n"
        "Outputs.items += [[], None, {'output_type': 'stream', 'name': 'other', 'text': [bad]}, {'output_type': 'stream', 'name': 'stdout', 'text': {'a': bad}}, {'output_type': 'display_data', 'data': [bad]}, {'output_type': 'execute_result', 'data': {'text/html': [bad], 1: bad}, 'execution_count': bad}]"
    )


@attack(
    "people",
    tries="opens channels to widgets and updates what was shown",
    stopped_by="there is no kernel; outputs are checked",
)
def widgets_and_updates(target: Target) -> Target:
    return target.append(
        "from IPython.display import display, update_display, clear_output, HTML, DisplayHandle\n"
        "handle = display(HTML('x'), display_id='a')\nhandle.update(HTML('<script>alert(1)</script>'))\nclear_output(wait=True)\n"
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'a'}, 'text/html': '<script>alert(1)</script>'}, raw=True, metadata={'isolated': True})\n"
        "try:\n    import comm\n    comm.create_comm(target_name='jupyter.widget', data={'state': {}})\nexcept Exception: pass"
    )


@attack(
    "people",
    tries="gives cells equal ids, and marks that are lists, numbers and endless",
    stopped_by="marks are read if they are plain",
)
def marks_of_odd_types(target: Target) -> Target:
    odd = [["a"], {"a": 1}, 7, None, True, "x" * 100_000, float("nan"), 10**400, "../../x", "check-<b>", "\ud800", ""]
    for number, cell in enumerate(target.cells):
        cell["id"] = "same" if number % 2 else odd[number % len(odd)]
        nbgrader = cell["metadata"].setdefault("nbgrader", {})
        if number % 3 == 0 and isinstance(nbgrader, dict):
            nbgrader["points"] = odd[number % len(odd)]
        cell["metadata"]["tags"] = odd[(number * 5) % len(odd)]
        cell["attachments"] = {"a": odd[(number * 7) % len(odd)]}
    return target


@attack(
    "people",
    tries="makes its given cells, answers and names of lone halves of characters",
    stopped_by="text is cleaned when it is read",
)
def halves_of_characters(target: Target) -> Target:
    half = "\ud83d \udc00 \u0000 \uffff \u2028"
    for cell in target.cells:
        cell["source"] = cell["source"] + (f"\n# {half}" if cell["cell_type"] == "code" else f"\n{half}")
    return target.append(f"print({half!r}); raise ValueError({half!r})").append(half, "markdown")
