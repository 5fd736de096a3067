"""A training that is killed and started again ends as one that never was: in the same weights and history."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from tiny import result, run

from seglossbench.errors import JobError
from seglossbench.training.checkpoints import load

PROGRAM = Path(__file__).with_name("tiny.py")


class Killed(BaseException):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "at_least"),
    [("times", 20), ("files", 40), ("writes", 3)],
    ids=["at_twenty_random_times", "before_every_change_to_the_disk", "in_the_middle_of_writing"],
)
def test_kills_change_no_digit(tmp_path, how, at_least):
    answer = subprocess.run([sys.executable, PROGRAM, tmp_path, how], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert int(answer.stdout.split()[0]) >= at_least


def interrupted(folder, epoch, **changes):
    def kill(rows):
        if rows[0].epoch == epoch:
            raise Killed

    with pytest.raises(Killed):
        run(folder, kill, **changes)


@pytest.mark.parametrize("checkpoint", ["last", "best", "both"])
@pytest.mark.parametrize("optimiser", ["Adam", "AdamW", "SGD"])
def test_every_optimiser_and_checkpoint_goes_on_exactly(tmp_path, checkpoint, optimiser):
    changes = {"checkpoint": checkpoint, "optimiser": {"name": optimiser, "learning_rate": 0.05}}
    run(tmp_path / "whole", **changes)
    interrupted(tmp_path / "broken", 2, **changes)
    seen = []
    run(tmp_path / "broken", lambda rows: seen.append(rows[0].epoch), **changes)
    assert seen == [2, 3], "epochs that were done are not done again"
    assert result(tmp_path / "broken") == result(tmp_path / "whole")
    best = (tmp_path / "broken" / "checkpoint_best.pt", tmp_path / "whole" / "checkpoint_best.pt")
    if checkpoint == "both":
        (broken, whole) = (load(file)["network"] for file in best)
        assert all(torch.equal(broken[name], whole[name]) for name in whole)
    kept = {file.name for file in (tmp_path / "broken").iterdir()} - {"checkpoint_best.pt"}
    assert kept == {"checkpoint.pt", "history.csv"}


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path):
    run(tmp_path / "whole")
    interrupted(tmp_path / "broken", 3)
    one_before, newest = sorted((tmp_path / "broken").glob("resume-*.pt"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1  # a single bit
    newest.write_bytes(content)
    seen = []
    with pytest.warns(UserWarning, match=f"{newest.name}: damaged"):
        run(tmp_path / "broken", lambda rows: seen.append(rows[0].epoch))
    assert seen == [2, 3]
    assert one_before.name.startswith("resume-000001")
    assert result(tmp_path / "broken") == result(tmp_path / "whole")


@pytest.mark.parametrize("damaged", ["resume", "best"])
def test_with_nothing_whole_to_go_on_from_it_starts_anew(tmp_path, damaged):
    run(tmp_path / "whole", checkpoint="best")
    interrupted(tmp_path / "broken", 3, checkpoint="best")
    for file in (tmp_path / "broken").glob(f"{damaged}-*.pt"):
        file.write_bytes(file.read_bytes()[:-100])
    seen = []
    with pytest.warns(UserWarning, match=f"{damaged}-.*: damaged"):
        run(tmp_path / "broken", lambda rows: seen.append(rows[0].epoch), checkpoint="best")
    assert seen == [0, 1, 2, 3]
    assert result(tmp_path / "broken") == result(tmp_path / "whole")


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 64 KiB, which holds two checkpoints of the tiny training and little more."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        answer = subprocess.run(mounting, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no mount command: {error}")
    if answer.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {answer.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(file):
    """Take all the room that a disk has left."""
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while stream.write(b"0" * 512):
            pass


def test_a_full_disk_stops_the_run_and_loses_no_finished_epoch(tmp_path, small_disk):
    run(tmp_path / "whole")
    folder = small_disk / "run"

    def fill_in_epoch_2(rows):
        if rows[0].epoch == 2:
            next(folder.glob("resume-000000-*.pt")).unlink()  # so that nothing can make room
            fill(small_disk / "filler")

    with pytest.raises(JobError, match=r"resume-000002.*: the disk is full; make room and run the same"):
        run(folder, fill_in_epoch_2)
    assert [file.name[:13] for file in folder.glob("resume-*.pt")] == ["resume-000001"]
    (small_disk / "filler").unlink()
    seen = []
    run(folder, lambda rows: seen.append(rows[0].epoch))
    assert seen == [2, 3]
    assert result(folder) == result(tmp_path / "whole")


def test_on_a_full_disk_the_oldest_checkpoint_makes_room_for_the_newest(small_disk):
    folder = small_disk / "run"

    def fill_in_epoch_2(rows):
        if rows[0].epoch == 2:
            fill(small_disk / "filler")

    with pytest.raises(JobError, match=r"history\.csv: the disk is full"):  # in epoch 3
        run(folder, fill_in_epoch_2)
    kept = sorted(file.name[:13] for file in folder.glob("resume-*.pt"))
    assert kept == ["resume-000001", "resume-000002"]
