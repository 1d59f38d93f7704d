"""Where settings, remembered state, caches and the default store live.

Owns the order option, environment, platform (platformdirs). Makes no directory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

APPLICATION = "caldav-backup"
#: For a user who has neither HOME nor an entry in the list of users, as in containers: nothing is there, and what is to
#: be written there fails and says so.
HOMELESS = Path("/nonexistent", APPLICATION)


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

    def chosen(variable: str, default: Callable[..., str]) -> Path:
        try:
            return Path(environ.get(variable) or default(APPLICATION, appauthor=False)).expanduser()
        except RuntimeError:
            return HOMELESS

    return Directories(
        config=Path(config_option).expanduser()
        if config_option
        else chosen("CALDAV_BACKUP_CONFIG_DIR", platformdirs.user_config_dir),
        state=chosen("CALDAV_BACKUP_STATE_DIR", platformdirs.user_state_dir),
        cache=chosen("CALDAV_BACKUP_CACHE_DIR", platformdirs.user_cache_dir),
        data=chosen("", platformdirs.user_data_dir),
    )
