"""The copy that is sent tells the server to mail nobody, and differs from the stored one in guest lines only."""

from __future__ import annotations

from caldav_backup import ics

MEETING = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:m\r\nSUMMARY:A title that its writer folded at an odd\r\n  place\r\n"
    b'ORGANIZER;CN="Ann: boss";schedule-agent=SERVER:mailto:ann@example.org\r\n'
    b"ATTENDEE;CN=Bob;SCHEDULE-AGENT=NONE;ROLE=CHAIR:mailto:bob@example.org\r\nATTEN\r\n DEE:mailto:eve@example.org\r\n"
    b"BEGIN:VALARM\r\nATTENDEE:mailto:me@example.org\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def test_organizer_and_every_attendee_are_left_to_the_client() -> None:
    sent = b"\n".join(ics.unfold(ics.with_client_scheduling(MEETING)))
    assert b'ORGANIZER;CN="Ann: boss";SCHEDULE-AGENT=CLIENT:mailto:ann@example.org' in sent
    assert b"ATTENDEE;CN=Bob;ROLE=CHAIR;SCHEDULE-AGENT=CLIENT:mailto:bob@example.org" in sent
    assert b"ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:eve@example.org" in sent
    assert b"SERVER" not in sent
    assert b"NONE" not in sent


def test_whom_an_alarm_mails_is_no_guest() -> None:
    assert b"\r\nATTENDEE:mailto:me@example.org\r\n" in ics.with_client_scheduling(MEETING)
    stripped = ics.without_guests(MEETING)
    assert b"\r\nATTENDEE:mailto:me@example.org\r\n" in stripped
    assert not ics.has_guests(stripped)


def test_all_other_lines_keep_their_bytes() -> None:
    assert b"at an odd\r\n  place\r\n" in ics.with_client_scheduling(MEETING)
    assert ics.without_guests(MEETING).count(b"mailto:") == 1


def test_an_event_without_guests_is_sent_as_it_is() -> None:
    body = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:m\rSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR"
    assert ics.with_client_scheduling(body) is body
    assert ics.without_guests(body) is body


def test_the_parameter_is_no_difference_in_meaning_and_missing_guests_are() -> None:
    assert ics.same_meaning(MEETING, ics.with_client_scheduling(MEETING))
    assert ics.differences(MEETING, ics.without_guests(MEETING)) == ["VEVENT ATTENDEE", "VEVENT ORGANIZER"]


def test_an_object_is_left_to_the_client_only_when_that_is_said_of_everybody() -> None:
    assert ics.is_client_scheduled(ics.with_client_scheduling(MEETING))
    assert not ics.is_client_scheduled(MEETING)
    assert not ics.is_client_scheduled(ics.with_client_scheduling(MEETING).replace(b"CLIENT", b"NONE", 1))
    quoted = ics.with_client_scheduling(MEETING).replace(b"=CLIENT", b'="client"', 1)
    assert ics.is_client_scheduled(quoted)
    assert ics.is_client_scheduled(ics.without_guests(MEETING))


def test_the_organizer_is_told_from_the_attendees() -> None:
    assert ics.organizers(MEETING) == ("ann@example.org",)
    assert ics.organizers(ics.without_guests(MEETING)) == ()


def test_guests_are_named_once_each_without_their_scheme() -> None:
    assert ics.guests(MEETING) == ("ann@example.org", "bob@example.org", "eve@example.org")
    again = MEETING.replace(b"BEGIN:VALARM", b"ATTENDEE:MAILTO:Ann@Example.org\r\nATTENDEE:urn:uuid:1\r\nBEGIN:VALARM")
    assert ics.guests(again) == ("ann@example.org", "bob@example.org", "eve@example.org", "urn:uuid:1")


def test_an_event_without_guests_names_none() -> None:
    assert ics.guests(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:m\nEND:VEVENT\nEND:VCALENDAR") == ()
    assert ics.guests(b"\xff\x00ATTENDEE") == ()
