"""Pictures: the one door from bytes to pixels, and which files are images."""
