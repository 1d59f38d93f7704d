"""Changed bytes for every parser of the store: whatever they are, only the store's own errors come out."""
