"""`python -m taskkit.cli`, the same as the command `taskkit`."""

from taskkit.cli.entry import main

if __name__ == "__main__":
    main()
