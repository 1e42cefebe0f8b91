"""``python -m fingerprint``: the command line."""

from __future__ import annotations

from fingerprint.cli import main

if __name__ == "__main__":
    main(prog_name="fingerprint")
