import csv
import io

import pandas as pd

from seglossbench.reporting.formats import to_csv, to_html, to_markdown
from seglossbench.reporting.latex import to_latex
from seglossbench.reporting.tables import build_table, leading_of
from seglossbench.statistics.means import fold_status
from seglossbench.vocabulary.metrics import metric_of
from seglossbench.vocabulary.tables import MEAN
from tests.analysis.made_scores import summaries

COLUMNS = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]


def scores_of(*rows):
    """Folded scores from rows ``network, loss, seed, case, class, metric, value`` of the dataset d."""
    return fold_status(pd.DataFrame([("d", *row) for row in rows], columns=COLUMNS, dtype=str))


def table_of(scores, rows, classes, metric="DSC", **options):
    return build_table(scores, summaries(scores), "d", metric_of(metric), rows, classes, **options)


def texts(table):
    return {(row.network, row.loss): [cell.text for cell in row.cells] for row in table.rows}


def simple(values, metric="DSC", network="n"):
    """One case, one seed: scores from ``{loss: {class: value}}``."""
    return scores_of(
        *(
            (network, loss, "0", "a", name, metric, value)
            for loss, of_loss in values.items()
            for name, value in of_loss.items()
        )
    )


def test_cells_show_mean_and_deviation_and_those_that_lead_are_bold():
    rows = []
    for network, shift in (("u", 0), ("v", 0.1)):
        for loss, first, second in (("ce", 0.5, 0.7), ("dice", 0.4, 0.6)):
            rows += [
                (network, loss, "0", "a", "1", "DSC", first + shift),
                (network, loss, "1", "a", "1", "DSC", second + shift),
            ]
    scores = scores_of(*rows)
    leading = {("d", network, "DSC", "1", "ce") for network in "uv"} | {("e", "u", "DSC", "1", "dice")}
    pairs = [("u", "ce"), ("u", "dice"), ("v", "ce"), ("v", "dice")]
    table = table_of(scores, pairs, ["1"], leading=leading)
    assert texts(table)["u", "ce"] == ["0.600 ± 0.141"]
    assert texts(table)["v", "dice"] == ["0.600 ± 0.141"]
    assert [row.cells[0].best for row in table.rows] == [True, False, True, False]
    assert "mean ± sd over 2 seeds" in table.caption
    assert "sample standard deviation (n − 1)" in table.caption
    assert table.header == ["network", "loss", "1"]


def means_of(rows):
    """A table of means from rows ``class, loss, rank, tied with the best``, of one dataset, network and metric."""
    table = pd.DataFrame(rows, columns=["class", "loss", "rank", "tied_with_best"])
    return table.assign(dataset="d", network="n", metric="DSC")


def test_those_stand_out_that_cannot_be_told_from_the_best_where_others_can():
    rows = [("*", "a", 1, True), ("*", "b", 2, True), ("*", "c", 3, False)]
    equal = [("1", "a", 1, True), ("1", "b", 2, True), ("1", "c", 3, True)]
    undirected = [("2", "a", float("nan"), False), ("2", "b", float("nan"), False)]
    found = leading_of(means_of([*rows, *equal, *undirected]))
    assert found == {("d", "n", "DSC", MEAN, "a"), ("d", "n", "DSC", MEAN, "b")}
    assert leading_of(means_of([("*", "lone", 1, True)])) == set()
    of_class = leading_of(means_of([("\\*", "a", 1, True), ("\\*", "b", 2, False)]))
    assert of_class == {("d", "n", "DSC", "*", "a")}, "a class may be called as the mean is"


def test_a_class_absent_from_every_test_case_says_so_and_does_not_enter_the_mean():
    scores = scores_of(
        ("n", "ce", "0", "case_7", "liver", "DSC", "0.5"),
        ("n", "ce", "0", "case_7", "bladder", "DSC", "0.0"),
        ("n", "ce", "0", "case_7", "bladder", "status", "truth_empty"),
    )
    table = table_of(scores, [("n", "ce")], ["liver", "bladder"])
    assert texts(table)["n", "ce"] == ["0.500", "0.500", "absent"]
    (note,) = table.notes
    assert note.startswith("bladder: absent from the truth of the only test case (case_7)")
    assert "in 1 of 1 predictions" in note
    assert table.rows[0].cells[0].marks == []


def test_empty_masks_are_counted_beside_every_mean_that_has_some():
    scores = scores_of(
        ("n", "ce", "0", "a", "1", "DSC", "0.0"),
        ("n", "ce", "0", "a", "1", "status", "prediction_empty"),
        ("n", "ce", "0", "b", "1", "DSC", "0.0"),
        ("n", "ce", "0", "b", "1", "status", "truth_empty"),
        ("n", "ce", "0", "c", "1", "DSC", ""),
        ("n", "ce", "0", "c", "1", "status", "both_empty"),
        ("n", "ce", "0", "d", "1", "DSC", "0.9"),
    )
    table = table_of(scores, [("n", "ce")], ["1"], empty_policy="diagonal")
    for cell in table.rows[0].cells:
        assert (cell.mean, cell.signs) == ("0.450", "†2 ‡1")  # of the two cases that have the class
        assert cell.detail == "1 missed (empty prediction), 1 false alarm (empty truth), 1 undefined"
    assert "1: absent from the truth of 2 of 4 test cases (b, c)." in table.notes
    assert any(
        "“diagonal”" in note and "(empty prediction) 1" in note and "(empty truth) 1." in note
        for note in table.notes
    )


def test_a_class_without_a_defined_score_says_undefined_and_never_zero():
    scores = scores_of(
        ("n", "ce", "0", "a", "1", "HD95", ""), ("n", "ce", "0", "a", "1", "status", "prediction_empty")
    )
    table = table_of(scores, [("n", "ce")], ["1"], "HD95")
    assert texts(table)["n", "ce"] == ["undefined"]
    assert table.rows[0].remark == "0 of 1 seeds, 0 of 1 classes"


def test_a_mean_over_fewer_classes_is_marked_and_never_bold():
    scores = simple(
        {"whole": {"1": "0.5", "2": "0.5"}, "part": {"1": "0.9", "2": ""}, "poor": {"1": "0.1", "2": "0.1"}}
    )
    leading = {("d", "n", "DSC", MEAN, loss) for loss in ("whole", "part")}
    table = table_of(scores, [("n", "whole"), ("n", "part"), ("n", "poor")], ["1", "2"], leading=leading)
    assert {row.loss: row.remark for row in table.rows} == {"whole": "", "part": "1 of 2 classes", "poor": ""}
    assert [row.loss for row in table.rows if row.cells[0].best] == ["whole"]
    assert any("never bold" in note for note in table.notes)


def test_runs_without_scores_show_a_dash_and_the_reason():
    scores = simple({"ce": {"1": 0.5}})
    table = table_of(
        scores,
        [("n", "ce"), ("n", "dice")],
        ["1"],
        planned_seeds=2,
        reasons={("n", "dice"): "seed 0 FAILED (nan)", ("n", "ce"): "seed 1 RUNNING"},
    )
    assert texts(table)["n", "dice"] == ["—"]
    assert table.rows[0].remark == "1 of 2 seeds"
    assert table.notes == (
        "ce with n: 1 of 2 seeds; seed 1 RUNNING.",
        "dice with n: no scores; seed 0 FAILED (nan).",
    )


def test_an_infinite_distance_counts_as_the_largest_and_is_undefined_where_there_is_no_other():
    alone = table_of(simple({"ce": {"1": "inf"}}, "HD95"), [("n", "ce")], ["1"], "HD95")
    assert texts(alone)["n", "ce"] == ["undefined"]
    scores = simple({"ce": {"1": "inf"}, "dice": {"1": "9"}}, "HD95")
    both = table_of(scores, [("n", "ce"), ("n", "dice")], ["1"], "HD95")
    assert texts(both)["n", "ce"] == texts(both)["n", "dice"] == ["9.00"]


NASTY = simple({"a_b&c%": {"x|y": 0.25, "<b>": 0.75}, "{#$~^\\}": {"x|y": 0.5, "<b>": 0.5}}, network="u_1")
NASTY_TABLE = table_of(
    NASTY,
    [("u_1", "a_b&c%"), ("u_1", "{#$~^\\}")],
    ["x|y", "<b>"],
    leading={("d", "u_1", "DSC", "<b>", "a_b&c%")},
)


def test_latex_is_escaped_and_balanced():
    text = to_latex(NASTY_TABLE)
    assert r"u\_1 & a\_b\&c\% & 0.500 & 0.250 & \textbf{0.750} \\" in text
    assert r"\{\#\$\textasciitilde{}\textasciicircum{}\textbackslash{}\}" in text
    assert r"mean & x\textbar{}y & \textless{}b\textgreater{} \\" in text
    assert r"\begin{tabular}{llrrr}" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == 1
    assert text.isascii()
    for name in ("table", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 1


def test_latex_does_not_take_a_name_in_brackets_for_an_option_of_the_line_before():
    assert "\n{[}x] & 0.500" in to_latex(
        table_of(simple({"[x]": {"1": 0.5}}, network="-"), [("-", "[x]")], ["1"])
    )


def test_latex_breaks_many_classes_into_blocks_that_hold_each_column_once():
    classes = [f"class{number}" for number in range(16)]
    table = table_of(simple({"ce": dict.fromkeys(classes, "0.5")}), [("n", "ce")], classes)
    headers = [line for line in to_latex(table).splitlines() if line.startswith("network")]
    assert len(headers) > 1
    assert headers[0].startswith("network & loss & mean & class0")
    assert [name for line in headers for name in line.split(" ")[:-1] if name.startswith("class")] == classes
    assert sum(line.count("mean") for line in headers) == 1


def test_latex_prints_deviations_and_footnote_signs_in_mathematics():
    rows = [("n", "ce", seed, "a", "1", "DSC", value) for seed, value in (("0", "0.0"), ("1", "0.5"))]
    scores = scores_of(*rows, ("n", "ce", "0", "a", "1", "status", "prediction_empty"))
    text = to_latex(table_of(scores, [("n", "ce")], ["1"]))
    assert r"0.250 $\pm$ 0.354$^{\dagger1}$" in text
    assert r"DSC $\uparrow$ on d: mean $\pm$ sd" in text


def test_csv_reads_back_as_written():
    rows = list(csv.reader(io.StringIO(to_csv(NASTY_TABLE))))
    assert rows[0] == ["network", "loss", "mean", "x|y", "<b>"]
    assert rows[2] == ["u_1", "{#$~^\\}", "0.500", "0.500", "0.500"]


def test_markdown_keeps_its_columns_whatever_the_names():
    lines = [line for line in to_markdown(NASTY_TABLE).splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert {line.replace(r"\|", "").count("|") for line in lines} == {6}
    assert "**0.750**" in lines[2]


def test_html_is_escaped():
    text = to_html(NASTY_TABLE)
    assert "&lt;b&gt;" in text
    assert "a_b&amp;c%" in text
    assert "<b>0.750</b>" in text
