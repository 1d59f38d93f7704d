"""Gives back the room that nothing needs any more, and keeps a store quick."""
