"""A text that must not be seen: a password, a passphrase, a client secret."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Prints as ``***`` wherever it ends up; `reveal` is the only way to the text.

    Bytes that are not UTF-8 are held as surrogate escapes, so that `reveal_bytes` gives back exactly what was read.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def from_bytes(cls, content: bytes) -> Secret:
        """The secret whose `reveal_bytes` is `content`."""
        return cls(content.decode("utf-8", "surrogateescape"))

    def reveal(self) -> str:
        """The text itself. Hand it to whoever needs it, and to nobody else."""
        return self._text

    def reveal_bytes(self) -> bytes:
        """The text as UTF-8, as key derivation takes it."""
        return self._text.encode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret('***')"

    def __format__(self, specification: str) -> str:
        return format("***", specification)

    def __bool__(self) -> bool:
        return self._text != ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(self.reveal_bytes(), other.reveal_bytes())

    __hash__ = None  # type: ignore[assignment]  # a key of a mapping would be printed with it

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never written out")
