"""What is sent says nothing to guests, unless the user wants them to hear of it, and is made the same every time."""

from __future__ import annotations

import pytest

from caldav_backup import ics
from caldav_backup.connectors.destination import Scheduling
from caldav_backup.restorer.copies import Copies, Form
from caldav_backup.restorer.options import Invites
from tests.ics.corpus import vevent

MEETING = vevent("m", "ORGANIZER:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org")


@pytest.mark.parametrize("invites", list(Invites))
@pytest.mark.parametrize("scheduling", list(Scheduling))
def test_an_event_without_guests_is_sent_as_it_is_stored(invites: Invites, scheduling: Scheduling) -> None:
    content = vevent("a")
    copy = Copies(invites, scheduling).of(content)
    assert (copy.content, copy.note, copy.held) == (content, "", False)


@pytest.mark.parametrize("scheduling", list(Scheduling))
def test_by_default_no_server_is_sent_guests_that_it_might_mail(scheduling: Scheduling) -> None:
    copy = Copies(Invites.SUPPRESS, scheduling).of(MEETING)
    by_itself = scheduling in (Scheduling.NONE, Scheduling.BY_HEADERS)
    silent = by_itself or b"SCHEDULE-AGENT=CLIENT" in copy.content
    assert copy.held or silent
    assert copy.held is (scheduling is Scheduling.UNSTOPPABLE)
    assert ics.same_meaning(copy.content, MEETING)
    assert bool(copy.note) is not by_itself


@pytest.mark.parametrize("scheduling", list(Scheduling))
def test_guests_are_taken_out_or_left_alone_when_the_user_says_so(scheduling: Scheduling) -> None:
    assert not ics.has_guests(Copies(Invites.STRIP, scheduling).of(MEETING).content)
    assert Copies(Invites.ALLOW, scheduling).of(MEETING).content == MEETING


def test_new_uids_are_the_same_every_time_and_differ_by_their_seed() -> None:
    copies = Copies(Invites.SUPPRESS, Scheduling.NONE)
    once, again, other = (copies.of(vevent("a"), seed) for seed in ("here", "here", "there"))
    assert once == again != other
    assert ics.uid(once.content) not in {"a", ics.uid(other.content)}
    assert ics.same_meaning(ics.with_uid(once.content, ics.uid(once.content) or "", "a"), vevent("a"))
    assert copies.in_form(vevent("a"), Form("here")) == once.content


def test_a_piece_that_was_sent_is_made_again() -> None:
    both = vevent("a").replace(b"END:VCALENDAR\r\n", b"") + vevent("b").partition(b"BEGIN:VEVENT")[2].join(
        [b"BEGIN:VEVENT", b""]
    )
    copies = Copies(Invites.SUPPRESS, Scheduling.NONE)
    pieces = [copies.in_form(both, Form(piece=number)) for number in range(2)]
    assert [ics.uids(piece) for piece in pieces] == [("a",), ("b",)]
