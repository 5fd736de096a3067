"""Whoever reads by ear, by keyboard, on a phone or in the dark meets no obstacle that axe knows of."""

import html
import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import fabricated
import pytest

from seglossbench.reporting import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
AXE = find_spec("axe_core_python")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(AXE is None, reason="no axe-core-python in this environment"),
]
ASK = """addEventListener("load", () => {
  document.querySelectorAll("details").forEach(part => { part.open = true; });
  axe.run(document, {resultTypes: ["violations"]}).then(result => {
    const found = document.createElement("pre");
    found.id = "found";
    found.textContent = JSON.stringify(result.violations.map(one => [one.id, one.nodes.map(node => node.html)]));
    document.body.append(found);
  });
});"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accessible")
    return write_report(folder, fabricated.scores(), fabricated.histories(), fabricated.facts())


def violations(page, profile, width, theme):
    """What axe finds in a copy of the page into which it is put, where the page's policy does not keep it out."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    text = text.replace('<html lang="en">', f'<html lang="en" data-theme="{theme}">')
    axe = (
        (Path(AXE.origin).parent / "axe.min.js")
        .read_text(encoding="utf-8")
        .replace("</script>", "<\\/script>")
    )
    text = text.replace("</body>", f"<script>{axe}</script><script>{ASK}</script></body>")
    copy = page.with_name(f"axe-{width}-{theme}.html")
    copy.write_text(text, encoding="utf-8")
    answer = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=300000",
            f"--window-size={width},900", f"--user-data-dir={profile}", "--dump-dom", copy.as_uri(),
        ],
        capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    return json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', answer.stdout, re.DOTALL)[1]))


@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (1400, "dark"), (390, "light")])
def test_axe_finds_nothing(page, tmp_path, width, theme):
    assert violations(page, tmp_path, width, theme) == []


def test_axe_is_asked(page, tmp_path):
    broken = page.with_name("broken.html")
    broken.write_text(page.read_text(encoding="utf-8").replace("<main id", '<img src="x.png"><main id', 1))
    assert [name for name, _ in violations(broken, tmp_path, 1400, "light")] == ["image-alt", "region"]
