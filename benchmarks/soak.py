"""``make soak``: the tiny experiment, disturbed at random in many ways, ends as one that nobody disturbed, bit for bit.

A round is calls of snakemake of which each but the last ones has something done to it. Its log says what and when.
"""

import argparse
import itertools
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.disturbances import DISTURBANCES, ENVIRONMENT, PROJECT, SNAKEMAKE, Round, Server
from benchmarks.results import differing, results

EXPERIMENT = """
grid: {{datasets: [brats_phantom], networks: [unet], losses: [ce_dice, rrw_ce], seeds: [0]}}
datasets: {{brats_phantom: {{phantom: {{training: 4, test: 2, shape: [32, 32, 32]}}}}}}
networks: {{unet: {{channels: [4, 8], strides: [2], num_res_units: 0}}}}
train: {{epochs: 12, steps_per_epoch: 4, patch_size: [16, 16, 16], threads: 1}}
evaluate: {{metrics: [DSC, HD95], predict: {{window_size: [32, 32, 32]}}}}
track: {{uri: "http://127.0.0.1:{port}"}}
"""
DISK_MB = 96
MOST_CALLS = 12


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of ``DISK_MB`` at ``place``; needs root, and raises RuntimeError without."""
    place.mkdir(parents=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)]
    answer = subprocess.run(words, capture_output=True, text=True)
    if answer.returncode:
        raise RuntimeError(f"no small disk can be mounted here: {answer.stderr.strip()}")
    try:
        yield place
    finally:
        for _ in range(50):  # until the last process has left it
            if subprocess.run(["umount", str(place)], capture_output=True).returncode == 0:
                break
            time.sleep(0.2)


def prepare(folder: Path, port: int) -> None:
    """The project with its tiny experiment, whose data are prepared."""
    folder.mkdir(parents=True)
    for name in ("workflow", "profiles", "experiments"):
        shutil.copytree(PROJECT / name, folder / name, symlinks=True)
    for name in ("Snakefile", "params.yaml"):
        shutil.copy(PROJECT / name, folder)
    (folder / "experiments" / "tiny.yaml").write_text(EXPERIMENT.format(port=port))
    subprocess.run([*SNAKEMAKE, "--quiet", "all", "--", "maps_all"], cwd=folder, env=ENVIRONMENT, check=True)


def disturbed(round: Round, disturbances: Sequence[Callable[[Round], None]]) -> int:
    """Calls of snakemake with one disturbance each, and then until one ends well; returns how many that took."""
    for number in itertools.count(1):
        disturb = disturbances[number - 1] if number <= len(disturbances) else None
        round.server.start()
        if round.run(disturb) == 0 and disturb is None:
            return number
        if number > MOST_CALLS:
            raise RuntimeError(f"no call of {number} ended well; see {round.disk.parent / 'said.txt'}")
    raise AssertionError


def soak(folder: Path, rounds: int, seed: int, each: int) -> bool:
    """Whether every round came to what an undisturbed experiment comes to; a line of each is printed and kept."""
    server = Server(folder / "mlflow" / "undisturbed")
    prepare(folder / "prepared", server.port)
    try:
        server.start()
        whole = folder / "undisturbed"
        shutil.copytree(folder / "prepared", whole, symlinks=True)
        subprocess.run([*SNAKEMAKE, "--quiet", "all"], cwd=whole, env=ENVIRONMENT, check=True)
        expected = results(whole, server.uri)
        server.kill()
        print(f"undisturbed: {len(expected)} results", flush=True)
        table = ["| round | what was done | calls | results that differ |", "|---|---|---|---|"]
        are_equal = True
        for number in range(rounds):
            chance = random.Random(f"{seed} {number}")
            chosen = chance.sample(DISTURBANCES, each)
            server.folder = folder / "mlflow" / f"round{number}"
            with small_disk(folder / f"round{number}" / "disk") as disk:
                round = Round(disk, server, chance)
                print(f"round {number}: {', '.join(done.__name__ for done in chosen)}", flush=True)
                shutil.copytree(folder / "prepared", round.folder, symlinks=True)
                calls = disturbed(round, chosen)
                wrong = differing(expected, results(round.folder, server.uri))
                server.kill()
                (folder / f"round{number}" / "log.txt").write_text("\n".join(round.log) + "\n")
                if wrong:
                    shutil.copytree(round.folder, folder / f"round{number}" / "project", symlinks=True)
            are_equal &= not wrong
            names = ", ".join(done.__name__.replace("_", " ") for done in chosen)
            table.append(
                f"| {number} | {names} | {calls} | {', '.join(wrong) or f'none of {len(expected)}'} |"
            )
            print(table[-1], flush=True)
    finally:
        server.kill()
    (folder / "table.md").write_text("\n".join(table) + "\n")
    print("\n".join(table))
    return are_equal


def main(words: list[str] | None = None) -> int:
    """The command line; the exit status is 1 where a round came to something else."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of what is done, and when")
    parser.add_argument("--each", type=int, default=4, help="disturbances in a round")
    parser.add_argument("--folder", type=Path, help="for all of it; by default a new one for temporary files")
    options = parser.parse_args(words)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"all of it lies in {folder}", flush=True)
    return 0 if soak(folder.absolute(), options.rounds, options.seed, options.each) else 1


if __name__ == "__main__":
    sys.exit(main())
