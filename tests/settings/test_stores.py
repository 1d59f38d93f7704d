from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.settings import Directories, Settings, SettingsError, find_directories, resolve_store


def resolved(tmp_path: Path, option: str | None = None, **environ: str) -> str:
    directories = Directories(tmp_path / "config", tmp_path / "state", tmp_path / "cache", tmp_path / "data")
    return resolve_store(option, environ, Settings(directories.config, environ), directories).location


def test_the_order_is_option_ours_plakars_settings_data_directory(tmp_path: Path) -> None:
    assert resolved(tmp_path) == str(tmp_path / "data" / "store")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yml").write_text("default_store: /from/settings\n")
    assert resolved(tmp_path) == "/from/settings"
    assert resolved(tmp_path, PLAKAR_REPOSITORY="/from/plakar") == "/from/plakar"
    assert resolved(tmp_path, PLAKAR_REPOSITORY="/from/plakar", CALDAV_BACKUP_STORE="/from/us") == "/from/us"
    assert resolved(tmp_path, "/from/option", CALDAV_BACKUP_STORE="/from/us") == "/from/option"


def test_a_named_store_brings_its_options(tmp_path: Path) -> None:
    directories = Directories(tmp_path, tmp_path, tmp_path, tmp_path)
    (tmp_path / "stores.yml").write_text(
        "stores:\n  disk:\n    location: fs:///mnt/disk\n    passphrase_file: /run/p\n"
    )
    store = resolve_store("@disk", {}, Settings(tmp_path, {}), directories)
    assert (store.name, store.location, dict(store.options)) == ("disk", "/mnt/disk", {"passphrase_file": "/run/p"})


@pytest.mark.parametrize("form", ["{}/a/../store", "file://{}/store", "fs://{}/store", "fs:{}/store"])
def test_every_spelling_of_a_directory_is_one_absolute_path(tmp_path: Path, form: str) -> None:
    assert resolved(tmp_path, form.format(tmp_path)) == str(tmp_path / "store")


def test_a_relative_path_is_made_absolute(tmp_path: Path) -> None:
    assert resolved(tmp_path, "store") == str(Path.cwd() / "store")
    assert resolved(tmp_path, "~/store") == str(Path.home() / "store")


def test_another_kind_of_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="s3://"):
        resolved(tmp_path, "s3://bucket/store")


def test_directories_follow_option_then_environment() -> None:
    environ = {
        "CALDAV_BACKUP_CONFIG_DIR": "/c",
        "CALDAV_BACKUP_STATE_DIR": "/s",
        "CALDAV_BACKUP_CACHE_DIR": "/t",
    }
    found = find_directories(environ)
    assert (found.config, found.state, found.cache) == (Path("/c"), Path("/s"), Path("/t"))
    assert find_directories(environ, "/o").config == Path("/o")
    assert find_directories({}).config.name == "caldav-backup"
    assert find_directories({}).data.name == "caldav-backup"
