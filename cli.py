"""Runs the command line from a checkout: ``python cli.py --help``."""

from __future__ import annotations

from fingerprint.cli import main

if __name__ == "__main__":
    main(prog_name="fingerprint")
