"""How one secret is fetched: from a command, a file, a variable, the keyring.

Owns the five forms. A form that is configured and fails stops with its message; nothing here tries the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from caldav_backup.settings.errors import SecretUnavailable
from caldav_backup.settings.secret import Secret

#: A command may have to wait for a person at a pinentry.
COMMAND_TIMEOUT = 300.0
#: More than any password; a device file or a log would be read for ever.
MAX_BYTES = 64 * 1024

_SHOWN_STDERR = 300


def secret_from_command(command: str, environ: Mapping[str, str], title: str) -> Secret:
    """The first line that `command` prints, run by the shell as plakar runs `passphrase_cmd`."""
    import subprocess

    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # Not chained: the exception carries the output so far.
        raise SecretUnavailable(f"{title}: the command did not end within {COMMAND_TIMEOUT:.0f} s") from None
    except OSError as error:
        raise SecretUnavailable(f"{title}: the command cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise SecretUnavailable(f"{title}: the command failed with status {done.returncode}{_last_words(done.stderr)}")
    return _not_empty(Secret.from_bytes(_first_line(done.stdout)), title, "the command printed nothing")


def secret_from_file(path: str, title: str) -> Secret:
    """The first line of a file, as passwords are kept."""
    return _not_empty(Secret.from_bytes(_first_line(_read(path, title))), title, f"{path} is empty")


def passphrase_from_file(path: str, title: str) -> Secret:
    """A file's content without its last line end, as plakar's `-keyfile` reads it."""
    return _not_empty(Secret.from_bytes(_read(path, title).removesuffix(b"\n")), title, f"{path} is empty")


def secret_from_variable(name: str, environ: Mapping[str, str], title: str) -> Secret:
    """The value of an environment variable."""
    return _not_empty(Secret(environ.get(name, "")), title, f"the environment variable {name} is not set")


def secret_from_keyring(service: str, username: str, title: str) -> Secret:
    """The password that the system keyring holds for `service` and `username`."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise SecretUnavailable(
            f"{title}: the keyring needs an extra: install 'caldav-backup[keyring]', or use password_command"
        ) from error
    try:
        password = keyring.get_password(service, username)
    except KeyringError as error:
        raise SecretUnavailable(f"{title}: the keyring refused: {error}") from error
    return _not_empty(Secret(password or ""), title, f"the keyring has nothing for {service!r} and {username!r}")


def _read(path: str, title: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretUnavailable(f"{title}: cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise SecretUnavailable(f"{title}: {path} is larger than {MAX_BYTES} bytes")
    return content


def _first_line(content: bytes) -> bytes:
    return content.split(b"\n", 1)[0].removesuffix(b"\r")


def _not_empty(secret: Secret, title: str, problem: str) -> Secret:
    if not secret:
        raise SecretUnavailable(f"{title}: {problem}")
    return secret


def _last_words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1][:_SHOWN_STDERR]}" if lines else ""
