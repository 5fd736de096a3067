"""The report of an experiment among MLflow's runs: its figures and tables as artifacts."""

import hashlib
from pathlib import Path

from seglossbench.files import digest
from seglossbench.tracking.content import KIND_TAG, NAME, REPORT, Content
from seglossbench.tracking.groups import CONTENT_TAG
from seglossbench.tracking.store import Tracker

ARTIFACTS = ("figures/*.png", "tables/*.csv", "metrics.json")


def attach_report(tracker: Tracker, experiment: str, folder: Path) -> None:
    """Make MLflow's copy of the report in ``folder`` equal to it; nothing happens where it is equal, or not there."""
    files = {
        file.relative_to(folder).as_posix(): file
        for pattern in ARTIFACTS
        for file in sorted(folder.glob(pattern))
    }
    if not files:
        return
    digests = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}
    former = tracker.search(KIND_TAG, REPORT)
    claims = {CONTENT_TAG: digest([experiment, digests])}
    if [stored.data.tags.get(CONTENT_TAG) for stored in former] == [claims[CONTENT_TAG]]:
        return
    tags = {NAME: f"report · {experiment}"[:250], KIND_TAG: REPORT, "experiment": experiment}
    times = [file.stat().st_mtime for file in files.values()]
    content = Content(tags, claims, files=files, status="FINISHED", started=min(times), ended=max(times))
    tracker.replace(content, former)
