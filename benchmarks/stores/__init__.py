"""The contestants of `store`: programs that back up a directory of files, each driven as a user drives it."""
