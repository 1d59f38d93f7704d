"""Copies snapshots from one open store into another, whatever each of them is keyed, compressed, hashed or cut by."""
