"""The contestants of `benchmarks.restore`: each a program that writes events to an account, behind the proxy."""
