"""Snakemake, which looks every second for what a cluster's jobs came to, and not ever more seldom.

The executor's plug-in waits 10 s longer after every look that found nothing new, which no setting of it limits.
"""

import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)
sys.exit(main())
