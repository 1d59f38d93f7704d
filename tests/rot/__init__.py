"""Rotten bits: a small store, everything that can happen to one of its files, and what is made of it."""
