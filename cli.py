"""Runs the command line from a checkout: ``python cli.py --help``."""

from __future__ import annotations

from fingerprint.__main__ import run

if __name__ == "__main__":
    run()
