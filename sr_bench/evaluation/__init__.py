"""Upscaling with a method, metrics, scores."""
