"""The repair of a store: what a plan finds, and what is done about it; see `plan` and `deed`."""
