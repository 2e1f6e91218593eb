"""The public name of each entrant: a pseudonym, or a display name that the student chose."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from autograder.errors import LeaderboardError
from autograder.secrets import Secret

__all__ = ["entrant_key", "public_names"]

_LONGEST = 40
_ALLOWED = re.compile(r"\w[\w .,'’·&()-]*", re.UNICODE)


def public_names(
    entrants: Iterable[str], secret: Secret, chosen: Mapping[str, str] | None = None
) -> Callable[[str], str]:
    """Return a function from an entrant to the name that may be shown.

    Pseudonyms come from the course secret by keyed hash, so they are the same on every board and reveal nothing.
    Two entrants who draw the same pseudonym both get a further keyed mark.

    Args:
        entrants: everyone on the board.
        chosen: the display name that an entrant asked for, by entrant.

    Raises:
        LeaderboardError: a chosen name cannot be shown, or could be taken for someone else's.
    """
    everyone = sorted(set(entrants))
    pseudonyms = {entrant: secret.pseudonym(entrant) for entrant in everyone}
    shared = Counter(pseudonyms.values())
    names = {
        entrant: name if shared[name] == 1 else f"{name}-{secret.derive('pseudonym-mark', entrant).hex()[:6]}"
        for entrant, name in pseudonyms.items()
    }
    taken = {_alike(name): "a pseudonym" for name in names.values()}
    for entrant in everyone:
        if chosen and entrant in chosen:
            names[entrant] = _claim(entrant, chosen[entrant], taken)
    return names.__getitem__


def entrant_key(entrant: str, secret: Secret) -> str:
    """Return 16 hexadecimal digits that stand for an entrant in logs and results that others may read."""
    return secret.derive("entrant", entrant).hex()[:16]


def _claim(entrant: str, wish: str, taken: dict[str, str]) -> str:
    name = " ".join(unicodedata.normalize("NFKC", wish).split())
    if not name or len(name) > _LONGEST or not _ALLOWED.fullmatch(name):
        raise LeaderboardError(
            f"course.toml, [leaderboard.names] {entrant}: {wish!r} cannot be shown. Use up to {_LONGEST} "
            "letters, digits, spaces and . , ' & ( ) - and begin with a letter or digit."
        )
    if _alike(name) in taken:
        raise LeaderboardError(
            f"course.toml, [leaderboard.names] {entrant}: {wish!r} could be taken for {taken[_alike(name)]}. "
            "Choose another name."
        )
    taken[_alike(name)] = "the display name of " + entrant
    return name


def _alike(name: str) -> str:
    """Return what names have in common that a reader would confuse: letters and digits, without case or accents."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(character for character in plain if character.isalnum())
