"""The task `introspect-data`: what a data source holds, down to keys and indexes. See README.md here."""
