"""A Slurm cluster of one node on loopback, whose daemons belong to a test and end with it."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun")
HERE = Path(__file__).parent
_SBIN = f"/usr/sbin{os.pathsep}{os.environ['PATH']}"


def missing() -> list[str]:
    """The programs of Slurm that are not installed here."""
    return [program for program in PROGRAMS if shutil.which(program, path=_SBIN) is None]


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """The environment in which Slurm's commands ask a cluster that is there while the block lasts."""
    # Not a folder of pytest's: those are closed to others, which munge refuses.
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        environment = _prepare(folder)
        try:
            _start(folder, environment)
            yield environment
        finally:
            _stop(folder, environment)


def _prepare(folder: Path) -> dict[str, str]:
    """Write the cluster's configuration; returns the environment in which commands find it."""
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    texts = {
        "FOLDER": str(folder),
        "USER": pwd.getpwuid(os.getuid()).pw_name,
        "CTLD_PORT": str(_free_port()),
        "SLURMD_PORT": str(_free_port()),
    }
    conf = (HERE / "slurm.conf").read_text()
    for name, text in texts.items():
        conf = conf.replace(f"@{name}@", text)
    (folder / "slurm.conf").write_text(conf)
    shutil.copy(HERE / "gres.conf", folder)
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(secrets.token_bytes(128))
    # The executor's plug-in removes every SLURM_ variable from a job's environment before it calls srun, also the one
    # that says where this cluster's configuration lies; a real cluster's lies in /etc.
    srun = folder / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF="{folder}/slurm.conf" exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    conf = {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{folder}/bin{os.pathsep}{_SBIN}"}
    return {**os.environ, **conf}


def _start(folder: Path, environment: dict[str, str]) -> None:
    munge = [f"--key-file={folder}/munge.key", f"--socket={folder}/munge.socket"]
    munge += [f"--{name}-file={folder}/munged.{name}" for name in ("pid", "log", "seed")]
    for words in (["munged", *munge], ["slurmctld"], ["slurmd"]):
        answer = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
        if answer.returncode:
            log = folder / f"{words[0]}.log"
            raise RuntimeError(f"{words[0]}: {answer.stderr}{log.read_text() if log.exists() else ''}")
    _wait_until_idle(environment)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait_until_idle(environment: dict[str, str], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = subprocess.run(["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True)
        if answer.stdout.split() and set(answer.stdout.split()) == {"idle"}:
            return
        time.sleep(0.2)
    raise RuntimeError(f"Slurm's node does not become idle: {answer.stdout}{answer.stderr}")


def _stop(folder: Path, environment: dict[str, str]) -> None:
    """Cancel what still runs, and end the three daemons by their own ids."""
    if (folder / "slurmctld.pid").exists():
        cancel = ["scancel", "--full", "--signal=KILL", f"--user={os.getuid()}"]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(cancel, env=environment, capture_output=True, timeout=20)
        time.sleep(1)
    for daemon in ("slurmd", "slurmctld", "munged"):
        with suppress(OSError, ValueError):
            pid = int((folder / f"{daemon}.pid").read_text())
            if Path(f"/proc/{pid}/comm").read_text().strip() == daemon:
                _end(pid)


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    for _ in range(100):
        time.sleep(0.1)
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        with suppress(OSError):  # ended, and waiting for a parent that does not ask
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
    os.kill(pid, signal.SIGKILL)
