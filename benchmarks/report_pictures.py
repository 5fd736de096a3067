"""docs/images/report.png and convergence.png: the first screen of a report, and curves of it, as the README shows them.

``python -m benchmarks.report_pictures reports/phantoms`` takes them from the report that ``make demo`` makes; it needs
Chromium.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
IMAGES = PROJECT / "docs" / "images"
WIDTH, HEIGHT = 1400, 900
CURVES = "amos_phantom_convergence_unet.png"


def first_screen(
    page: Path, picture: Path, width: int = WIDTH, height: int = HEIGHT, theme: str = "light"
) -> None:
    """Write what a browser's window of so many pixels shows of a page at first."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    if browser is None:
        raise SystemExit("report_pictures: needs Chromium")
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--virtual-time-budget=10000",
        ]
        window = [f"--window-size={width},{height}", f"--screenshot={picture}", f"--user-data-dir={profile}"]
        address = f"{page.resolve().as_uri()}#?theme={theme}"
        subprocess.run([browser, *options, *window, address], check=True, capture_output=True)


def main(report: Path) -> None:
    """Make both pictures anew."""
    first_screen(report / "index.html", IMAGES / "report.png")
    shutil.copyfile(report / "figures" / CURVES, IMAGES / "convergence.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
