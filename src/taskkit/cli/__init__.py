"""The command `taskkit`: one module for each group of verbs, plain functions, and the only place that prints."""
