"""Pictures: decoding them to pixels, and finding the image files in folders."""
