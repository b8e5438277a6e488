"""Repositories of a challenge: each team's network in a process of its own, measured alike."""
