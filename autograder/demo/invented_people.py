"""Invented people for a sample class."""

from __future__ import annotations

__all__ = ["invent_names"]

_GIVEN = (
    "ada", "bruno", "chiara", "dmitri", "elif", "farid", "greta", "hana", "idris", "jonas", "keiko", "lucia",
    "marek", "nadia", "oskar", "priya", "quentin", "rosa", "samir", "tomas", "ursula", "viktor", "wanda",
    "xenia", "yusuf", "zoe", "amara", "benat", "celine", "dara", "emeka", "freya",
)  # fmt: skip
_FAMILY = (
    "almeida", "brandt", "castellan", "dvorak", "eriksen", "fontaine", "gallo", "haddad", "ibarra", "jansen",
    "kowalski", "lindqvist", "mbeki", "novak", "okafor", "pereira", "quist", "rossi", "sandoval", "tanaka",
    "ueda", "varga", "weiss", "yilmaz", "zeman",
)  # fmt: skip


def invent_names(count: int) -> list[str]:
    """Return ``count`` different student ids such as ``ada.almeida``, always the same ones in the same order."""
    largest = len(_GIVEN) * len(_FAMILY)
    if not 0 <= count <= largest:
        raise ValueError(f"count is {count}; there are {largest} invented names.")
    # The two lengths have no common divisor, so the pairs only repeat after all of them.
    return [f"{_GIVEN[i % len(_GIVEN)]}.{_FAMILY[i % len(_FAMILY)]}" for i in range(count)]
