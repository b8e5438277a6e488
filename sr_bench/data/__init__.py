"""What is known by name, and the files of it: catalogue and datasets."""
