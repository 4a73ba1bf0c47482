"""Runs as rows, for the backends whose database speaks SQL."""
