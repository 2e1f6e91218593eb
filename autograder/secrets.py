"""The course secret, and the values derived from it by keyed hash.

One secret per course, made on first use, never committed, read by trusted code only. Hidden inputs, pseudonyms and
the challenge's recipe all come from it, so they are the same for every student and unknown to all of them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from autograder.errors import CourseError

__all__ = ["Secret"]

_BYTES = 32


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ADJECTIVES = _words(
    "amber ashen azure brisk bronze calm cedar clear cobalt copper coral crimson dapper dusky eager early elder "
    "fabled fleet gentle gilded golden grand hazel honest humble indigo ivory jade jolly keen kind lilac little "
    "lively lucid lunar merry mild misty mossy noble olive opal patient pearl placid plucky quiet rapid rosy "
    "ruby rustic sage scarlet silver sober solar steady stout sunny swift tidy umber upbeat velvet violet vivid "
    "warm wise witty young zesty"
)
_ANIMALS = _words(
    "albatross badger beaver bison bittern buzzard caribou chamois cheetah condor cormorant crane curlew dolphin "
    "dormouse dunlin eagle egret ermine falcon ferret finch gannet gazelle gecko godwit grebe grouse hare heron "
    "hornbill ibex ibis jackdaw jaguar kestrel kingfisher kite lapwing lark lemur leopard linnet lynx magpie "
    "marmot marten merlin moose narwhal newt nuthatch ocelot oriole osprey otter owl panda pelican petrel pipit "
    "plover puffin puma quail raven robin sable seal shrike siskin skua stoat stork swallow swift tapir teal tern "
    "thrush tortoise viper vole wagtail walrus warbler weasel wolverine wombat wren yak zebra"
)


class Secret:
    """A course's secret key (32 bytes) and the values derived from it."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise CourseError(f"The course secret has {len(key)} bytes; it needs at least 16. Make a new one.")
        self._key = key

    def __repr__(self) -> str:
        return "<Secret>"

    @property
    def key(self) -> bytes:
        """The key itself, for trusted processes that grade elsewhere; never for anything that is shown or stored."""
        return self._key

    @classmethod
    def fixed(cls, phrase: str) -> Secret:
        """Return a secret that anyone can recompute, for test courses whose results must be replayed byte for byte."""
        return cls(hashlib.sha256(f"test course: {phrase}".encode()).digest())

    @classmethod
    def load_or_make(cls, path: Path) -> Secret:
        """Read the secret at ``path``, or make one there, readable by its owner only.

        Raises:
            CourseError: the file is there but is not a secret.
        """
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls._load(path)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_hex(_BYTES) + "\n")
        return cls._load(path)

    @classmethod
    def _load(cls, path: Path) -> Secret:
        try:
            return cls(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except (OSError, ValueError) as error:
            raise CourseError(
                f"{path} does not contain a course secret ({error}). Restore your copy: a new secret "
                "changes every hidden input and pseudonym."
            ) from error

    def derive(self, *names: str) -> bytes:
        """Return 32 bytes that depend on the secret and on ``names``, and tell nothing of the secret."""
        message = b"".join(len(name.encode()).to_bytes(4, "big") + name.encode() for name in names)
        return hashlib.blake2b(message, key=self._key[:64], digest_size=_BYTES).digest()

    def seed(self, *names: str) -> int:
        """Return a 63-bit seed for a random generator, the same for every student of the course."""
        return int.from_bytes(self.derive("seed", *names)[:8], "big") >> 1

    def pseudonym(self, student_id: str) -> str:
        """Return a stable two-word name with a number, such as ``brisk-heron-417``."""
        digest = self.derive("pseudonym", student_id)
        adjective = _ADJECTIVES[int.from_bytes(digest[:4], "big") % len(_ADJECTIVES)]
        animal = _ANIMALS[int.from_bytes(digest[4:8], "big") % len(_ANIMALS)]
        return f"{adjective}-{animal}-{int.from_bytes(digest[8:12], 'big') % 1000:03d}"
