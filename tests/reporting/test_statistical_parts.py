"""Ranks, gains, cases, conventions and dials on the page: what is drawn is what the tables say."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

from seglossbench.analysis.dials import COLUMNS as DIALS
from seglossbench.analysis.files import read_analysis, write_table
from seglossbench.analysis.whole import Options, analyse
from seglossbench.reporting import Facts, write_report
from tests.conftest import PROJECT

NAMES = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
CITATION = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
GAINS = {"ce": 0.0, "dice": 0.1, "<i>mine": 0.3}
SIZES = {"liver": 1e6, "spleen": 1e4, "stone": 1e2}


def scores():
    random = np.random.default_rng(0)
    rows = [
        (
            "d",
            "u",
            loss,
            str(seed),
            f"c{case}",
            name,
            "DSC",
            0.3 + 0.02 * case + gain + random.normal(0, 0.01),
        )
        for loss, gain in GAINS.items()
        for seed in range(3)
        for case in range(6)
        for name in SIZES
    ]
    rows.append(("d", "u", "ce", "0", "c0", "gap", "status", "prediction_empty"))
    rows += [("d", "u", loss, str(seed), "c0", "gap", "DSC", 0.0) for loss in GAINS for seed in range(3)]
    return pd.DataFrame(rows, columns=NAMES).astype(str)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    sizes = {("d", name): size for name, size in SIZES.items()}
    sites = {("d", f"c{case}"): "north" if case < 4 else "<south>" for case in range(6)}
    tables = analyse(scores(), Options(sizes=sizes, baseline="ce", columns={"site": sites}))
    given = [
        ("disc_share", share, f"d{share}", "u", quantity, loss, "ce" if quantity == "gain" else "", value, 0.0, 0.4, 3)
        for share in (0.3, 0.1, 0.001)
        for loss in ("dice", "<i>mine")
        for quantity, value in (("mean", 0.6), ("gain", 0.1), ("seed_sd", 0.02))
    ]  # fmt: skip
    named = [
        "dial",
        "value",
        "dataset",
        "network",
        "quantity",
        "loss",
        "baseline",
        "estimate",
        "lo",
        "hi",
        "seeds",
    ]
    tables["dials"] = pd.DataFrame(given, columns=named).assign(form="").reindex(columns=DIALS)
    out = write_report(
        folder,
        scores(),
        pd.DataFrame(),
        Facts("x"),
        tables=tables,
        provenance={
            "baseline": "ce",
            "decides": "DSC",
            "by": {"commit": "1234abc"},
            "datasets": {"d": {"licence": "MIT", "citation": "Somebody, Things, 2020"}},
        },
    )
    return folder, out.read_text(encoding="utf-8")


def part(page, anchor):
    text = page[1]
    start = text.index(f'<h2 id="{anchor}"')
    return text[start : text.index("</section>", start)]


def test_ranks_are_those_of_the_tables_in_their_order(page):
    shown = part(page, "ranks")
    order = re.findall(r'<tr data-loss="([^"]+)"', shown)
    assert order == ["&lt;i&gt;mine", "dice", "ce"]
    assert shown.count("100 %") == 3, "so far apart that no redraw changes a place"


def test_gains_are_drawn_at_the_size_of_their_class(page):
    shown = part(page, "gains")
    table = pd.read_csv(page[0] / "tables/gain_by_size.csv")
    assert set(table["x"]) == set(SIZES.values())
    assert set(table["loss"]) == {"dice", "<i>mine"}
    mine = table[(table["loss"] == "<i>mine") & (table["class"] == "liver")]
    assert float(mine["y"].iloc[0]) == pytest.approx(0.3, abs=0.02), "turned to be above the baseline"
    assert re.search(r"dice, liver: 0\.\d+ \[", shown)
    assert "Cost against gain" not in shown, "of nobody's scores are times known"


def test_groups_of_cases_have_means_and_what_papers_print(page):
    shown = part(page, "groups")
    assert re.findall(r"<bdi>([^<]+)</bdi><small>(\d) cases", shown) == [
        ("north", "4"),
        ("&lt;south&gt;", "2"),
    ]
    row = re.search(r'<tr data-loss="dice">.*?</tr>', shown, re.S)[0]
    found = re.findall(r'class="num"[^>]*>([\d.]+)( \*)?<small>([\d.]+) ± ([\d.]+)</small>', row)
    values = (
        scores().query("loss == 'dice' and metric == 'DSC' and case in ('c4', 'c5')").astype({"value": float})
    )
    by_case = values.groupby(["case", "seed"])["value"].mean()
    (_, star, _, _), south = found
    assert star == " *", "dice is told from ce"
    assert south[0] == south[2] == f"{by_case.mean():.3f}"
    assert south[3] == f"{by_case.std(ddof=1):.3f}"


def test_papers_datasets_and_software_are_there_to_be_cited(page):
    shown = part(page, "cite")
    assert "<bdi>d</bdi></b>: Somebody, Things, 2020" in shown
    assert f"title = {{{CITATION['title']}}}" in shown
    assert f"version = {{{CITATION['version']}}},\n  note = {{commit 1234abc}}" in shown


def test_cases_on_which_losses_differ_most_come_first(page):
    shown = part(page, "cases")
    table = pd.read_csv(page[0] / "tables/by_case.csv")
    by_case = table.groupby("case")["value"]
    widest = (by_case.max() - by_case.min()).idxmax()
    assert re.search(r'class="label">([^<]+)<', shown)[1] == widest
    assert shown.count("<title>") == 6 * 3


def test_conventions_stand_beside_what_was_analysed(page):
    shown = part(page, "sensitivity")
    assert shown.index("as analysed") < shown.index("empty masks:")


def test_dials_are_drawn_with_their_dose_and_told_effects(page):
    shown = part(page, "dials")
    assert "Share of the pixels that the target has" in shown
    assert "DSC over ce" in shown
    assert "sd of DSC over seeds" in shown


def test_every_figure_has_its_files_for_papers_and_its_data(page):
    folder, text = page
    for address in ("gain_by_size", "ranks/d_u", "case_by_case/d_u", "sensitivity_means", "dial-disc_share"):
        for file in (f"figures/{address}.png", f"figures/{address}.pdf", f"tables/{address}.csv"):
            assert (folder / file).stat().st_size > 100, file
            assert f'href="{file}"' in text
    assert "<i>mine" not in text


def test_dials_are_read_from_their_file_as_they_were_written(tmp_path):
    table = pd.DataFrame([dict.fromkeys(DIALS, "1")]).assign(dial="disc_share", baseline="ce", loss="dice")
    write_table(tmp_path / "dials.csv", table)
    (tmp_path / "provenance.json").write_text("{}")
    tables, _ = read_analysis(tmp_path)
    assert tables["dials"][["dial", "baseline"]].to_numpy().tolist() == [["disc_share", "ce"]]
