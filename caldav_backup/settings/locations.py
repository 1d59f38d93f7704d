"""One named source, destination or store, as typed values.

Owns the split into plain options and secrets. Where the values come from is `book`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from caldav_backup.settings.addresses import Address, parse_address, split_userinfo
from caldav_backup.settings.errors import SettingsError
from caldav_backup.settings.options import (
    SECRET_FAMILIES,
    SECRET_OPTIONS,
    Kind,
    check_option,
    check_secret_families,
    fingerprint_digits,
)
from caldav_backup.settings.secret import Secret


@dataclass(frozen=True, slots=True)
class Location:
    """A settings entry: URL or directory plus options.

    `name` is empty for one that was given as a URL or a path. `options` never holds a secret, `secrets` nothing else;
    `location` is without userinfo.
    """

    kind: Kind
    name: str
    location: str
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What messages call it: `source @work`."""
        return f"{self.kind.value} @{self.name}" if self.name else self.kind.value

    @property
    def username(self) -> str:
        """The login name, or the empty string."""
        return self.options.get("username", "")

    @property
    def is_insecure(self) -> bool:
        """True when plain http to any host was asked for."""
        return self.options.get("insecure") == "true"

    @property
    def is_read_only(self) -> bool:
        """True for a destination that must not be written to."""
        return self.options.get("read_only") == "true"

    @property
    def timeout(self) -> float | None:
        """Seconds to wait for the server, None when nothing is set."""
        return float(self.options["timeout"]) if "timeout" in self.options else None

    @property
    def rate(self) -> float | None:
        """Requests per second at most, None when nothing is set."""
        return float(self.options["rate"]) if "rate" in self.options else None

    @property
    def tls_fingerprint(self) -> str | None:
        """SHA-256 of the only certificate to accept, 64 hexadecimal digits in lower case; None when nothing is set."""
        return fingerprint_digits(self.options["tls_fingerprint"]) if "tls_fingerprint" in self.options else None

    def patterns(self, option: str) -> tuple[str, ...]:
        """The patterns of `calendars` or `exclude`, split at commas."""
        return tuple(part.strip() for part in self.options.get(option, "").split(",") if part.strip())

    def address(self) -> Address:
        """The server or directory behind it; SettingsError when it cannot be used."""
        return parse_address(self.location, insecure=self.is_insecure, where=self.title)


def location_of(kind: Kind, name: str, values: Mapping[str, str], where: str) -> Location:
    """A `Location` of the entry's values, all of them checked; `where` begins every message."""
    if "location" not in values:
        raise SettingsError(f"{where}: it has no location")
    for option, value in values.items():
        check_option(kind, option, value, where)
    check_secret_families(values, where)
    bare, credentials = split_userinfo(values["location"])
    options = {key: value for key, value in values.items() if key != "location" and key not in SECRET_OPTIONS}
    secrets = {key: Secret(value) for key, value in values.items() if key in SECRET_OPTIONS}
    if credentials.username:
        options.setdefault("username", credentials.username)
    if credentials.password is not None and not any(key in values for key in SECRET_FAMILIES["password"]):
        secrets["password"] = credentials.password
    return Location(kind, name, bare, options, secrets)
