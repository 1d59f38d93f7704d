"""Each calendar goes where the user said, where it came from, or where its name is; two candidates are an error."""

from __future__ import annotations

import pytest

from caldav_backup.connectors.base import Collection
from caldav_backup.restorer.errors import AmbiguousTarget, NoSuchCalendar
from caldav_backup.restorer.matching import Surroundings, match_calendars
from caldav_backup.restorer.options import RestoreOptions
from caldav_backup.restorer.plan import MatchedBy
from caldav_backup.restorer.selection import StoredCalendar

EVERYTHING = RestoreOptions()


def stored(name: str, displayname: str = "", href: str = "") -> StoredCalendar:
    attributes = {"displayname": displayname.encode(), "href": href.encode()}
    return StoredCalendar(f"/{name}", name, attributes={key: value for key, value in attributes.items() if value})


def there(key: str, displayname: str = "") -> Collection:
    return Collection(key, key.strip("/").rpartition("/")[2], displayname)


def targets(
    calendars: list[StoredCalendar], surroundings: Surroundings, options: RestoreOptions = EVERYTHING
) -> list[tuple[str, MatchedBy]]:
    matched = match_calendars(calendars, surroundings, options)
    return [(target.collection.key if target.collection else target.name, target.matched_by) for _, target in matched]


WORK, HOME = there("/bob/work/", "Work"), there("/bob/home/", "Home")


def test_the_same_calendar_of_the_same_account_is_found_by_its_address_whatever_it_is_called_now() -> None:
    calendars = [stored("home", "Once called so", "/bob/home/"), stored("work", "Home", "/bob/work/")]
    surroundings = Surroundings([WORK, HOME], same_account=True)
    assert targets(calendars, surroundings) == [("/bob/home/", MatchedBy.HREF), ("/bob/work/", MatchedBy.HREF)]


def test_the_same_address_at_another_account_says_nothing() -> None:
    assert targets([stored("a", "Other", "/bob/home/")], Surroundings([HOME])) == [("Other", MatchedBy.NEW)]


def test_the_one_calendar_of_that_name_is_taken() -> None:
    assert targets([stored("x", "Work")], Surroundings([WORK, HOME])) == [("/bob/work/", MatchedBy.NAME)]


def test_a_calendar_without_a_display_name_goes_by_the_name_of_its_directory() -> None:
    assert targets([stored("Work")], Surroundings([WORK])) == [("/bob/work/", MatchedBy.NAME)]
    assert targets([stored("plain")], Surroundings([there("/bob/plain/")])) == [("/bob/plain/", MatchedBy.NAME)]


def test_names_in_another_unicode_form_are_the_same() -> None:
    composed, decomposed = "B\u00fcro", "Bu\u0308ro"
    assert targets([stored("b", composed)], Surroundings([there("/b/", decomposed)])) == [("/b/", MatchedBy.NAME)]


def test_a_name_that_the_server_escaped_for_xml_is_the_same_however_often_it_did() -> None:
    escaped = [there("/b/", "A &amp;amp; B &amp;lt;c&amp;gt;")]
    for name in ("A & B <c>", "A &amp; B &lt;c&gt;"):
        assert targets([stored("b", name)], Surroundings(escaped)) == [("/b/", MatchedBy.NAME)]


def test_two_calendars_of_one_name_are_told_apart_by_their_addresses_or_are_an_error() -> None:
    twins = [there("/bob/work/", "Work"), there("/bob/work-2/", "Work")]
    assert targets([stored("work-2", "Work")], Surroundings(twins)) == [("/bob/work-2/", MatchedBy.NAME)]
    with pytest.raises(AmbiguousTarget, match=r"/bob/work-2/.*--map other="):
        targets([stored("other", "Work")], Surroundings(twins))


def test_two_calendars_never_become_one_by_themselves() -> None:
    with pytest.raises(AmbiguousTarget, match="--map or --into"):
        targets([stored("a", "Work"), stored("b", "Work")], Surroundings([WORK]))
    with pytest.raises(AmbiguousTarget):
        targets([stored("a", "", "/bob/work/"), stored("b", "Work")], Surroundings([WORK], same_account=True))


def test_two_new_calendars_of_one_name_stay_two() -> None:
    assert targets([stored("a", "Work"), stored("b", "Work")], Surroundings([])) == [("Work", MatchedBy.NEW)] * 2


def test_what_the_user_says_goes_before_everything() -> None:
    calendars = [stored("work", "Work", "/bob/work/"), stored("b", "B")]
    surroundings = Surroundings([WORK, HOME], same_account=True)
    mapped = RestoreOptions(mapping=[("work", "Home"), ("B", "/bob/work/")])
    assert targets(calendars, surroundings, mapped) == [("/bob/home/", MatchedBy.MAP), ("/bob/work/", MatchedBy.MAP)]
    into = RestoreOptions(into="home")
    assert targets(calendars, surroundings, into) == [("/bob/home/", MatchedBy.INTO)] * 2


def test_a_name_that_the_user_gives_and_that_is_not_there_is_a_new_calendar() -> None:
    calendars = [stored("a"), stored("b")]
    assert targets(calendars, Surroundings([WORK]), RestoreOptions(into="All")) == [("All", MatchedBy.INTO)] * 2
    options = RestoreOptions(mapping=[("a", "A2")])
    assert targets(calendars, Surroundings([]), options) == [("A2", MatchedBy.MAP), ("b", MatchedBy.NEW)]


def test_a_name_that_the_user_gives_and_that_several_have_is_an_error_until_the_address_is_given() -> None:
    twins = Surroundings([there("/bob/1/", "Work"), there("/bob/2/", "Work")])
    with pytest.raises(AmbiguousTarget, match="give its path"):
        targets([stored("a")], twins, RestoreOptions(into="Work"))
    assert targets([stored("a")], twins, RestoreOptions(into="/bob/2")) == [("/bob/2/", MatchedBy.INTO)]


def test_one_calendar_goes_to_the_one_calendar_whose_address_was_given() -> None:
    alone = Surroundings([WORK], can_create=False)
    assert targets([stored("x", "Other")], alone) == [("/bob/work/", MatchedBy.ADDRESS)]
    found = targets([stored("x", "Other"), stored("work", "Work")], alone)
    assert found == [("Other", MatchedBy.NEW), ("/bob/work/", MatchedBy.NAME)]


def test_a_mapping_of_a_calendar_that_is_not_restored_is_an_error() -> None:
    with pytest.raises(NoSuchCalendar, match="wrok"):
        targets([stored("work")], Surroundings([]), RestoreOptions(mapping=[("wrok", "x")]))


def test_two_mappings_of_one_calendar_are_an_error() -> None:
    with pytest.raises(AmbiguousTarget):
        targets([stored("work", "Work")], Surroundings([]), RestoreOptions(mapping=[("work", "x"), ("Work", "y")]))
