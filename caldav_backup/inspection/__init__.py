"""Reading a store as calendars: which snapshot is meant, which calendars and events are in it. Changes nothing.

Owns the words for snapshots (`snapshots`, `references`), moments in time as people write them (`moments`), and the view
of a tree as calendars and events (`calendars`). Does not own the store, nor how anything is printed.
"""

from __future__ import annotations
