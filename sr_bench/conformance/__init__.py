"""Golden values that any implementation of resizing and scoring can be run against."""
