"""The report as a browser lays it out, on a desk and on a phone."""

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading

import fabricated
import pytest

from seglossbench.reporting import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=10000",
]  # fmt: skip
PROBE = """<iframe id=frame src=index.html width={width} height=900></iframe><pre id=found></pre><script>
frame.onload = () => {{
  const page = frame.contentDocument;
  const images = [...page.images];
  found.textContent = JSON.stringify({{
    width: page.scrollingElement.scrollWidth,
    broken: images.filter(image => !image.naturalWidth).map(image => image.getAttribute("src")),
    images: images.length,
    outside: [...page.querySelectorAll("h1, h2, h3, p, li")]
      .filter(part => part.getBoundingClientRect().right > {width}).map(part => part.textContent),
  }});
}};
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    write_report(folder, fabricated.scores(), fabricated.histories(), fabricated.facts())
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, server.server_port
        server.shutdown()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [360, 1300])
def test_the_page_fits_its_window_and_shows_every_picture(served, tmp_path, width):
    folder, port = served
    (folder / f"probe{width}.html").write_text(PROBE.format(width=width))
    answer = subprocess.run(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path}", "--dump-dom", f"http://127.0.0.1:{port}/probe{width}.html"],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    found = json.loads(re.search(r"<pre id=\"found\">(.+?)</pre>", answer.stdout, re.DOTALL)[1])
    assert found["width"] <= width, "wide tables and figures scroll by themselves"
    assert found["outside"] == []
    assert found["broken"] == []
    assert found["images"] >= 6
