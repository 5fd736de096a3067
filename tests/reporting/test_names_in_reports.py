"""Names that users give come out of every table, figure and page of a report as they went in."""

import base64
import csv
import hashlib
import io
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from seglossbench.drawing.names import Stems, csv_of_texts, csv_text, guarded, isolated, labels_of, slug
from seglossbench.reporting import Facts, write_report
from seglossbench.vocabulary.tables import MEAN
from tests.odd_names import ODD_NAMES

COLUMNS = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
MANY_CLASSES, MANY_LOSSES = "../../x", "كبد"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A dataset with a class of each name, and one with a loss of each name."""
    rows = [
        (MANY_CLASSES, "$x$", "ce", "0", case, name, "DSC", 0.5)
        for name in ODD_NAMES
        for case in ("=1+1", "b")
    ]
    rows += [
        (MANY_LOSSES, "<b>u</b>", name, "0", case, "1", "DSC", 0.5) for name in ODD_NAMES for case in "ab"
    ]
    out = tmp_path_factory.mktemp("odd")
    write_report(
        out, pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(), Facts("</title><script>x</script>")
    )
    return out


class Texts(HTMLParser):
    """The texts of a page between its tags, and its tags."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(text)

    def handle_data(self, text):
        self.texts.append(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)


def test_the_page_shows_every_name_and_runs_none(report):
    text = (report / "index.html").read_text(encoding="utf-8")
    page = Texts(text)
    assert set(ODD_NAMES) <= set(page.texts)
    assert page.tags.count("script") == 1
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in text, "the browser runs this script and no other"


def test_csv_has_every_name_once_and_no_formula(report):
    (of_losses,) = (report / "tables").glob(f"{MANY_LOSSES}*_DSC.csv")
    losses = [row[1] for row in csv.reader(io.StringIO(of_losses.read_text(encoding="utf-8")))][1:]
    assert [name.removeprefix("'") if name.startswith("'") else name for name in losses] == list(ODD_NAMES)
    summary = pd.read_csv(report / "tables" / "summary.csv", dtype=str, keep_default_na=False)
    assert not summary.map(lambda text: text.startswith(("=", "@", "+", "-"))).any(axis=None)
    classes = summary.loc[(summary["network"] == "$x$") & (summary["class"] != MEAN), "class"]
    assert classes.tolist() == [guarded(name) for name in ODD_NAMES]


def test_files_lie_in_the_report_and_none_is_written_twice(report):
    names = [path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file()]
    listed = (report / "tables" / "files.txt").read_text(encoding="utf-8").split("\n")
    assert sorted(names) == sorted([*listed, "tables/files.txt"])
    assert {path.name for path in report.iterdir()} == {"index.html", "tables", "figures"}


def test_file_names_are_short_plain_and_different():
    stems = Stems()
    names = [stems.new("d", name) for name in ODD_NAMES]
    assert len({name.casefold() for name in names}) == len(ODD_NAMES)
    assert max(len(name.encode()) for name in names) < 120
    assert not {sign for name in names for sign in name} & set('/\\ %#?*:"<>|$&{}~^')
    assert [slug(name) for name in ("NSD@1mm", "../etc", "-", "a b", "..", "a/../b")] == [
        "NSD-1mm", "etc", "scores", "a-b", "scores", "a.b",
    ]  # fmt: skip


def test_labels_in_figures_are_short_drawable_and_different():
    labels = labels_of(ODD_NAMES)
    assert len(set(labels.values())) == len(ODD_NAMES)
    assert max(map(len, labels.values())) < 40
    assert labels["$x$"] == "$x$"
    assert labels["🫀"] == "[U+1FAC0]"


def test_a_name_that_begins_like_a_formula_gets_an_apostrophe_and_numbers_do_not():
    assert [guarded(name) for name in ("=1+1", "@x", "-rf", "'q'", "-", "a=b", "1")] == [
        "'=1+1", "'@x", "'-rf", "''q'", "-", "a=b", "1",
    ]  # fmt: skip
    assert len({guarded(name) for name in ODD_NAMES}) == len(ODD_NAMES)
    assert csv_text(pd.DataFrame({"=a": ["=b"], "x": [-0.5]}), ["=a"]) == "'=a,x\n'=b,-0.5\n"


def test_a_table_of_texts_is_written_as_any_table_is():
    names = ["a,b", 'say "x"', "two\nlines", "=1+1", "", "plain", "naïve", "plain"]
    table = pd.DataFrame({"=case": names, "value": ["0.5", "", "1,5", "-1", "2", "3", "4", "5"]}, dtype=str)
    assert csv_of_texts(table, ["=case"]) == csv_text(table, ["=case"])
    assert csv_of_texts(table[:0], ["=case"]) == csv_text(table[:0], ["=case"])


def test_a_name_from_the_right_turns_no_sentence_around():
    assert isolated("liver") == "liver"
    for name in ("كبد", "\u202ekcab"):
        assert isolated(name) == f"\u2068{name}\u2069"
