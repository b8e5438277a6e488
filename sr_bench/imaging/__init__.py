"""Images: the only pixel I/O, colour, resizing, degradations."""
