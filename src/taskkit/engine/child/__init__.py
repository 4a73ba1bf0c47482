"""Attempts in child processes: `execution` is the worker's side of one, `main` the child's."""
