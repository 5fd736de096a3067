"""``make soak``: the tiny experiment, disturbed at random in many ways, ends as one that nobody disturbed, bit for bit.

A round is calls of snakemake of which each but the last ones has something done to it. Its log says what and when.
"""

import argparse
import itertools
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.results import differing, results

PROJECT = Path(__file__).parents[1]
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
CALL_SECONDS = 600
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "experiment=tiny"]
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), os.environ.get("PYTHONPATH", "")]),
    # A server that is away is told of within seconds.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}


class Server:
    """An MLflow server on this machine, whose store outlives it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self.process is not None:
            return
        words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/store.db"]
        words += ["--artifacts-destination", str(self.folder / "artifacts")]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder, env=ENVIRONMENT)
        for _ in range(600):
            with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                return
            time.sleep(0.2)
        raise RuntimeError(f"the MLflow server does not answer; {self.folder}/server.log says why")

    def kill(self) -> None:
        """Let it die at once."""
        if self.process is not None:
            kill(psutil.Process(self.process.pid).children(recursive=True))
            self.process.kill()
            self.process.wait()
            self.process = None


class Round:
    """A project on a small disk of its own, and the calls of snakemake in it."""

    def __init__(self, disk: Path, server: Server, chance: random.Random) -> None:
        self.disk, self.server, self.chance = disk, server, chance
        self.folder = disk / "project"
        self.log: list[str] = []
        self.began = time.monotonic()
        self.call: subprocess.Popen[bytes] | None = None

    def say(self, line: str) -> None:
        """Note what is done and when."""
        self.log.append(f"{time.monotonic() - self.began:6.1f} s  {line}")
        print("  ", self.log[-1], flush=True)

    def snakemake(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a call, whose output lies beside the project."""
        with (self.disk.parent / "said.txt").open("ab") as said:
            return subprocess.Popen(
                [*SNAKEMAKE, *words], cwd=self.folder, env=ENVIRONMENT, stdout=said, stderr=said
            )

    def run(self, disturb: Callable[["Round"], None] | None = None) -> int:
        """A whole call, disturbed some seconds after its first job has started; returns its exit status."""
        self.snakemake("--unlock").wait(CALL_SECONDS)
        self.call = self.snakemake()
        if disturb is not None:
            while self.call.poll() is None and not self.jobs():
                time.sleep(0.1)
            with suppress(subprocess.TimeoutExpired):
                self.call.wait(self.chance.uniform(0, 10))
            disturb(self)
        status = self.call.wait(CALL_SECONDS)
        (self.disk / "filler").unlink(missing_ok=True)
        self.say(f"the call ended with {status}")
        return status

    def jobs(self) -> list[psutil.Process]:
        """The programs that the call has started and that still run."""
        assert self.call is not None
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.call.pid).children(recursive=True)
            return [process for process in found if "seglossbench" in words_of(process)]
        return []


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process, or nothing where it has ended."""
    try:
        return [str(word) for word in process.cmdline()]
    except psutil.Error:
        return []


def kill(processes: list[psutil.Process]) -> None:
    """SIGKILL to each that still runs."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill_a_job(round: Round) -> None:
    """SIGKILL of a job, with all that it started."""
    jobs = round.jobs()
    if not jobs:
        round.say("SIGKILL of a job: none ran")
        return
    job = round.chance.choice(sorted(jobs, key=lambda process: process.pid))
    words = words_of(job)
    kill([*job.children(recursive=True), job])
    round.say(f"SIGKILL of a job: {' '.join(words[-3:])[-80:]}")


def kill_snakemake(round: Round) -> None:
    """SIGKILL of snakemake alone, whose jobs go on beside the next call."""
    assert round.call is not None
    count = len(round.jobs())
    round.call.kill()
    round.say(f"SIGKILL of snakemake, whose {count} jobs go on")


def kill_all(round: Round) -> None:
    """SIGKILL of snakemake and all its jobs at once, as when the power fails."""
    assert round.call is not None
    with suppress(psutil.NoSuchProcess):
        processes = psutil.Process(round.call.pid).children(recursive=True)
        round.call.kill()
        kill(processes)
    round.say("SIGKILL of snakemake and all its jobs")


def kill_the_server(round: Round) -> None:
    """SIGKILL of the tracking server, which stays away for the rest of the call."""
    round.server.kill()
    round.say("SIGKILL of the tracking server")


def fill_the_disk(round: Round) -> None:
    """Not a byte is left on the disk for the rest of the call."""
    with (round.disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"0" * 4096):
            pass
    round.say("the disk is full")


def call_twice(round: Round) -> None:
    """A second call while the first runs."""
    status = round.snakemake().wait(CALL_SECONDS)
    round.say(f"a second call at the same time: it ended with {status}")


def move(round: Round) -> None:
    """Another name for the project's folder, after the call was stopped by SIGINT as Ctrl-C does."""
    assert round.call is not None
    processes = round.jobs()
    with suppress(ProcessLookupError):
        round.call.send_signal(2)
    round.call.wait(CALL_SECONDS)
    kill(processes)
    round.folder = round.folder.rename(round.folder.with_name(f"moved{len(round.log)}"))
    round.say(f"the project moved to {round.folder.name}")


DISTURBANCES = (kill_a_job, kill_snakemake, kill_all, kill_the_server, fill_the_disk, call_twice, move)


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
