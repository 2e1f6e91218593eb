"""Whose file is it? What the names say that Canvas, Moodle, Gradescope and nbgrader give to downloads."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from autograder.collecting.archive import DownloadedFile

__all__ = ["Submitter", "gradescope_senders", "find_submitters"]


@dataclass(frozen=True)
class Submitter:
    """What a platform says of whoever handed something in.

    Attributes:
        platform: canvas, moodle, gradescope or nbgrader.
        keys: what may name the person in a roster, the surest first: an id, an address, a name.
        fallback: a student id to use without a roster; empty if the platform gives none that lasts.
        group: the group that handed it in, if the platform says so.
        late: whether the platform marked it as late.
        at: when it was handed in, if the platform says so.
        attempt: which resubmission it is, from 0.
    """

    platform: str
    keys: tuple[str, ...]
    fallback: str = ""
    group: str = ""
    late: bool = False
    at: dt.datetime | None = None
    attempt: int = 0


_CANVAS = re.compile(r"(?P<name>[^_/]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<submission>\d+)_(?P<file>[^/]+)")
_ATTEMPT = re.compile(r"-(\d+)(?:--[^/]*)?(?:\.[A-Za-z0-9]+)?$")
_MOODLE = re.compile(r"(?P<name>[^/]+?)_(?P<participant>\d+)_assignsubmission_file_?(?:/|(?P<file>[^/]+)$)")
_GRADESCOPE = re.compile(r"(?:^|/)(submission_\d+)/")
_EXCHANGE = re.compile(r"(?P<student>[^+/]+)\+(?P<assignment>[^+/]+)\+(?P<at>[^+/]+)(?:\+[^/]*)?/")
_STAMP = "%Y-%m-%d %H:%M:%S.%f"


def find_submitters(
    delivered: DownloadedFile, gradescope: Mapping[str, Sequence[Submitter]], wrapper: str = ""
) -> tuple[Submitter, ...]:
    """Whoever handed in a file: one person, several on Gradescope, none if the name does not tell.

    Args:
        delivered: the file.
        gradescope: what :func:`gradescope_senders` found.
        wrapper: a folder around everything, which says nothing.
    """
    path = delivered.path
    if path.startswith("/") or ".." in PurePosixPath(path).parts:  # Nobody's archive has such names by accident.
        return ()
    if (found := _GRADESCOPE.search(path)) and found[1] in gradescope:
        return tuple(gradescope[found[1]])
    if found := _MOODLE.search(path):
        return (_moodle(found["name"]),)
    if found := _EXCHANGE.search(path):
        return (Submitter("nbgrader", (found["student"],), found["student"], at=_exchange_time(found["at"])),)
    if found := _CANVAS.fullmatch(PurePosixPath(path).name):
        return (_canvas(found),)
    parts = PurePosixPath(path).parts
    # STUDENT/NOTEBOOK.ipynb, STUDENT/ASSIGNMENT/NOTEBOOK.ipynb, and the same below submitted/ or another folder.
    parts = parts[1:] if parts[0] in ("submitted", wrapper) else parts
    return (Submitter("nbgrader", (parts[0],), parts[0]),) if len(parts) in (2, 3) else ()


def _canvas(found: re.Match[str]) -> Submitter:
    attempt = _ATTEMPT.search(found["file"])
    return Submitter(
        "canvas",
        (found["user"], found["name"]),
        f"{found['name']}-{found['user']}",
        group=found["name"],
        late=bool(found["late"]),
        attempt=int(attempt[1]) if attempt else 0,
    )


def _moodle(name: str) -> Submitter:
    """Moodle's number counts participants anew in each assignment, so only the name lasts."""
    group, dash, person = name.partition("-")
    keys = (name, person, group) if dash else (name,)
    return Submitter("moodle", tuple(key.strip() for key in keys), "-".join(name.lower().split()), group=group.strip())


def _exchange_time(text: str) -> dt.datetime | None:
    """The time in the name of a folder of nbgrader's exchange; those in UTC only, as nbgrader writes them."""
    words = text.rsplit(" ", 1)
    if words[-1] not in ("UTC", "Z"):
        return None
    try:
        return dt.datetime.strptime(words[0], _STAMP).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


class _Plain(yaml.SafeLoader):
    """Reads Ruby's objects as the plain data that they hold."""


def _plainly(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_object(yaml.ScalarNode("tag:yaml.org,2002:str", node.value))


_Plain.add_multi_constructor("!", _plainly)


def gradescope_senders(files: Sequence[DownloadedFile]) -> dict[str, tuple[Submitter, ...]]:
    """By the name of its folder, who handed in each submission of a Gradescope export; a group has several."""
    found: dict[str, tuple[Submitter, ...]] = {}
    for each in files:
        if PurePosixPath(each.path).name == "submission_metadata.yml":
            found.update(_read_metadata(each.content))
    return found


def _read_metadata(content: bytes) -> dict[str, tuple[Submitter, ...]]:
    try:
        table = yaml.load(content, Loader=_Plain)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        return {}
    if not isinstance(table, dict):
        return {}
    return {
        str(name): tuple(_submitter(person, _moment(entry.get(":created_at"))) for person in _people(entry))
        for name, entry in table.items()
        if isinstance(entry, dict)
    }


def _people(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    people = entry.get(":submitters")
    return [person for person in people if isinstance(person, dict)] if isinstance(people, list) else []


def _submitter(person: Mapping[str, Any], at: dt.datetime | None) -> Submitter:
    sid, email, name = (str(person.get(key) or "").strip() for key in (":sid", ":email", ":name"))
    keys = tuple(key for key in (sid, email, name) if key)
    return Submitter("gradescope", keys, sid or email.partition("@")[0], at=at)


def _moment(value: object) -> dt.datetime | None:
    if isinstance(value, dict):  # Rails writes a time as an object with the time in UTC and the zone.
        value = value.get("utc")
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.replace(" Z", "+00:00").replace(" UTC", "+00:00"))
        except ValueError:
            return None
    if not isinstance(value, dt.datetime):
        return None
    return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
