"""Radicale (extra `demo`) as a throw-away server whose users and calendars live in one directory.

Owns: its configuration. Does not own: the process (`loopback`), or what is put into it.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from caldav_backup.cli.loopback import HOST, LoopbackServer, serve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def is_installed() -> bool:
    return find_spec("radicale") is not None


def start_radicale(directory: Path, users: Mapping[str, str]) -> LoopbackServer:
    """Starts it on a free loopback port; `users` maps names to passwords. A user's home is `<url><name>/`."""
    write_users(directory, users)
    configuration = directory / "radicale.conf"

    def arguments(port: int) -> list[str]:
        configuration.write_text(_configuration(directory, port), encoding="utf-8")
        return ["--config", str(configuration)]

    return serve("radicale", arguments, directory / "radicale.log")


def write_users(directory: Path, users: Mapping[str, str]) -> None:
    """Replaces the users; a running server notices before the next login (Radicale 3.9: by size and time)."""
    path = directory / "radicale-users"
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}:{password}\n" for name, password in users.items()), encoding="utf-8")


def _configuration(directory: Path, port: int) -> str:
    return f"""\
[server]
hosts = {HOST}:{port}
max_connections = 64
max_content_length = 100000000
timeout = 60
[auth]
type = htpasswd
htpasswd_filename = {directory / "radicale-users"}
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = {directory / "radicale-collections"}
[web]
type = none
[logging]
level = warning
"""
