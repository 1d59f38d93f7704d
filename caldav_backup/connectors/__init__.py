"""Adapters between resources and records: CalDAV accounts, directories of ``.ics`` files, single files.

Owns what a source or a destination looks like to the archiver and the restorer (`base`), how names are made safe
(`naming`), and the adapters. Does not own the protocol (`dav`), the store (`kloset`) or the order of the work
(`archiver`, `restorer`).
"""
