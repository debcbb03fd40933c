"""One report: a question into a folder, the notebook into a page, and the proof of both."""

from crimenb.warm import altair_short_cuts as altair_short_cuts  # before nbformat is imported anywhere
