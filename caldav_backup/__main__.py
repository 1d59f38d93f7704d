"""`python -m caldav_backup`: the command line."""

from __future__ import annotations

import sys

from caldav_backup.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
