"""Crash tests with real processes: workers are killed, stopped and starved, and a ledger outside of the store is kept.

`python -m campaign --kills 1000` is the long version; `tests/crash` runs the short one. What is checked, and what
was measured, stands in docs/decisions/009-crash-tests.md.
"""
