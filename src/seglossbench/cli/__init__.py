"""The command line: words become function calls here and nowhere else.

An error is one line on stderr: exit status 2 for bad input, 1 for a failed job; ``--debug`` shows the traceback.
"""

# Each adds its commands.
from seglossbench.cli import analysis, data, doctor, files, keeping, plugins, reports, runs, tracking
from seglossbench.cli.application import main

__all__ = ["analysis", "data", "doctor", "files", "keeping", "main", "plugins", "reports", "runs", "tracking"]
