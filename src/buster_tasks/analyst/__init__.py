"""The analyst: questions in plain words, answered with findings that were verified."""
