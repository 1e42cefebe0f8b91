"""``python -m fingerprint``, and the program ``fingerprint``: the command line.

Ctrl-C ends it quietly also while it is being imported, which takes a third of a second.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

_INTERRUPTED = 130  # as `fingerprint.cli` ends a command that is interrupted later


def run() -> NoReturn:
    """Run the command line and end the process."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as in a background job
        signal.signal(signal.SIGINT, _leave_at_once)
    from fingerprint.cli import main

    try:
        main(prog_name="fingerprint")
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # without waiting for threads: one may wait for an import that was interrupted
            sys.stderr.flush()
            os._exit(_INTERRUPTED)
        raise
    sys.exit()


def _leave_at_once(_number: int, _frame: object) -> NoReturn:
    """End the process while nothing is under way yet that would have to be undone."""
    os.write(2, b"\nfingerprint: interrupted\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    run()
