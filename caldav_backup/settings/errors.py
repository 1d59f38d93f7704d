"""What can be wrong with settings. Messages say what was looked at, where, and what to do; none holds a secret."""

from __future__ import annotations


class SettingsError(Exception):
    """Base of this package's errors: settings that cannot be used as they are."""


class UnknownName(SettingsError):
    """`@name` is no source, destination or store that was ever added."""


class NameTaken(SettingsError):
    """An entry of that name is there already."""


class SecretUnavailable(SettingsError):
    """A password or passphrase is configured, and the command, file or variable does not give it."""


class PassphraseMissing(SettingsError):
    """A passphrase or password is needed, nothing supplies it, and there is no terminal to ask on."""
