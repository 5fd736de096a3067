"""``make lock``: every package that the tests need, with the checksum of its file, into requirements.lock.

What pip would install by constraints.txt is asked of pip itself. The files are those for this platform and this version
of Python, which are those of CI; elsewhere constraints.txt serves.
"""

import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def main() -> None:
    """Write requirements.lock."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        words += ["--constraint", "constraints.txt", "--report", str(report), ".[dev]"]
        subprocess.run(words, cwd=PROJECT, check=True)
        found = json.loads(report.read_text())["install"]
    lines = [
        f"# Made by make lock, for Python {platform.python_version_tuple()[0]}.{platform.python_version_tuple()[1]} on "
        f"{sys.platform} {platform.machine()}. Where torch is +cpu, its file is of PyTorch's own index.",
    ]
    for package in sorted(found, key=lambda package: str(package["metadata"]["name"]).lower()):
        archive = package["download_info"].get("archive_info")
        if archive is None:  # this package itself
            continue
        name, version = package["metadata"]["name"], package["metadata"]["version"]
        lines.append(f"{name}=={version} --hash=sha256:{archive['hashes']['sha256']}")
    (PROJECT / "requirements.lock").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
