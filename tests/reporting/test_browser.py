"""The report as a browser lays it out, on a desk and on a phone."""

import functools
import html
import http.server
import json
import re
import shutil
import subprocess
import threading

import fabricated
import pytest

from seglossbench.reporting import write_report
from seglossbench.reporting.parts import runs

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


SCROLLED = """<iframe id=frame src=index.html width={width} height=900></iframe><pre id=found></pre><script>
frame.onload = () => {{
  const page = frame.contentDocument;
  const box = page.querySelector("table.networks").closest(".wide");
  box.style.maxHeight = "300px";
  box.scrollIntoView();
  box.scrollLeft = 333;
  box.scrollTop = 150;
  const edge = box.getBoundingClientRect();
  const place = part => part.getBoundingClientRect();
  const row = [...box.querySelectorAll("tbody tr")].find(row => place(row).top > edge.top + 120);
  const loss = row.querySelector(".loss"), network = row.closest("tbody").querySelector(".network");
  const on_top = part => {{
    const at = place(part), found = page.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2);
    return part.contains(found);
  }};
  found.textContent = JSON.stringify({{
    scrolled: [box.scrollLeft, box.scrollTop],
    header: place(box.querySelector("thead")).top - edge.top,
    network: place(network).left - edge.left,
    loss: place(loss).left - place(network).right,
    mean: place(row.querySelector(".mean")).left - place(loss).right,
    on_top: [loss, network.querySelector("span"), ...box.querySelectorAll("thead .name")].map(on_top),
  }});
}};
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_PAGE", 20)
        write_report(folder, fabricated.scores(), fabricated.histories(), fabricated.facts())
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, server.server_port
        server.shutdown()


def asked(served, profile, name, probe):
    """What a page of ours finds out about the report, which it shows in a frame."""
    folder, port = served
    (folder / name).write_text(probe)
    answer = subprocess.run(
        [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", f"http://127.0.0.1:{port}/{name}"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return json.loads(re.search(r"<pre id=\"found\">(.+?)</pre>", answer.stdout, re.DOTALL)[1])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [360, 1300])
def test_names_network_and_header_stay_in_place_where_a_table_is_scrolled(served, tmp_path, width):
    found = asked(served, tmp_path, f"scrolled{width}.html", SCROLLED.format(width=width))
    assert found["scrolled"] == [333, 150]
    assert max(abs(found["header"]), abs(found["network"])) < 2
    assert abs(found["loss"]) < 1, "the columns of names touch and do not overlap"
    if width > 640:
        assert abs(found["mean"]) < 1
    assert all(found["on_top"])


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [360, 1300])
def test_the_page_fits_its_window_and_shows_every_picture(served, tmp_path, width):
    found = asked(served, tmp_path, f"probe{width}.html", PROBE.format(width=width))
    assert found["width"] <= width, "wide tables and figures scroll by themselves"
    assert found["outside"] == []
    assert found["broken"] == []
    assert found["images"] >= 6


USED = """<iframe id=frame src="index.html#glance?metric=HD95&off=rrw" width=1300 height=900></iframe>
<pre id=found></pre><script>
frame.onload = () => {{
  const page = frame.contentDocument, seen = part => part.getClientRects().length > 0;
  const glance = name => seen(page.querySelector(`[data-metric="${{name}}"].wide`));
  const rrw = () => [...page.querySelectorAll(".glance tr[data-loss=rrw]")].some(seen);
  const restored = {{HD95: glance("HD95"), DSC: glance("DSC"), rrw: rrw()}};
  page.querySelector('[data-toggle=rrw]').click();
  const select = page.querySelector("select[data-key=metric]");
  select.value = "DSC";
  select.dispatchEvent(new Event("change"));
  const toggled = {{DSC: glance("DSC"), rrw: rrw()}};
  const table = [...page.querySelectorAll("table.classes")].find(seen), head = table.querySelector("[data-sort]");
  const names = () => [...table.tBodies[0].rows].map(row => row.cells[0].textContent);
  head.click();
  const up = names();
  head.click();
  const down = names();
  const filter = page.querySelector("[data-filter=classes]");
  filter.value = "kidney";
  filter.dispatchEvent(new Event("input"));
  const kept = [...table.tBodies[0].rows].filter(seen).map(row => row.cells[0].textContent).sort();
  const base = page.querySelector("select[data-key=base]");
  base.value = "cwcd";
  base.dispatchEvent(new Event("change"));
  const bases = [...new Set([...page.querySelectorAll(".forest tbody")].filter(seen).map(group => group.dataset.base))];
  const curves = [...page.querySelectorAll(".curves")].find(seen);
  curves.dispatchEvent(new KeyboardEvent("keydown", {{key: "ArrowRight"}}));
  const read = curves.closest("figure").querySelector(".reading").textContent;
  const box = curves.getBoundingClientRect();
  curves.dispatchEvent(new PointerEvent("pointermove", {{clientX: box.left + box.width / 2, clientY: box.top + 9}}));
  const pointed = curves.closest("figure").querySelector(".reading").textContent;
  page.querySelector('[data-toggle=rrw]').click();
  page.querySelectorAll("details").forEach(part => {{ part.open = true; }});
  const left = [...page.querySelectorAll("main [data-loss=rrw]")].filter(seen).length;
  page.querySelector('[data-toggle=rrw]').click();
  const back = [...page.querySelectorAll("main [data-loss=rrw]")].filter(seen).length;
  page.querySelector("[data-theme-switch]").click();
  found.textContent = JSON.stringify({{
    restored, toggled, up, down, kept, bases, read, pointed, left, back, hash: frame.contentWindow.location.hash,
    theme: page.documentElement.dataset.theme,
  }});
}};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_page_hides_sorts_filters_reads_and_remembers(served, tmp_path):
    found = asked(served, tmp_path, "used.html", USED.format())
    assert found["restored"] == {"HD95": True, "DSC": False, "rrw": False}, "a link keeps the view"
    assert found["toggled"] == {"DSC": True, "rrw": True}
    assert found["up"][0] == found["down"][0] == "mean of 16 classes", "the mean stays first"
    assert found["up"][1:] == sorted(found["up"][1:])
    assert found["down"][1:] == found["up"][:0:-1]
    assert found["kept"] == ["left kidney", "mean of 16 classes", "right kidney"]
    assert found["bases"] == ["cwcd"]
    assert found["read"].startswith("at 1: ")
    assert "rrw_ce 0" in found["read"]
    assert "(seed 0: " in found["read"], "of two runs each is named"
    assert re.match(r"at 1[0-9]: .*rrw_ce 0\.[4-8]", found["pointed"])
    assert found["left"] == 0, "a click on a loss hides it everywhere"
    assert found["back"] > 20
    assert found["theme"] == "dark"
    assert html.unescape(found["hash"]) == "#glance?base=cwcd&theme=dark"


POINTED = """<iframe id=frame src=index.html width=1300 height=900></iframe><pre id=found></pre><script>
frame.onload = async () => {
  const page = frame.contentDocument, seen = part => part.getClientRects().length > 0;
  const settled = () => new Promise(done => setTimeout(done, 300));
  const runs = () => [[...page.querySelectorAll(".runs tbody tr")].filter(seen).length,
    page.querySelector(".turns [role=status]").textContent];
  const first = runs(), next = page.querySelectorAll(".turns button")[1];
  next.click();
  await settled();
  const second = runs(), over = next.disabled;
  const filter = page.querySelector("[data-filter=runs]");
  filter.value = "brats20";
  filter.dispatchEvent(new Event("input"));
  await settled();
  const kept = [...runs(), page.querySelector("[data-count=runs]").textContent];
  const tip = page.querySelector(".tip"), table = [...page.querySelectorAll(".glance")].find(seen);
  const [one, other] = [...table.querySelectorAll("tr[data-loss] [data-tell]")].filter(seen);
  const faint = () => [...page.querySelectorAll(".faint")].map(line => line.dataset.loss);
  one.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
  const pointed = tip.textContent, left = new Set(faint()), loss = one.closest("[data-loss]").dataset.loss;
  page.body.dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
  const gone = [tip.textContent, faint().length];
  const tabbed = [...table.querySelectorAll("[tabindex='0']")];
  tabbed[0].focus();
  tabbed[0].dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
  const moved = page.activeElement === other, told = tip.textContent;
  other.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true}));
  const down = page.activeElement.cellIndex === other.cellIndex && page.activeElement !== other;
  page.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
  found.textContent = JSON.stringify({
    first, second, over, kept, pointed, gone, moved, told, down, tabbed: tabbed.length, escaped: tip.textContent,
    own: left.has(loss), others: left.size, said: other.dataset.tell,
  });
};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_runs_turn_pages_and_cells_say_more_where_they_are_pointed_at(served, tmp_path):
    found = asked(served, tmp_path, "pointed.html", POINTED)
    assert found["first"] == [20, "rows 1 to 20 of 33"]
    assert found["second"] == [13, "rows 21 to 33 of 33"]
    assert found["over"], "there is no page after the last one"
    assert found["kept"] == [5, "rows 1 to 5 of 5", "5 of 33"], "rows of every page are filtered"
    assert re.match(r"2 seeds: 0\.\d{3}, 0\.\d{3}, sd 0\.\d{3}; 4 cases, sd ", found["pointed"])
    assert not found["own"], "the loss that is pointed at stands out"
    assert found["others"] >= 6
    assert found["gone"] == ["", 0]
    assert found["tabbed"] == 1
    assert found["moved"]
    assert found["down"]
    assert found["told"] == found["said"]
    assert found["escaped"] == ""


UNSCRIPTED = """<iframe id=frame sandbox="allow-same-origin" src=index.html width=1300 height=900></iframe>
<pre id=found></pre><script>
frame.onload = () => {
  const page = frame.contentDocument, seen = part => part.getClientRects().length > 0;
  const some = query => [...page.querySelectorAll(query)].filter(seen).length;
  found.textContent = JSON.stringify({
    metrics: [...page.querySelectorAll(".glance")].filter(seen).map(one => one.closest("[data-metric]").dataset.metric),
    curves: some(".curves"), answers: some(".answers > li"), runs: some(".runs tbody tr"),
    controls: some(".control, .bar"),
    bases: [...new Set([...page.querySelectorAll(".forest tbody")].filter(seen).map(group => group.dataset.base))],
  });
};
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_without_script_everything_is_there_but_for_the_choices(served, tmp_path):
    found = asked(served, tmp_path, "unscripted.html", UNSCRIPTED)
    assert found["metrics"] == ["DSC", "HD95"]
    assert found["curves"] > 6, "validation and training losses"
    assert found["answers"] >= 2
    assert found["runs"] == 20, "the first page, and the table beside the page has all"
    assert found["controls"] == 0
    assert found["bases"] == ["ce"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_the_browser_has_nothing_to_complain_of(served, tmp_path):
    folder, _ = served
    options = [*OPTIONS, f"--user-data-dir={tmp_path}", "--enable-logging=stderr", "--dump-dom"]
    answer = subprocess.run(
        [CHROMIUM, *options, (folder / "index.html").as_uri()], capture_output=True, text=True, timeout=120
    )
    assert "CONSOLE" not in answer.stderr, answer.stderr
    assert "aria-sort" in answer.stdout
