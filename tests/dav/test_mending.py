"""Names of calendars that a server writes as halves of characters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup import dav
from caldav_backup.dav import names
from caldav_backup.dav.mending import Mending
from caldav_backup.dav.multistatus import Parser
from tests.dav.fakes import multistatus, response


def escaped_as_sogo_does(text: str) -> str:
    """A reference for each UTF-16 unit beyond ASCII, and for what XML needs."""
    units = text.encode("utf-16-be")
    numbers = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(number) if number < 128 and chr(number) not in "&<>" else f"&#{number};" for number in numbers)


def displayname(document: bytes, piece: int) -> str:
    parser = Parser(dav.Limits(), is_mended=True)
    pieces = [document[start : start + piece] for start in range(0, len(document), piece)]
    (found,) = [each for given in pieces for each in parser.feed(given)]
    parser.close()
    return found.found[names.DISPLAYNAME].text


@settings(max_examples=20)
@given(st.text(st.sampled_from("ab &#;5🎉𝄞é\ud7ff\ue000")), st.integers(1, 40))
def test_every_name_is_read_as_it_was_given(name: str, piece: int) -> None:
    written = f"<d:displayname>{escaped_as_sogo_does(name)}</d:displayname>"
    assert displayname(multistatus(response("/cal/", written)), piece) == name


def test_half_a_character_costs_itself_only() -> None:
    written = "<d:displayname>a&#55356;b&#57225;&#55356;</d:displayname>"
    assert displayname(multistatus(response("/cal/", written)), 7) == "a\ufffdb\ufffd\ufffd"


@given(st.binary(max_size=40), st.integers(1, 9))
def test_nothing_else_is_touched(body: bytes, piece: int) -> None:
    mending = Mending()
    given_back = b"".join(mending.mend(body[start : start + piece]) for start in range(0, len(body), piece))
    assert given_back + mending.mend(b"<") == body + b"<"
