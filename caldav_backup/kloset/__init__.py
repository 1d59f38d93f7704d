"""The Kloset store: reading and writing the on-disk format that plakar uses.

Usable alone and synchronous; knows nothing of calendars, networks or terminals. From the bottom up: `storage` keeps named
bytes; `envelope`, `codec` and what they are made of turn bytes into stored bytes and back; `packfile` and `packer` gather
blobs; states and the index say where each blob lies; snapshots are trees of blobs. `docs/design/format.md` describes the
bytes.

Nothing heavy is imported before it is used.
"""

from __future__ import annotations
