"""`python -m buster_tasks.eval`."""

from __future__ import annotations

import sys

from buster_tasks.eval.command import main

if __name__ == "__main__":
    sys.exit(main())
