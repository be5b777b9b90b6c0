"""`python -m musicbox STAGE`: see `Scripts/train/train --help`."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
