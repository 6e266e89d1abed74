"""What `twostage` and `python -m twostage` start: the command line, safe from its first moment.

Its imports take half a second, in which Ctrl-C would else end in a traceback of somebody else's.
"""

import os
import signal
import sys


def main() -> int:
    """Run one command and return its exit status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    _open_closed_streams()
    from twostage.book import cli

    return cli.main()


def _leave(signum: int, frame: object) -> None:
    os.write(2, b"twostage: stopped before anything ran\n")
    os._exit(130)


def _open_closed_streams() -> None:
    """Send to nowhere what a shell has closed (`>&-`): a file opened later must not stand in."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number, so this one
            os.set_inheritable(nowhere, True)
            setattr(sys, name, open(nowhere, "w" if number else "r"))


if __name__ == "__main__":
    sys.exit(main())
