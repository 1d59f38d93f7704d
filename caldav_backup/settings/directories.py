"""Where settings, remembered state, caches and the default store live.

Owns the order option, environment, platform (platformdirs). Makes no directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

APPLICATION = "caldav-backup"


@dataclass(frozen=True, slots=True)
class Directories:
    """`config` holds the YAML files, `state` what must survive, `cache` what may be lost, `data` the default store."""

    config: Path
    state: Path
    cache: Path
    data: Path


def find_directories(environ: Mapping[str, str], config_option: str | None = None) -> Directories:
    """The four directories: `--config-dir`, then ``CALDAV_BACKUP_CONFIG_DIR`` and its like, then the platform's own."""
    import platformdirs

    def chosen(variable: str, default: str) -> Path:
        return Path(environ.get(variable) or default).expanduser()

    return Directories(
        config=chosen("", config_option)
        if config_option
        else chosen("CALDAV_BACKUP_CONFIG_DIR", platformdirs.user_config_dir(APPLICATION, appauthor=False)),
        state=chosen("CALDAV_BACKUP_STATE_DIR", platformdirs.user_state_dir(APPLICATION, appauthor=False)),
        cache=chosen("CALDAV_BACKUP_CACHE_DIR", platformdirs.user_cache_dir(APPLICATION, appauthor=False)),
        data=Path(platformdirs.user_data_dir(APPLICATION, appauthor=False)),
    )
