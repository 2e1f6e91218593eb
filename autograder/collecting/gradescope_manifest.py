"""Gradescope's manifest, which tells who handed in each submission of an export, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from autograder.collecting.submitters import Submitter
from autograder.errors import UnreadableSubmission
from autograder.times import read_moment

__all__ = ["MANIFEST", "read_manifest", "read_plain_yaml"]

MANIFEST = "submission_metadata.yml"
_DEEPEST, _MOST_EVENTS = 60, 20_000_000
_NOTHING = {"", "~", "null", "Null", "NULL"}


def read_manifest(content: bytes) -> dict[str, tuple[Submitter, ...]]:
    """Return the submitters of each submission, by the name of its folder; a group has several, an inactive one none.

    Raises:
        UnreadableSubmission: it is not YAML, or has no submissions in it.
    """
    try:
        table = read_plain_yaml(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnreadableSubmission(
            f"{MANIFEST} cannot be read: {line[:100]}. Export it from Gradescope again."
        ) from error
    if not isinstance(table, dict):
        raise UnreadableSubmission(f"{MANIFEST} names no submissions. Export it from Gradescope again.")
    return {name: tuple(_people(entry)) for name, entry in table.items() if isinstance(entry, dict)}


def read_plain_yaml(content: bytes) -> Any:
    """Return ``content`` as dictionaries, lists and text: no tag makes an object, and an alias repeats what it names.

    Raises:
        ValueError: it is nested too deeply, or too long.
        yaml.YAMLError: it is not YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    built: list[Any] = []
    frames: list[list[Any]] = []  # The open lists and mappings; a mapping is a list of keys and values until it ends.
    anchors: dict[str, Any] = {}
    for number, event in enumerate(yaml.parse(content, Loader=loader)):
        if number > _MOST_EVENTS or len(frames) > _DEEPEST:
            raise ValueError("it is longer, or nested more deeply, than any export")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            frames.append([])
            continue
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            values = frames.pop()
            value: Any = _mapping(values) if isinstance(event, yaml.MappingEndEvent) else values
        elif isinstance(event, yaml.ScalarEvent):
            value = "" if event.style is None and event.value in _NOTHING else event.value
            if event.anchor:
                anchors[event.anchor] = value
        elif isinstance(event, yaml.AliasEvent):
            value = anchors.get(event.anchor or "", "")
        else:
            continue
        (frames[-1] if frames else built).append(value)
    return built[0] if built else None


def _mapping(values: list[Any]) -> dict[str, Any]:
    pairs = zip(values[::2], values[1::2], strict=False)
    return {key: value for key, value in pairs if isinstance(key, str)}


def _people(entry: Mapping[str, Any]) -> Iterator[Submitter]:
    people = entry.get(":submitters")
    at, fault = _moment(entry.get(":created_at"))
    for person in people if isinstance(people, list) else []:
        if isinstance(person, dict):
            yield _submitter(person, at, fault)


def _submitter(person: Mapping[str, Any], at: dt.datetime | None, fault: str) -> Submitter:
    sid, email, name = (_text(person.get(key)) for key in (":sid", ":email", ":name"))
    return Submitter(
        "gradescope",
        identity=sid or email or name,
        keys=(("sid", sid), ("id", sid), ("email", email), ("id", email), ("name", name)),
        fallback=sid or email.partition("@")[0],
        at=at,
        fault=fault,
    )


def _text(value: object) -> str:
    return value.strip()[:200] if isinstance(value, str) else ""


def _moment(value: object) -> tuple[dt.datetime | None, str]:
    if isinstance(value, dict):  # Rails writes a time as an object with the time in UTC and the zone.
        value = f"{_text(value.get('utc')).removesuffix('Z')} UTC"
    if not _text(value):
        return None, ""
    try:
        return read_moment(_text(value)), ""
    except ValueError as error:
        return None, str(error)
