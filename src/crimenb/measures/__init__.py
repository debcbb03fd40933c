"""Frames in, numbers out: counts, ranges, changes, comparisons, outcomes. Pure."""
