"""Qualified names of properties and elements in Clark notation, `{namespace}local`.

Owns names, nothing else. Each block says which document or server defines it.
"""

from __future__ import annotations

_DAV = "{DAV:}"
_CALDAV = "{urn:ietf:params:xml:ns:caldav}"
_CALENDARSERVER = "{http://calendarserver.org/ns/}"
_APPLE = "{http://apple.com/ns/ical/}"
_NEXTCLOUD = "{http://nextcloud.com/ns}"

#: Prefixes for request bodies; servers that compare text instead of names exist, and these are the usual ones.
PREFIXES = {
    "d": "DAV:",
    "c": "urn:ietf:params:xml:ns:caldav",
    "cs": "http://calendarserver.org/ns/",
    "a": "http://apple.com/ns/ical/",
}

# RFC 4918: WebDAV
MULTISTATUS = _DAV + "multistatus"
RESPONSE = _DAV + "response"
HREF = _DAV + "href"
STATUS = _DAV + "status"
PROPSTAT = _DAV + "propstat"
PROP = _DAV + "prop"
PROPNAME = _DAV + "propname"
ALLPROP = _DAV + "allprop"
PROPFIND = _DAV + "propfind"
PROPERTYUPDATE = _DAV + "propertyupdate"
SET = _DAV + "set"
REMOVE = _DAV + "remove"
ERROR = _DAV + "error"
RESPONSEDESCRIPTION = _DAV + "responsedescription"
COLLECTION = _DAV + "collection"
DISPLAYNAME = _DAV + "displayname"
GETETAG = _DAV + "getetag"
GETLASTMODIFIED = _DAV + "getlastmodified"
GETCONTENTLENGTH = _DAV + "getcontentlength"
GETCONTENTTYPE = _DAV + "getcontenttype"
RESOURCETYPE = _DAV + "resourcetype"

# RFC 3253: versioning, of which the list of reports is used everywhere
SUPPORTED_REPORT_SET = _DAV + "supported-report-set"
SUPPORTED_REPORT = _DAV + "supported-report"
REPORT = _DAV + "report"

# RFC 5689: extended MKCOL
MKCOL = _DAV + "mkcol"

# RFC 3744: access control; RFC 5397: current principal
OWNER = _DAV + "owner"
CURRENT_USER_PRIVILEGE_SET = _DAV + "current-user-privilege-set"
PRIVILEGE = _DAV + "privilege"
PRINCIPAL = _DAV + "principal"
PRINCIPAL_URL = _DAV + "principal-URL"
CURRENT_USER_PRINCIPAL = _DAV + "current-user-principal"
PRINCIPAL_PROPERTY_SEARCH = _DAV + "principal-property-search"
PROPERTY_SEARCH = _DAV + "property-search"
MATCH = _DAV + "match"
UNAUTHENTICATED = _DAV + "unauthenticated"

# RFC 6578: collection synchronization
SYNC_COLLECTION = _DAV + "sync-collection"
SYNC_TOKEN = _DAV + "sync-token"
SYNC_LEVEL = _DAV + "sync-level"

# RFC 4791: CalDAV
CALENDAR = _CALDAV + "calendar"
MKCALENDAR = _CALDAV + "mkcalendar"
CALENDAR_MULTIGET = _CALDAV + "calendar-multiget"
CALENDAR_QUERY = _CALDAV + "calendar-query"
CALENDAR_DATA = _CALDAV + "calendar-data"
CALENDAR_HOME_SET = _CALDAV + "calendar-home-set"
CALENDAR_DESCRIPTION = _CALDAV + "calendar-description"
CALENDAR_TIMEZONE = _CALDAV + "calendar-timezone"
SUPPORTED_CALENDAR_COMPONENT_SET = _CALDAV + "supported-calendar-component-set"
COMP = _CALDAV + "comp"
MAX_RESOURCE_SIZE = _CALDAV + "max-resource-size"
MIN_DATE_TIME = _CALDAV + "min-date-time"
MAX_DATE_TIME = _CALDAV + "max-date-time"
MAX_INSTANCES = _CALDAV + "max-instances"
MAX_ATTENDEES_PER_INSTANCE = _CALDAV + "max-attendees-per-instance"
CALENDAR_PROP = _CALDAV + "prop"
FILTER = _CALDAV + "filter"
COMP_FILTER = _CALDAV + "comp-filter"
READ_FREE_BUSY = _CALDAV + "read-free-busy"

# RFC 6638: scheduling
SCHEDULE_INBOX = _CALDAV + "schedule-inbox"
SCHEDULE_OUTBOX = _CALDAV + "schedule-outbox"
SCHEDULE_INBOX_URL = _CALDAV + "schedule-inbox-URL"
SCHEDULE_OUTBOX_URL = _CALDAV + "schedule-outbox-URL"
SCHEDULE_CALENDAR_TRANSP = _CALDAV + "schedule-calendar-transp"
CALENDAR_USER_ADDRESS_SET = _CALDAV + "calendar-user-address-set"

# RFC 6352: CardDAV
ADDRESSBOOK = "{urn:ietf:params:xml:ns:carddav}addressbook"

# Apple's calendar server and clients
GETCTAG = _CALENDARSERVER + "getctag"
SOURCE = _CALENDARSERVER + "source"
SUBSCRIBED = _CALENDARSERVER + "subscribed"
NOTIFICATION = _CALENDARSERVER + "notification"
CALENDAR_PROXY_READ = _CALENDARSERVER + "calendar-proxy-read"
CALENDAR_PROXY_WRITE = _CALENDARSERVER + "calendar-proxy-write"
CALENDAR_PROXY_READ_FOR = _CALENDARSERVER + "calendar-proxy-read-for"
CALENDAR_PROXY_WRITE_FOR = _CALENDARSERVER + "calendar-proxy-write-for"
CALENDAR_COLOR = _APPLE + "calendar-color"
CALENDAR_ORDER = _APPLE + "calendar-order"

# Nextcloud
DELETED_AT = _NEXTCLOUD + "deleted-at"
DELETED_CALENDAR = _NEXTCLOUD + "deleted-calendar"
TRASH_BIN = _NEXTCLOUD + "trash-bin"


def local_name(name: str) -> str:
    """`calendar` of `{urn:ietf:params:xml:ns:caldav}calendar`."""
    return name.rpartition("}")[2]


def namespace(name: str) -> str:
    """`DAV:` of `{DAV:}href`; empty where there is none."""
    return name[1:].partition("}")[0] if name.startswith("{") else ""
