"""Fetching, unpacking and listing datasets and weights."""
