from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.settings import Kind, Settings, SettingsError, UnknownName
from caldav_backup.settings.document import read_document


def settings(directory: Path, **environ: str) -> Settings:
    return Settings(directory, environ)


def write(directory: Path, kind: Kind, text: str) -> None:
    (directory / f"{kind.plural}.yml").write_text(text)


WORK = "version: v1.0.0\nsources:\n  work:\n    location: caldav://host\n    username: alice\n    timeout: 30\n"


def test_no_files_are_no_locations(tmp_path: Path) -> None:
    assert all(settings(tmp_path).names(kind) == [] for kind in Kind)
    assert settings(tmp_path).default_store() is None


def test_an_entry_is_read_in_plakars_shape(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK)
    work = settings(tmp_path).location(Kind.SOURCE, "@work")
    assert (work.name, work.location, work.username, work.timeout) == ("work", "caldav://host", "alice", 30.0)


def test_the_environment_overrides_an_option(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK.replace("work:", "my-work:"))
    overridden = settings(tmp_path, CALDAV_BACKUP_SOURCE_MY_WORK_USERNAME="bob").location(Kind.SOURCE, "my-work")
    assert overridden.username == "bob"


def test_the_environment_alone_can_make_a_source(tmp_path: Path) -> None:
    made = settings(tmp_path, CALDAV_BACKUP_SOURCE_POD_LOCATION="caldav://host").location(Kind.SOURCE, "pod")
    assert made.location == "caldav://host"


def test_an_empty_variable_overrides_nothing(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK)
    assert settings(tmp_path, CALDAV_BACKUP_SOURCE_WORK_USERNAME="").location(Kind.SOURCE, "work").username == "alice"


def test_a_password_from_the_environment_replaces_a_configured_command(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK + "    password_command: 'false'\n")
    work = settings(tmp_path, CALDAV_BACKUP_SOURCE_WORK_PASSWORD="pw").location(Kind.SOURCE, "work")
    assert work.secrets["password"].reveal() == "pw"
    assert "password_command" not in work.options


def test_an_unknown_name_says_how_to_make_it(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK)
    with pytest.raises(UnknownName, match=r"no source @wrk \(did you mean 'work'\?\); 'caldav-backup source add wrk"):
        settings(tmp_path).location(Kind.SOURCE, "@wrk")


def test_an_unknown_option_matters_only_to_its_own_entry(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK + "  s3:\n    location: s3://x\n    access_key: k\n")
    assert settings(tmp_path).location(Kind.SOURCE, "work").username == "alice"
    with pytest.raises(SettingsError, match="access_key"):
        settings(tmp_path).location(Kind.SOURCE, "s3")


def test_a_password_is_a_secret_and_in_no_repr(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK + "    password: hunter2\n")
    work = settings(tmp_path).location(Kind.SOURCE, "work")
    assert work.secrets["password"].reveal() == "hunter2"
    assert "hunter2" not in repr(work)


def test_userinfo_in_a_url_becomes_username_and_password(tmp_path: Path) -> None:
    given = settings(tmp_path).given_location(Kind.SOURCE, "caldav://alice:hunter2@host/")
    assert (given.name, given.location, given.username) == ("", "caldav://host/", "alice")
    assert given.secrets["password"].reveal() == "hunter2"
    assert "hunter2" not in repr(given)


def test_a_configured_password_wins_over_the_urls(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK.replace("caldav://host", "caldav://bob:old@host") + "    password_env: PW\n")
    work = settings(tmp_path).location(Kind.SOURCE, "work")
    assert (work.username, dict(work.secrets)) == ("alice", {})


def test_patterns_are_split_at_commas(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, WORK + "    calendars: work, Team *,\n    insecure: 'true'\n    rate: 5\n")
    work = settings(tmp_path).location(Kind.SOURCE, "work")
    assert work.patterns("calendars") == ("work", "Team *")
    assert work.patterns("exclude") == ()
    assert (work.is_insecure, work.is_read_only, work.rate) == (True, False, 5.0)


@pytest.mark.parametrize(
    "text",
    [
        "version: v2.0.0\nsources: {}\n",
        "sources: [a]\n",
        "sources: {work: text}\n",
        "sources: {work: {location: [a]}}\n",
        "surces: {}\n",
        "sources: {work: {username: a}}\n",
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path, Kind.SOURCE, text)
    with pytest.raises(SettingsError):
        settings(tmp_path).location(Kind.SOURCE, "work")


def test_a_change_starts_a_file_that_plakar_reads(tmp_path: Path) -> None:
    book = settings(tmp_path)
    assert book.names(Kind.STORE) == []
    book.change(Kind.STORE, lambda entries: entries.update(disk={"location": "/mnt/disk"}))
    assert read_document(book.path_of(Kind.STORE)) == {
        "version": "v1.0.0",
        "stores": {"disk": {"location": "/mnt/disk"}},
    }
    assert book.names(Kind.STORE) == ["disk"]


def test_an_empty_map_is_filled_in_block_style(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, "version: v1.0.0\nsources: {}\n")
    book = settings(tmp_path)
    book.change(Kind.SOURCE, lambda entries: entries.update(a={"location": "/a"}))
    assert book.path_of(Kind.SOURCE).read_text() == "version: v1.0.0\nsources:\n  a:\n    location: /a\n"


def test_a_file_that_is_not_understood_is_not_rewritten(tmp_path: Path) -> None:
    write(tmp_path, Kind.SOURCE, "version: v9\nsources: {}\n")
    with pytest.raises(SettingsError):
        settings(tmp_path).change(Kind.SOURCE, lambda entries: entries.update(a={}))
    assert (tmp_path / "sources.yml").read_text() == "version: v9\nsources: {}\n"


def test_the_default_store_is_ours_before_plakars(tmp_path: Path) -> None:
    write(tmp_path, Kind.STORE, "version: v1.0.0\ndefault: disk\nstores: {disk: {location: /mnt/disk}}\n")
    assert settings(tmp_path).default_store() == "@disk"
    (tmp_path / "config.yml").write_text("default_store: /srv/store\n")
    assert settings(tmp_path).default_store() == "/srv/store"


@pytest.mark.parametrize("text", ["default_sotre: /a\n", "default_store: [a]\n"])
def test_a_mistake_in_config_yml_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yml").write_text(text)
    with pytest.raises(SettingsError, match="default_store"):
        settings(tmp_path).default_store()


def test_files_that_others_can_read_are_named(tmp_path: Path) -> None:
    directory = tmp_path / "config"
    directory.mkdir(mode=0o700)
    write(directory, Kind.SOURCE, WORK)
    (directory / "sources.yml").chmod(0o640)
    assert settings(directory).exposed_files() == [directory / "sources.yml"]
