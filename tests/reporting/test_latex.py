"""Tables for papers, and what pdfLaTeX says of them."""

import re
import shutil
import subprocess

import fabricated
import pandas as pd
import pytest

from seglossbench.reporting.latex import PREAMBLE, longtable, to_latex
from seglossbench.reporting.tables import build_table
from seglossbench.statistics.means import fold_status
from seglossbench.vocabulary.metrics import metric_of
from tests.analysis.made_scores import summaries
from tests.odd_names import ODD_NAMES

COLUMNS = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
NETWORKS = ("unet", "attention_unet", "vnet", "dynunet", "segresnet", "unetr", "swin_unetr")
LOSSES = (
    "ce",
    "focal",
    "dice_pooled",
    "ce_dice_pooled",
    "generalised_dice",
    "distmap_dice",
    "cwcd",
    "cwcd_printed",
)
CLASSES = fabricated.ORGANS[:15]


def table_of(scores, losses, networks, classes):
    pairs = [(network, loss) for network in networks for loss in losses]
    return build_table(scores, summaries(scores), "amos_22", metric_of("DSC"), pairs, classes)


@pytest.fixture(scope="module")
def large():
    """56 rows and 15 classes, as in experiments/contour_weighted.yaml."""
    rows = fabricated.scores_of("amos_22", CLASSES, LOSSES, NETWORKS, ("0", "1"), ("a", "b"))
    return table_of(fold_status(pd.DataFrame(rows, columns=COLUMNS, dtype=str)), LOSSES, NETWORKS, CLASSES)


@pytest.fixture(scope="module")
def odd():
    """Every odd name as a class and as a loss."""
    rows = [("amos_22", "n", "ce", "0", "a", name, "DSC", "0.5") for name in ODD_NAMES]
    rows += [("amos_22", "n", name, "0", "a", "1", "DSC", "0.5") for name in ODD_NAMES]
    scores = fold_status(pd.DataFrame(rows, columns=COLUMNS, dtype=str))
    return table_of(scores, ("ce", *ODD_NAMES), ["n"], ODD_NAMES)


def said(text, folder):
    """What pdfLaTeX complains of."""
    (folder / "table.tex").write_text(text, encoding="utf-8")
    head = rf"\documentclass{{article}}{PREAMBLE}\usepackage{{longtable}}\extrafloats{{100}}"
    (folder / "paper.tex").write_text(rf"{head}\begin{{document}}\input{{table}}\end{{document}}")
    command = ["pdflatex", "-interaction=nonstopmode", "paper.tex"]
    log = subprocess.run(command, cwd=folder, capture_output=True, timeout=100).stdout.decode(
        errors="replace"
    )
    assert "Output written on paper.pdf" in log, log[-2000:]
    return re.findall(r"^(?:!|Overfull|LaTeX Warning: Float too large).*", log, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdfLaTeX on this machine")
@pytest.mark.parametrize("name", ["large", "odd"])
def test_a_table_compiles_and_each_part_fits_its_page(name, request, tmp_path):
    assert said(to_latex(request.getfixturevalue(name)), tmp_path) == []


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdfLaTeX on this machine")
def test_a_table_at_a_glance_compiles_whatever_the_names(tmp_path):
    rows = [["d", "n", name, "0.5", "0.4 to 0.6", "1 (1 to 3)"] for name in ODD_NAMES]
    head = ["dataset", "network", "loss", "DSC", "95 % interval", "rank"]
    bold = [place % 2 == 0 for place in range(len(rows))]
    assert said(longtable("DSC ↑: mean.", "glance", head, rows, bold), tmp_path) == []


def test_a_table_longer_than_a_page_has_a_float_per_network_with_the_mean_first(large):
    floats = to_latex(large).split(r"\begin{table}")[1:]
    assert len(floats) == len(NETWORKS)
    for network, text in zip(NETWORKS, floats, strict=True):
        assert network.replace("_", r"\_") in text.partition(r"\label")[0]
        first_header = text.partition(r"\toprule")[2].split("\n")[1]
        assert first_header.startswith("loss & mean & spleen")
        headers = [lines.split("\n")[1] for lines in text.split(r"\toprule")[1:]]
        shown = [cell for line in headers for cell in line.removesuffix(r" \\").split(" & ")[1:]]
        assert shown == ["mean", *CLASSES]
        assert r"\footnotesize" in text
        assert "resizebox" not in text


def test_a_small_table_is_one_float(large):
    rows = fabricated.scores_of("amos_22", CLASSES[:2], LOSSES[:4], NETWORKS[:2], ("0", "1"), ("a", "b"))
    scores = fold_status(pd.DataFrame(rows, columns=COLUMNS, dtype=str))
    text = to_latex(table_of(scores, LOSSES[:4], NETWORKS[:2], CLASSES[:2]))
    assert text.count(r"\begin{table}") == text.count(r"\begin{tabular}") == 1
    assert "continued" not in text


def test_letters_that_the_fonts_lack_are_code_points_and_dashes_stay_apart(odd):
    text = to_latex(odd)
    assert r"\csname u8:\detokenize{肝}\endcsname{U+809D}" in text
    assert "-{}-help" in text
