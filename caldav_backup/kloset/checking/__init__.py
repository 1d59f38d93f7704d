"""The parts of a store's check: states, packfiles, trees, contents and snapshots, each by itself; see `check`."""
