"""The contestants of `crawl`, one program each, and what is needed to run them alike.

`account` and the programs of the peers run in an environment that has neither our package nor our libraries.
"""
