import numpy as np
import pandas as pd
import pytest

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.by_run import by_run
from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.differences import differences
from seglossbench.analysis.effects import Paired
from seglossbench.analysis.means import means, seed_gaps
from seglossbench.statistics.comparison import over_new_networks
from seglossbench.statistics.crossed import crossed, mean_squares
from seglossbench.statistics.means import means_of_run
from seglossbench.vocabulary.tables import MEAN
from tests.analysis.made_scores import drawn, rows


def tables(scores, decides="DSC", **options):
    cubes = cubes_of(scores, **options)
    pairs = differences(cubes, decides)
    return means(cubes, pairs), pairs


def one(table, **where):
    found = table[np.logical_and.reduce([table[key] == value for key, value in where.items()])]
    assert len(found) == 1
    return found.iloc[0]


BY_HAND = rows(
    *(("a", seed, case, "k", 0.5 + 0.1 * seed + 0.1 * number) for seed in (0, 1) for number, case in enumerate("xyz")),
    *(("b", seed, case, "k", 0.4) for seed in (0, 1) for case in "xyz"),
)  # fmt: skip


@pytest.mark.parametrize("metric", ["DSC", "HD95"])
def test_classes_are_described_at_once_as_they_are_one_by_one(monkeypatch, metric):
    scores = drawn({"a": 0.3, "b": 0.0, "c": 0.1}, cases=30, classes=3, networks=("n", "m"), metric=metric)
    _, at_once = tables(scores, metric)
    monkeypatch.setattr(Paired, "is_whole", False)
    _, one_by_one = tables(scores, metric)
    pd.testing.assert_frame_equal(at_once, one_by_one, rtol=1e-9)


def test_a_difference_is_the_crossed_interval_of_the_paired_scores():
    _, pairs = tables(BY_HAND)
    row = one(pairs, **{"class": "k"})
    expected = crossed(mean_squares([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]))
    assert row[["estimate", "lo", "hi", "p"]].tolist() == pytest.approx(
        [float(v) for v in (expected.estimate, expected.lo, expected.hi, expected.p)]
    )
    assert row[["case_wins", "cases", "seed_wins", "seeds", "family_size"]].tolist() == [3, 3, 2, 2, 1]
    assert row["case_quantiles"] == "0.15 0.25 0.35"


def test_means_and_ranks():
    table, _ = tables(BY_HAND)
    a, b = (one(table, loss=loss, **{"class": ALL}) for loss in "ab")
    assert (a["mean"], b["mean"]) == (pytest.approx(0.65), pytest.approx(0.4))
    assert a["seed_values"] == "0.6 0.7"
    assert a["sd_seeds"] == pytest.approx(0.1 / np.sqrt(2))
    assert (a["rank"], b["rank"]) == (1, 2)
    assert (a["rank_lo"], a["rank_hi"]) == (1, 2)
    assert a["tied_with_best"]
    assert b["tied_with_best"]


def test_a_loss_that_is_far_better_is_told_apart_after_correction():
    table, pairs = tables(drawn({"a": 1.5, "b": 0.0, "c": 0.0}, cases=30, seeds=5, seed_sd=0.02))
    primary = pairs[pairs["family"] == "primary"]
    assert primary["family_size"].tolist() == [3, 3, 3]
    assert primary["better"].tolist() == ["a", "a", ""]
    assert (primary["p_adjusted"] >= primary["p"]).all()
    over_classes = table[table["class"] == ALL]
    assert over_classes["rank_lo"].tolist() == [1, 2, 2]
    assert over_classes["rank_hi"].tolist() == [1, 3, 3]
    assert over_classes["tied_with_best"].tolist() == [True, False, False]
    assert (pairs.loc[pairs["class"] != ALL, "family"] == "secondary").all()


def test_distances_are_compared_by_ratios_and_less_is_better():
    table, pairs = tables(drawn({"a": 1.0, "b": 0.0}, cases=30, seed_sd=0.02, metric="HD95"), "HD95")
    row = one(pairs, **{"class": ALL})
    assert row["scale"] == "ratio"
    assert row["estimate"] == pytest.approx(np.exp(-1), rel=0.15)
    assert row["lo"] < row["estimate"] < row["hi"] < 1
    assert row["better"] == "a"
    assert row["case_wins"] == 30
    a, b = (one(table, loss=loss, **{"class": ALL}) for loss in "ab")
    assert a["mean"] / b["mean"] == pytest.approx(row["estimate"])
    assert a["mean"] < a["arithmetic_mean"]
    assert (a["rank"], b["rank"]) == (1, 2)


def test_one_seed_tells_nobody_apart():
    table, pairs = tables(drawn({"a": 2.0, "b": 0.0}, seeds=1, cases=40))
    row = one(pairs, **{"class": ALL})
    assert row["p_adjusted"] < 1e-6
    assert row["better"] == ""
    assert np.isnan(row["seed_share"])
    assert table["rank_lo"].isna().all()


def test_an_unknown_metric_is_averaged_and_ranks_nothing():
    scores = drawn({"a": 2.0, "b": 0.0}, cases=30).replace({"metric": {"DSC": "beauty"}})
    table, pairs = tables(scores)
    assert (pairs["better"] == "").all()
    assert table["rank"].isna().all()
    assert table["mean"].notna().all()


def test_a_case_without_a_value_is_dropped_for_that_pair_in_all_seeds_and_counted():
    scores = drawn({"a": 0.3, "b": 0.0, "c": 0.0}, classes=1)
    hole = (scores["loss"] == "b") & (scores["seed"] == "1") & (scores["case"] == "case3")
    _, pairs = tables(scores[~hole])
    of_mean = pairs[pairs["class"] == ALL]
    assert of_mean["cases"].tolist() == [11, 12, 11]
    assert of_mean["dropped"].tolist() == [1, 0, 1]
    kept = scores[scores["case"] != "case3"]
    _, without = tables(kept)
    assert one(pairs, a="a", b="b", **{"class": ALL})["p"] == pytest.approx(
        one(without, a="a", b="b", **{"class": ALL})["p"]
    )


def test_losses_of_unequal_seeds_are_compared_over_those_that_both_have():
    scores = drawn({"a": 0.3, "b": 0.0}, seeds=4)
    _, pairs = tables(scores[(scores["loss"] == "a") | scores["seed"].isin(["1", "3"])])
    assert one(pairs, **{"class": ALL})["seeds"] == 2
    _, none = tables(
        pd.concat([scores[scores["loss"] == "a"], scores[scores["loss"] == "b"].assign(seed="z")])
    )
    assert none.empty


def test_the_mean_over_networks_is_that_of_their_differences():
    scores = drawn({"a": 0.5, "b": 0.0}, networks=("n", "m"), cases=20)
    table, pairs = tables(scores)
    n, m, both = (one(pairs, network=network, **{"class": ALL}) for network in ("n", "m", ALL))
    assert both["estimate"] == pytest.approx((n["estimate"] + m["estimate"]) / 2)
    assert both["networks"] == 2
    assert (both["new_networks_lo"], both["new_networks_hi"], both["new_networks_p"]) == pytest.approx(
        over_new_networks([n["estimate"], m["estimate"]])
    )
    assert np.isnan(n["new_networks_lo"])
    assert one(table, network=ALL, loss="a", **{"class": ALL})["mean"] == pytest.approx(
        table[(table["loss"] == "a") & (table["class"] == ALL) & (table["network"] != ALL)]["mean"].mean()
    )


def test_patients_are_what_is_sampled():
    scores = drawn({"a": 0.3, "b": 0.0}, cases=12)
    patients = {("d", f"case{case}"): f"patient{case // 3}" for case in range(12)}
    _, pairs = tables(scores, patients=patients)
    _, alone = tables(scores)
    together, single = one(pairs, **{"class": ALL}), one(alone, **{"class": ALL})
    assert (together["patients"], together["cases"]) == (4, 12)
    assert together["estimate"] == pytest.approx(single["estimate"])
    assert together["p"] != pytest.approx(single["p"])


def test_empty_masks_are_counted_beside_the_mean_and_have_rates():
    scores = rows(
        ("a", 0, "x", "k", 0.8),
        ("a", 0, "y", "k", 0.0),
        ("a", 0, "y", "k", "prediction_empty"),
        ("a", 0, "z", "k", 0.0),
        ("a", 0, "z", "k", "truth_empty"),
    )
    table, _ = tables(scores)
    row = one(table, metric="DSC", **{"class": "k"})
    assert row[["mean", "missed", "false_alarms", "cases"]].tolist() == [0.4, 1, 1, 2]
    assert one(table, metric="missed_rate", **{"class": "k"})["mean"] == 0.5
    assert one(table, metric="false_alarm_rate", **{"class": "k"})["mean"] == 1


def test_no_failure_seen_still_has_an_upper_end():
    scores = pd.concat(
        [drawn({"a": 0}, cases=20, classes=1), rows(("a", 0, "case0", "k", "prediction_empty"))]
    )
    scores = pd.concat([scores, rows(("a", 0, "case0", "k", 0.0))], ignore_index=True)
    table, _ = tables(scores)
    none = one(table, metric="missed_rate", **{"class": "class0"})
    assert (none["mean"], none["lo"], none["hi"]) == (0, 0, pytest.approx(0.139, abs=5e-4))


def test_the_yardstick_is_how_far_two_seeds_of_one_loss_lie_apart():
    table, pairs = tables(BY_HAND)
    # a's seeds lie 0.1 apart, b's not at all.
    assert seed_gaps(table, pairs).tolist() == pytest.approx([0.1 / np.sqrt(2)] * 2)


def test_no_scores_make_no_tables():
    table, pairs = tables(rows())
    assert table.empty
    assert pairs.empty


@pytest.mark.parametrize("metric", ["DSC", "HD95"])
def test_the_mean_is_that_of_every_run_and_of_its_validation(metric):
    gone = rows(
        ("a", 0, "case1", "gone", 0.5),
        ("a", 0, "case1", "gone", "truth_empty"),
        ("b", 0, "case1", "gone", ""),
        ("b", 0, "case1", "gone", "both_empty"),
        metric=metric,
    )
    scores = pd.concat([drawn({"a": 0.3, "b": 0.0}, metric=metric), gone], ignore_index=True)
    table, _ = tables(scores, metric)
    runs = by_run(cubes_of(scores))
    for loss in "ab":
        ours = one(table, loss=loss, metric=metric, **{"class": ALL})
        own = scores[scores["loss"] == loss]
        each = [means_of_run(of_seed)[metric, MEAN] for _, of_seed in own.groupby("seed")]
        mean = np.mean(each) if metric == "DSC" else np.exp(np.mean(np.log(each)))
        assert ours["mean"] == pytest.approx(mean, abs=1e-12)
        of_runs = runs[(runs["loss"] == loss) & (runs["metric"] == metric) & (runs["class"] == ALL)]
        assert of_runs["mean"].tolist() == pytest.approx(each, abs=1e-12)
        assert [float(value) for value in ours["seed_values"].split()] == pytest.approx(each, rel=1e-4)
