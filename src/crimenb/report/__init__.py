"""One report: a question into a folder, the notebook into a page, and the proof of both."""
