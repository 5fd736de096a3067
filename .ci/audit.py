"""``make audit``: known vulnerabilities of the locked packages, by pip-audit; the exit status is 1 where there are any.

Where the database cannot be reached, nothing was checked: that is said in one line, and is no finding.
"""

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]
AUDIT = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--progress-spinner", "off"]


def main() -> int:
    """Ask, and tell what was found."""
    words = [
        *AUDIT,
        "--disable-pip",
        "--require-hashes",
        "--requirement",
        "requirements.lock",
        "--format",
        "json",
    ]
    answer = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True)
    try:
        packages = json.loads(answer.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError, TypeError):
        reason = (answer.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"nothing was checked, as pip-audit's database gave no answer: {reason}")
        return 0
    findings = [(package, found) for package in packages for found in package.get("vulns", ())]
    for package, found in findings:
        mended = ", ".join(found["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {found['id']}, mended in {mended}")
    print(f"{len(packages)} packages, {len(findings)} known vulnerabilities")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
