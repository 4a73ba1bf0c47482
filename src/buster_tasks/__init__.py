"""Buster's background tasks on taskkit."""
