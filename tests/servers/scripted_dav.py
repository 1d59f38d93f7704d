"""What a correct CalDAV server answers (RFC 4791, RFC 6578) for an `Account`: the scripted server's honest half.

Owns the verbs. Nothing here knows of sockets or rules.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.servers.scripted_account import Account, Collection, Item
from tests.servers.scripted_xml import CALDAV, Asking, Member, Multistatus, read_asking

_XML = {"Content-Type": "application/xml; charset=utf-8"}
_DATA = f"{CALDAV}calendar-data"
_DAV = {"DAV": "1, 3, access-control, calendar-access"}


class Asked(NamedTuple):
    """One request; `number` counts them from 1, header names are in lower case."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def depth(self) -> str:
        return self.headers.get("depth", "infinity")

    def is_report(self, kind: str = "calendar-multiget") -> bool:
        return self.method == "REPORT" and kind.encode() in self.body


class Reply(NamedTuple):
    """The honest answer; `multistatus` is what `body` will be made of where that is not None."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    multistatus: Multistatus | None = None


class CalDav:
    """Answers requests for one account. `page` is how many members a sync-collection gives at a time."""

    def __init__(self, account: Account, *, page: int = 0) -> None:
        self.account = account
        self.page = page

    def answer(self, asked: Asked) -> Reply:
        path = urlsplit(asked.path).path
        if path == "/.well-known/caldav":
            return Reply(301, {"Location": self.account.root})
        if not self._may(asked):
            return Reply(401, {"WWW-Authenticate": 'Basic realm="scripted"'})
        verbs = {
            "PROPFIND": self._propfind,
            "REPORT": self._report,
            "GET": self._get,
            "PUT": self._put,
            "DELETE": self._delete,
        }
        verb = verbs.get(asked.method)
        if verb is None:
            return Reply(200 if asked.method == "OPTIONS" else 501, _DAV)
        return verb(path, asked)

    def _may(self, asked: Asked) -> bool:
        account = self.account
        token = b64encode(f"{account.user}:{account.password}".encode()).decode()
        return not account.user or asked.headers.get("authorization") == f"Basic {token}"

    def _propfind(self, path: str, asked: Asked) -> Reply:
        asking = read_asking(asked.body)
        collection = self.account.find(path)
        if collection is None:
            found = self.account.find_item(path)
            if found is None or found[1] is None:
                return Reply(404)
            return _multistatus([_item(found[0], found[1], asking)])
        members = [_member(collection.path, collection.known_properties(), asking)]
        if asked.depth != "0":
            members += [_member(each.path, each.known_properties(), asking) for each in self.account.below(collection)]
            members += [_item(collection, item, asking) for item in collection.items.values()]
        return _multistatus(members)

    def _report(self, path: str, asked: Asked) -> Reply:
        asking = read_asking(asked.body)
        collection = self.account.find(path)
        if collection is None:
            return Reply(404)
        if asking.kind == "calendar-multiget":
            return _multistatus(self._one(href, asking) for href in asking.hrefs)
        if asking.kind == "sync-collection":
            return self._sync(collection, asking)
        return _refused("supported-report")

    def _one(self, href: str, asking: Asking) -> Member:
        found = self.account.find_item(urlsplit(href).path)
        if found is None or found[1] is None:
            return Member(href, status=404)
        return _item(found[0], found[1], asking)

    def _sync(self, collection: Collection, asking: Asking) -> Reply:
        since = collection.position(asking.token)
        if since is None:
            return _refused("valid-sync-token")
        names: dict[str, None] = {}
        until = len(collection.log)
        for number, name in enumerate(collection.log[since:], since):
            if self.page and len(names) == self.page and name not in names:
                until = number
                break
            names[name] = None
        members = []
        for name in names:
            item = collection.items.get(name)
            if item is not None:
                members.append(_item(collection, item, asking))
            elif asking.token:
                members.append(Member(f"{collection.path}{name}", status=404))
        if until < len(collection.log):
            members.append(Member(collection.path, status=507))
        return _multistatus(members, collection.token(until))

    def _get(self, path: str, asked: Asked) -> Reply:
        del asked
        found = self.account.find_item(path)
        if found is None or found[1] is None:
            return Reply(404)
        item = found[1]
        return Reply(
            200,
            {"Content-Type": "text/calendar; charset=utf-8", "ETag": item.etag, "Last-Modified": item.modified},
            item.content,
        )

    def _put(self, path: str, asked: Asked) -> Reply:
        found = self.account.find_item(path)
        if found is None:
            return Reply(409)
        collection, item, segment = found
        if not _holds(asked, item):
            return Reply(412)
        return Reply(201 if item is None else 204, {"ETag": collection.put(segment, asked.body).etag})

    def _delete(self, path: str, asked: Asked) -> Reply:
        found = self.account.find_item(path)
        if found is None or found[1] is None:
            return Reply(404)
        if not _holds(asked, found[1]):
            return Reply(412)
        found[0].delete(found[2])
        return Reply(204)


def _holds(asked: Asked, item: Item | None) -> bool:
    if asked.headers.get("if-none-match") == "*" and item is not None:
        return False
    wanted = asked.headers.get("if-match")
    return wanted is None or (item is not None and wanted in {"*", item.etag})


def _multistatus(members: Iterable[Member], token: str = "") -> Reply:
    return Reply(207, _XML, multistatus=Multistatus(list(members), token))


def _refused(condition: str) -> Reply:
    return Reply(403, _XML, f'<d:error xmlns:d="DAV:"><d:{condition}/></d:error>'.encode())


def _item(collection: Collection, item: Item, asking: Asking) -> Member:
    properties = item.properties()
    if _DATA in asking.names:
        properties[_DATA] = item.data()
    return _member(collection.path + item.segment, properties, asking)


def _member(href: str, properties: Mapping[str, str], asking: Asking) -> Member:
    if asking.only_names:
        return Member(href, dict.fromkeys(properties, ""))
    names = asking.names or list(properties)
    found = {name: properties[name] for name in names if name in properties}
    return Member(href, found, [name for name in names if name not in properties])
