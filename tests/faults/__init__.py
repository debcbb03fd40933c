"""Deliberate faults: every one ends in a sentence or in a whole answer, within bounds, on the loopback.

The quick part runs with every other test; `make test-faults` runs all of it.
"""
