"""Files in: what the publishers offer for download, and only the parts of it that are wanted."""
