"""Files in a download that try to take another student's place, to be punctual, or to stop the collecting."""

# ruff: noqa: E501 -- file names as platforms write them

from __future__ import annotations

import base64
import io
import warnings
import zipfile
import zlib

from autograder.audit.attacks.catalogue import Intake, Target, attack

METADATA = b"submission_11:\n  :submitters:\n  - :name: Eve Stone\n    :email: eve@x.org\n  :created_at: 2026-03-01 10:00:00 Z\n"
EARLY = b"2026-03-01 10:00:00 UTC"


def mine(target: Target) -> bytes:
    target.answer_all("def NAME(*args, **kwargs):\n    return 'of the attacker'")
    import json

    return json.dumps(target.notebook).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return room.getvalue()


@attack(
    "intake",
    tries="lays metadata of its own into its folder of a Gradescope export",
    stopped_by="one platform, decided at the root",
)
def metadata_of_its_own(target: Target) -> Intake:
    return Intake(
        "gradescope",
        {"NOTEBOOK": mine(target), "submission_metadata.yml": METADATA, "submission_11/NOTEBOOK.ipynb": mine(target)},
    )


@attack(
    "intake",
    tries="lays metadata of Gradescope's kind into a Canvas download",
    stopped_by="one platform, decided at the root",
)
def metadata_in_another_platform(target: Target) -> Intake:
    return Intake(
        "canvas",
        {"x.zip": zipped({"submission_metadata.yml": METADATA, "submission_11/convolution.ipynb": mine(target)})},
    )


@attack(
    "intake",
    tries="names a file as Canvas names another student's, within Moodle's folder",
    stopped_by="one platform, decided at the root",
)
def canvas_name_in_moodle(target: Target) -> Intake:
    return Intake("moodle", {"lovelaceada_4711_99_convolution.ipynb": mine(target)})


@attack(
    "intake",
    tries="names a folder as Moodle names another student's, within Gradescope's",
    stopped_by="one platform, decided at the root",
)
def moodle_name_in_gradescope(target: Target) -> Intake:
    return Intake("gradescope", {"Ada Lovelace_4711_assignsubmission_file_/convolution.ipynb": mine(target)})


@attack(
    "intake",
    tries="names a folder as the exchange names another student's, within Moodle's",
    stopped_by="one platform, decided at the root",
)
def exchange_name_in_moodle(target: Target) -> Intake:
    return Intake("moodle", {"ada+01-convolution+2026-03-04 10:00:00.5 UTC+x/convolution.ipynb": mine(target)})


@attack(
    "intake",
    tries="packs a folder named after another student into an archive",
    stopped_by="owners come from the platform only",
)
def another_student_in_an_archive(target: Target) -> Intake:
    return Intake(
        "canvas",
        {
            "mine.zip": zipped(
                {"ada/01-convolution/convolution.ipynb": mine(target), "lovelaceada_4711_99_a.ipynb": mine(target)}
            )
        },
    )


@attack(
    "intake",
    tries="says by a file beside the notebook that it was in time",
    stopped_by="times come from the platform only",
)
def a_stamp_beside_the_notebook(target: Target) -> Intake:
    return Intake("moodle", {"NOTEBOOK": mine(target), "timestamp.txt": EARLY})


@attack(
    "intake",
    tries="says by a file in the exchange's folder that it was in time",
    stopped_by="times come from the platform only",
)
def a_stamp_in_the_exchange(target: Target) -> Intake:
    return Intake("nbgrader", {"NOTEBOOK": mine(target), "timestamp.txt": EARLY})


@attack(
    "intake",
    tries="hands in YAML that is nested ten thousand deep",
    stopped_by="only the platform's own metadata is read",
)
def deep_metadata(target: Target) -> Intake:
    return Intake("gradescope", {"NOTEBOOK": mine(target), "submission_metadata.yml": b"[" * 10_000})


@attack(
    "intake",
    tries="hands in YAML whose aliases unfold to billions",
    stopped_by="only the platform's own metadata is read",
)
def unfolding_metadata(target: Target) -> Intake:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [
        b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    ]
    return Intake("gradescope", {"NOTEBOOK": mine(target), "submission_metadata.yml": b"\n".join(lines)})


@attack("intake", tries="hands in an archive that is damaged", stopped_by="a fault belongs to its file")
def damaged_archive(target: Target) -> Intake:
    whole = zipped({"convolution.ipynb": mine(target)})
    return Intake("canvas", {"mine.zip": whole[:-30] + b"\0" * 8 + whole[-22:]})


@attack("intake", tries="hands in an archive whose file is damaged within", stopped_by="a fault belongs to its file")
def damaged_within(target: Target) -> Intake:
    whole = bytearray(zipped({"convolution.ipynb": mine(target)}))
    whole[60:90] = bytes(30)
    return Intake("canvas", {"mine.zip": bytes(whole)})


@attack(
    "intake",
    tries="hands in a small archive that unfolds to a gigabyte",
    stopped_by="a budget for all that is unpacked",
)
def unfolding_archive(target: Target) -> Intake:
    return Intake("canvas", {"mine.zip": zipped({f"{n}.ipynb": b" " * (60 << 20) for n in range(16)})})


@attack("intake", tries="hands in archives within archives", stopped_by="a budget for all that is unpacked")
def archives_within_archives(target: Target) -> Intake:
    inner = zipped({"convolution.ipynb": mine(target)})
    for n in range(40):
        inner = zipped({f"{n}.zip": inner, f"{n}-too.zip": inner})[: 4 << 20] if n < 8 else zipped({f"{n}.zip": inner})
    return Intake("canvas", {"mine.zip": inner})


@attack("intake", tries="hands in a name that climbs out of its folder", stopped_by="no path of a download is used")
def climbing_name(target: Target) -> Intake:
    return Intake(
        "moodle",
        {
            "../../../../out.ipynb": mine(target),
            "../Ada Lovelace_4711_assignsubmission_file_/convolution.ipynb": mine(target),
        },
    )


@attack(
    "intake",
    tries="hands in a name full of control characters, directions and terminal codes",
    stopped_by="names are shown as text",
)
def hostile_name(target: Target) -> Intake:
    return Intake("canvas", {"a\x1b[2J\u202e\r\n.ipynb": mine(target)})


@attack(
    "intake",
    tries="hands in an archive whose file is of the year 1980",
    stopped_by="times come from the platform only",
)
def a_year_long_ago(target: Target) -> Intake:
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as archive:
        archive.writestr(zipfile.ZipInfo("NOTEBOOK.ipynb", (1980, 1, 1, 0, 0, 0)), mine(target))
    return Intake("moodle", {"mine.zip": room.getvalue()})


@attack("intake", tries="hands in twenty thousand files", stopped_by="a budget for all that is unpacked")
def very_many_files(target: Target) -> Intake:
    return Intake("canvas", {"mine.zip": zipped({f"{n}.ipynb": b"{}" for n in range(20_000)})})


def marked(name: str, content: bytes, *, flags: int = 0, attributes: int = 0) -> bytes:
    """Return an archive of one file whose entry carries these flags and attributes, in both places."""
    room = io.BytesIO()
    with zipfile.ZipFile(room, "w") as archive:
        entry = zipfile.ZipInfo(name, (2026, 3, 3, 10, 0, 0))
        entry.external_attr = attributes << 16
        archive.writestr(entry, content)
    data = bytearray(room.getvalue())
    data[6] |= flags
    data[data.index(b"PK\1\2") + 8] |= flags
    return bytes(data)


@attack("intake", tries="hands in an archive with a password", stopped_by="a fault belongs to its file")
def archive_with_a_password(target: Target) -> Intake:
    return Intake("canvas", {"mine.zip": marked("NOTEBOOK.ipynb", mine(target), flags=1)})


@attack(
    "intake", tries="packs a symbolic link to the solutions into an archive", stopped_by="entries are read as bytes"
)
def link_in_an_archive(target: Target) -> Intake:
    return Intake("moodle", {"mine.zip": marked("NOTEBOOK.ipynb", b"/etc/passwd", attributes=0o120777)})


@attack("intake", tries="packs two files of one name into an archive", stopped_by="a fault belongs to its file")
def two_entries_of_one_name(target: Target) -> Intake:
    room = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(room, "w") as archive:
        for content in (b"{}", mine(target)):
            archive.writestr("convolution.ipynb", content)
    return Intake("canvas", {"mine.zip": room.getvalue()})


@attack(
    "intake",
    tries="packs entries that share one file's bytes, a thousand of them",
    stopped_by="a budget for all that is unpacked",
)
def overlapping_entries(target: Target) -> Intake:
    whole = zipped({"a.ipynb": b" " * (8 << 20)})
    start, end = whole.index(b"PK\1\2"), whole.index(b"PK\5\6")
    directory = whole[start:end] * 1000
    tail = bytearray(whole[end:])
    tail[8:12] = (1000).to_bytes(2, "little") * 2
    tail[12:16] = len(directory).to_bytes(4, "little")
    return Intake("canvas", {"mine.zip": whole[:start] + directory + bytes(tail)})


@attack(
    "intake", tries="hands in a file whose name is too long for any disk", stopped_by="no path of a download is used"
)
def endless_name(target: Target) -> Intake:
    return Intake("moodle", {f"{'n' * 3000}.ipynb": mine(target), f"{'d/' * 2000}a.ipynb": mine(target)})


@attack("intake", tries="hands in a file that is a folder as well", stopped_by="no path of a download is used")
def file_and_folder(target: Target) -> Intake:
    return Intake(
        "moodle",
        {"NOTEBOOK": mine(target), "convolution.ipynb/convolution.ipynb": mine(target), "convolution.ipynb/": b""},
    )


@attack(
    "intake",
    tries="names a file as another student in another case and another form of letters",
    stopped_by="one platform, decided at the root",
)
def name_in_another_form(target: Target) -> Intake:
    return Intake(
        "nbgrader",
        {
            "NOTEBOOK": mine(target),
            "../ADA+01-convolution+2026-03-03 10:00:00.5 UTC+abc/convolution.ipynb": mine(target),
        },
    )


@attack(
    "intake", tries="writes paths as Windows does, with drives and devices", stopped_by="no path of a download is used"
)
def names_of_windows(target: Target) -> Intake:
    return Intake(
        "moodle",
        {"..\\..\\ada\\convolution.ipynb": mine(target), "C:\\x.ipynb": mine(target), "CON.ipynb": mine(target)},
    )


@attack("intake", tries="gives its file a time that no calendar has", stopped_by="a fault belongs to its file")
def a_time_of_no_calendar(target: Target) -> Intake:
    return Intake("moodle", {"NOTEBOOK": mine(target)}, at=(2107, 15, 31, 31, 63, 62))


@attack(
    "intake",
    tries="hands in a hundred archives of a thousand notebooks, more than a whole download may hold",
    stopped_by="few notebooks of each archive and of each sender",
)
def a_hundred_archives(target: Target) -> Intake:
    archive = zipped({f"{n}.ipynb": b"{}" for n in range(1000)})
    return Intake("gradescope", {f"{n}.zip": archive for n in range(101)})


@attack(
    "intake",
    tries="hands in fifteen hundred notebooks, each of which takes time to be read",
    stopped_by="few notebooks of each sender are read",
)
def fifteen_hundred_notebooks(target: Target) -> Intake:
    work = mine(target)
    return Intake("gradescope", {f"{n}.ipynb": work + b" " * n for n in range(1500)})


@attack(
    "intake",
    tries="ends names before their end, and names files by nothing",
    stopped_by="no path of a download is used",
)
def names_of_nothing_at_all(target: Target) -> Intake:
    names = (
        "a.ipynb\0.txt",
        " .ipynb",
        "..ipynb",
        "...",
        "\u202e bnypi.x.ipynb",
        "a\n.ipynb",
        "~",
        "%2e%2e%2fada.ipynb",
        "/etc/ada.ipynb",
    )
    return Intake("moodle", {name: mine(target) for name in names})


BLANK_BY_BZIP2 = (
    "c-nJ{%CIzaj8qGb+^UqipE15qfZ+fG1BU{GL4&WG(*o6%Tn*Dl<p+a&;<TM#8GcL?5IDe~08w#<b5-VwDJ#sDc!kL6J?Sb~s5tMz_HzI_OOOK"
)
"""Six hundred megabytes of spaces by bzip2, deflated, in base 85."""


@attack(
    "intake",
    tries="hands in half a kilobyte that bzip2 unfolds to gigabytes, whatever the archive claims",
    stopped_by="methods without a bound are refused",
)
def unfolding_by_bzip2(target: Target) -> Intake:
    data = bytearray(marked("convolution.ipynb", zlib.decompress(base64.b85decode(BLANK_BY_BZIP2))))
    directory = data.index(b"PK\1\2")
    data[8], data[directory + 10] = zipfile.ZIP_BZIP2, zipfile.ZIP_BZIP2
    data[22:26] = data[directory + 24 : directory + 28] = (1000).to_bytes(4, "little")
    return Intake("canvas", {"mine.zip": bytes(data)})
