"""What is sent says nothing to guests, unless the user wants them to hear of it."""

from __future__ import annotations

import pytest

from caldav_backup import ics
from caldav_backup.connectors.destination import Scheduling
from caldav_backup.restorer.guests import copy_to_send
from caldav_backup.restorer.options import Invites
from tests.ics.corpus import vevent

MEETING = vevent("m", "ORGANIZER:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org")


@pytest.mark.parametrize("invites", list(Invites))
@pytest.mark.parametrize("scheduling", list(Scheduling))
def test_an_event_without_guests_is_sent_as_it_is_stored(invites: Invites, scheduling: Scheduling) -> None:
    content = vevent("a")
    copy = copy_to_send(content, invites, scheduling)
    assert (copy.content, copy.note, copy.held) == (content, "", False)


@pytest.mark.parametrize("scheduling", list(Scheduling))
def test_by_default_no_server_is_sent_guests_that_it_might_mail(scheduling: Scheduling) -> None:
    copy = copy_to_send(MEETING, Invites.SUPPRESS, scheduling)
    by_itself = scheduling in (Scheduling.NONE, Scheduling.BY_HEADERS)
    silent = by_itself or b"SCHEDULE-AGENT=CLIENT" in copy.content
    assert copy.held or silent
    assert copy.held is (scheduling is Scheduling.UNSTOPPABLE)
    assert ics.same_meaning(copy.content, MEETING)
    assert bool(copy.note) is not by_itself


@pytest.mark.parametrize("scheduling", list(Scheduling))
def test_guests_are_taken_out_or_left_alone_when_the_user_says_so(scheduling: Scheduling) -> None:
    assert not ics.has_guests(copy_to_send(MEETING, Invites.STRIP, scheduling).content)
    assert copy_to_send(MEETING, Invites.ALLOW, scheduling).content == MEETING
