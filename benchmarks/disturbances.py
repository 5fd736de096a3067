"""What the soak does to an experiment: a server and a project that can be disturbed, and the ways in which they are."""

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

PROJECT = Path(__file__).parents[1]
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
