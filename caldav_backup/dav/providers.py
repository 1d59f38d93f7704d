"""What providers want of people who log in, where that is not what a server's refusal says.

Owns the table: host names, the hint, and where the provider says so. Nothing is asked differently because of it.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from caldav_backup.dav import hrefs


class Provider(NamedTuple):
    """`domains` are host names or what they end in; `server` is where its CalDAV is, `login` what it logs in with.

    Without a server there is no CalDAV, and `login` says what to do instead. `source` is the provider's own word.
    """

    name: str
    domains: tuple[str, ...]
    server: str
    login: str
    source: str


_PROVIDERS = (
    Provider(
        "iCloud",
        ("icloud.com", "me.com", "mac.com"),
        "https://caldav.icloud.com/",
        "iCloud wants an app-specific password: account.apple.com, Sign-In and Security",
        "https://support.apple.com/102654",
    ),
    Provider(
        "Fastmail",
        ("fastmail.com", "fastmail.fm", "messagingengine.com"),
        "https://caldav.fastmail.com/",
        "Fastmail wants an app password (Settings, Privacy & Security) and the whole address as user name",
        "https://www.fastmail.help/hc/en-us/articles/360058752854",
    ),
    Provider(
        "Yahoo",
        ("yahoo.com", "aol.com"),
        "https://caldav.calendar.yahoo.com/",
        "Yahoo wants an app password: Account Security, Generate app password",
        "https://help.yahoo.com/kb/SLN15241.html",
    ),
    Provider(
        "Zoho",
        ("zoho.com", "zoho.eu", "zoho.in"),
        "https://calendar.zoho.com/caldav/",
        "with two-factor login Zoho wants an app password (Zoho Accounts, Security), and the address of one calendar, "
        "which its settings show, final slash included",
        "https://help.zoho.com/portal/en/kb/solo/communication/settings/articles/how-to-generate-app-specific-password",
    ),
    Provider(
        "mailbox.org",
        ("mailbox.org",),
        "https://dav.mailbox.org/",
        "with two-factor login mailbox.org wants an application password: Settings, Security",
        "https://kb.mailbox.org/en/private/security-and-privacy/",
    ),
    Provider(
        "Yandex",
        ("yandex.ru", "yandex.com"),
        "https://caldav.yandex.ru/",
        "Yandex wants an app password for calendars: Account management, App passwords",
        "https://yandex.com/support/passport/authorization/app-passwords.html",
    ),
    Provider(
        "Google",
        ("google.com", "googleusercontent.com", "gmail.com", "googlemail.com"),
        "https://apidata.googleusercontent.com/caldav/v2/ADDRESS/user",
        "Google takes no password over CalDAV, only an OAuth 2 access token: token_command supplies one",
        "https://developers.google.com/workspace/calendar/caldav/v2/auth",
    ),
    Provider(
        "Microsoft",
        ("outlook.com", "office365.com", "office.com", "live.com", "hotmail.com", "msn.com"),
        "",
        "a gateway such as DavMail has it: caldav+http://localhost:1080/users/ADDRESS/calendar/",
        "https://learn.microsoft.com/en-us/graph/outlook-calendar-concept-overview",
    ),
)
#: Nextcloud and ownCloud run anywhere, and below this path.
_NEXTCLOUD_PATH = "/remote.php/"
#: https://docs.nextcloud.com/server/latest/user_manual/en/session_management.html
_NEXTCLOUD_LOGIN = (
    "with two-factor login or single sign-on Nextcloud wants an app password: Settings, Security, Devices & sessions"
)


def find_provider(url: str) -> Provider | None:
    """The provider that the URL's host belongs to."""
    host = urlsplit(url).hostname or ""
    return next((each for each in _PROVIDERS if any(_is_in(host, domain) for domain in each.domains)), None)


def login_hint(url: str, href: str = "") -> str:
    """What a refused login at `url`, or at the path `href` of it, is probably due to; empty where nothing is known."""
    provider = find_provider(url)
    if provider is not None:
        return provider.login
    return _NEXTCLOUD_LOGIN if _NEXTCLOUD_PATH in href or _NEXTCLOUD_PATH in hrefs.path_of(url) else ""


def address_hint(url: str) -> str:
    """Where the provider's CalDAV is, if not at `url`; empty where nothing is known."""
    provider = find_provider(url)
    if provider is None or hrefs.origin_of(provider.server) == hrefs.origin_of(url):
        return ""
    return f"{provider.name} has it at {provider.server}"


def _is_in(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
