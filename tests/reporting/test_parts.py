"""Tables small enough to know their page by heart."""

import re

import numpy as np
import pandas as pd
import pytest

from seglossbench.registry import PARTS
from seglossbench.reporting import Dataset, Facts, Run, write_report
from seglossbench.reporting.elements import tag
from seglossbench.reporting.parts import Part
from seglossbench.reporting.parts.stability import _time
from seglossbench.reporting.verdict import title_of

COLUMNS = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
NOTHING = pd.DataFrame()


def scores(gains, seeds=3, cases=8, network="u", dataset="d"):
    """Cases of their own difficulty, and losses that add their gain to it, each score with some noise."""
    random = np.random.default_rng(3)
    return pd.DataFrame(
        [
            (dataset, network, loss, str(seed), f"c{case}", "liver", "DSC", 0.5 + 0.03 * case + gain + wobble)
            for loss, gain in gains.items()
            for seed in range(seeds)
            for case in range(cases)
            for wobble in [random.normal(0, 0.01)]
        ],
        columns=COLUMNS,
    )


def page_of(folder, table, facts=None, **more):
    return write_report(folder, table, NOTHING, facts or Facts("x"), **more).read_text(encoding="utf-8")


def heading(text):
    return re.search(r"<h1>(.*?)</h1>", text)[1]


def test_a_loss_that_leads_is_the_title(tmp_path):
    text = page_of(tmp_path, scores({"ce": 0, "dice": 0.2}))
    assert heading(text) == "dice leads ce."
    assert "✓</span> Settled" in text
    assert 'class="num leads"' in text
    assert "**dice**" in (tmp_path / "tables/glance_DSC.md").read_text()


def test_of_four_equal_losses_none_is_crowned(tmp_path):
    table = pd.concat([scores({"ce": 0}).assign(loss=loss) for loss in ("ce", "dice", "ce_dice", "cwcd")])
    text = page_of(tmp_path, table)
    assert heading(text) == "These four losses cannot be told apart."
    assert 'class="num leads"' not in text
    assert text.count('<span class="dot">● </span>') == 4, "all are marked, and alike"
    for file in ("glance_DSC.md", "d_DSC.md"):
        assert "**" not in (tmp_path / "tables" / file).read_text()
    for file in ("glance_DSC.tex", "d_DSC.tex"):
        assert "textbf" not in (tmp_path / "tables" / file).read_text()


@pytest.mark.parametrize(("seeds", "said"), [(1, "One seed cannot"), (2, "Two seeds cannot")])
def test_few_seeds_are_told_before_the_numbers(tmp_path, seeds, said):
    equal = pd.concat([scores({"ce": 0}, seeds).assign(loss=loss) for loss in ("ce", "cwcd")])
    text = page_of(tmp_path, equal)
    assert heading(text) == f"{said} rank these two losses."
    notice = text.index(f"<strong>{said.split()[0]} seed{'s' * (seeds > 1)}.</strong>")
    assert notice < text.index('id="answers"')


def test_phantoms_scope_every_verdict(tmp_path):
    facts = Facts("x", datasets=(Dataset("d", 1, 0, 8, phantom=True),))
    text = page_of(tmp_path, scores({"ce": 0, "dice": 0.2}), facts)
    assert "Synthetic phantoms: this says nothing about real anatomy." in text
    assert '<span class="scope">these phantoms only · d</span>' in text


def test_a_difference_that_is_told_is_filled_and_an_open_one_hollow(tmp_path):
    text = page_of(tmp_path, scores({"ce": 0, "dice": 0.2, "cwcd": 0.0004}))
    forest = text[text.index('class="data forest"') :]
    dice = re.search(r'<tr data-loss="dice">.*?</tr>', forest)[0]
    cwcd = re.search(r'<tr data-loss="cwcd">.*?</tr>', forest)[0]
    assert 'class="mark"' in dice
    assert 'class="mark hollow"' not in dice
    assert 'class="mark hollow"' in cwcd
    assert " *</td>" in dice
    assert " *</td>" not in cwcd
    assert "8 of 8" in dice
    assert "3 of 3" in dice


def test_a_baseline_shows_its_own_group_and_turns_signs(tmp_path):
    text = page_of(tmp_path, scores({"ce": 0, "dice": 0.2}))
    forest = text[text.index('class="data forest"') :]
    groups = re.findall(r"<tbody( hidden)? data-base=\"(\w+)\".*?>.*?<td class=\"num\">(.*?)<", forest)
    assert [(hidden, base, value[0]) for hidden, base, value in groups] == [
        ("", "ce", "0"),
        (" hidden", "dice", "−"),
    ]


def test_every_score_is_beside_the_page(tmp_path):
    table = scores({"=ce": 0, "dice": 0.2})
    page_of(tmp_path, table)
    found = pd.read_csv(tmp_path / "tables/scores.csv.gz", dtype={"seed": str})
    assert len(found) == len(table)
    assert found["value"].sum() == pytest.approx(table["value"].sum(), rel=1e-5)
    assert set(found["loss"]) == {"'=ce", "dice"}, "no spreadsheet takes a name for a formula"


def test_above_six_places_losses_are_the_columns(tmp_path, monkeypatch):
    for place in ("drawing.figure", "reporting.material"):  # whose figures other tests look at
        monkeypatch.setattr(f"seglossbench.{place}.save", lambda *_: (1, 1))
    table = pd.concat([scores({"ce": 0, "dice": 0.1}, 2, 3, network=f"n{n}") for n in range(7)])
    text = page_of(tmp_path, table)
    glance = text[text.index('class="data glance"') : text.index('id="classes"')]
    assert re.search(r'<th scope="col" data-loss="ce">', glance)
    assert len(re.findall(r'<tr data-dataset="d" data-network=', glance)) == 8, (
        "seven networks and their mean"
    )


def verdicts(**of_datasets):
    """Answers and means as the analysis writes them: per dataset the losses that lead of ce, dice and cwcd."""
    losses, answers, ranks = ("ce", "dice", "cwcd"), [], []
    for dataset, leaders in of_datasets.items():
        verdict = {1: "settled", 2: "partly settled", 3: "not settled"}[len(leaders)]
        key = {"dataset": dataset, "network": "u", "metric": "DSC"}
        answers.append(
            key | {"part_of": "", "claim": "", "verdict": verdict, "a": leaders[0], "b": "", "seeds": 5}
        )
        ranks += [
            key | {"loss": loss, "class": "*", "rank": place + 1.0, "tied_with_best": loss in leaders}
            for place, loss in enumerate(losses)
        ]
    return pd.DataFrame(answers), pd.DataFrame(ranks)


@pytest.mark.parametrize(
    ("leaders", "said"),
    [
        ({"a": ["cwcd"]}, "cwcd leads the other two losses."),
        ({"a": ["cwcd"], "b": ["cwcd"]}, "cwcd leads on a and b."),
        ({"a": ["cwcd"], "b": ["ce", "dice"]}, "cwcd leads on a; two of three losses share the lead on b."),
        (
            {"a": ["ce", "dice"], "b": ["ce", "dice", "cwcd"]},
            "Two of three losses share the lead on a; b is open.",
        ),
        (
            {"a": ["ce"], "b": ["cwcd"], "c": ["cwcd"], "d": ["ce", "dice", "cwcd"]},
            "cwcd leads on b and c; ce leads on a; d is open.",
        ),
        (
            {name: ["cwcd"] for name in "abcd"} | {"e": ["ce", "dice", "cwcd"], "f": ["ce", "dice", "cwcd"]},
            "cwcd leads on four of six; e and f are open.",
        ),
        (
            {name: ["ce", "dice", "cwcd"] for name in "ab"},
            "No loss can be told to be the best on any of two datasets.",
        ),
    ],
)
def test_the_title_of_several_datasets_says_which_loss_leads_where(leaders, said):
    assert title_of(*verdicts(**leaders), "x") == said


def test_several_networks_have_a_mean_rank_and_say_how_many_pairs_are_told_apart(tmp_path):
    table = pd.concat(
        [scores({"ce": 0, "dice": 0.1}, network="u"), scores({"ce": 0, "dice": 0.2}, network="v")]
    )
    text = page_of(tmp_path, table)
    glance = text[text.index('class="data glance"') : text.index('id="classes"')]
    assert re.search(r"<bdi>dice</bdi>.*?<td class=\"num\">1.00</td>\n*</tr>", glance, re.S)
    assert re.search(r"<bdi>ce</bdi>.*?<td class=\"num\">2.00</td>\n*</tr>", glance, re.S)
    assert glance.count(">1 of 1</td>") == 3, "each network, and their mean"
    file = pd.read_csv(tmp_path / "tables/glance_DSC.csv")
    ranks = file[file["dataset"] == "all"].set_index("loss")["rank"].astype(float)
    assert ranks.to_dict() == {"dice": 1.0, "ce": 2.0}
    spread = re.search(r'data-view="spread".*?</table>', text, re.S)[0]
    of_seeds = re.search(r'data-loss="ce">([\d.]+)<small>([\d. ]+)</small>', spread)
    assert float(of_seeds[1]) == pytest.approx(
        np.std([float(x) for x in of_seeds[2].split()], ddof=1), abs=6e-4
    )


def test_runs_say_what_became_of_them(tmp_path):
    runs = (Run("d", "u", "ce", "0", "DONE"), Run("d", "u", "ce", "1", "FAILED", "out of <memory>"))
    text = page_of(tmp_path, scores({"ce": 0, "dice": 0.1}, 1), Facts("x", runs))
    table = text[text.index('id="runs-tables"') :]
    assert table.index("out of &lt;memory&gt;") < table.index(">DONE<"), "what needs a look comes first"
    assert "Not every run is done." in text


@pytest.mark.parametrize(("hours", "said"), [(0.004, "14 s"), (0.5, "30.0 min"), (2.25, "2.2 h")])
def test_times_have_units_that_suit_them(hours, said):
    assert _time(hours) == said


def strangers(source):
    """A part that is no part of ours."""
    return Part("Stranger's", "strange", tag("p", f"of {len(source.scores)} scores <b>"))


def test_a_strangers_part_comes_by_the_registry(tmp_path):
    PARTS.add("strange", strangers)
    try:
        text = page_of(tmp_path, scores({"ce": 0, "dice": 0.1}))
    finally:
        del PARTS.things["strange"]
    assert "<p>of 48 scores &lt;b&gt;</p>" in text
    assert '<a href="#strange">' in text


def test_the_page_takes_nothing_from_elsewhere(tmp_path):
    text = page_of(tmp_path, scores({"ce": 0, "dice": 0.1}))
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"\sstyle=", text), "a hash allows no style of single elements"
    assert not re.search(r"\son\w+=", text)
    assert not re.search(r'(src|href)="https?://[^"]*\.(js|css|woff2?)"', text)
