"""Which cases are shown, on scores small enough to choose them by hand."""

import numpy as np
import pandas as pd
import pytest

from seglossbench.analysis.whole import Options, analyse
from tests.analysis.made_scores import rows

GAINS = {"c0": 0.1, "c1": -0.2, "c2": 0.3, "c3": 0.0, "c4": 0.2}


def scores(metric="DSC", gains=None):
    given = []
    for case, gain in (gains or GAINS).items():
        for seed in (0, 1):
            given += [("base", seed, case, "liver", 0.5), ("other", seed, case, "liver", 0.5 + gain)]
    return rows(*given, metric=metric)


def chosen(table, role):
    own = table[table["role"] == role]
    return list(dict.fromkeys(own["case"]))


def test_each_class_shows_where_the_best_loss_gains_least_as_usual_and_most():
    table = analyse(scores(), Options(baseline="base"))["cases"]
    assert [chosen(table, role) for role in ("worst", "median", "best")] == [["c1"], ["c0"], ["c2"]]
    best = table[(table["role"] == "best")].set_index("loss")
    assert set(best["a"] + " against " + best["b"]) == {"other against base"}
    assert best.loc["other", "gain"] == pytest.approx(0.3)
    assert best["value"].to_dict() == pytest.approx({"base": 0.5, "other": 0.8})


def test_less_is_better_of_distances():
    gains = {"c0": 1.0, "c1": 9.0, "c2": 3.0}
    table = analyse(scores("HD95", gains), Options(baseline="base"))["cases"]
    # base is the better one, so the gain is its; it is largest where the other's distance is.
    assert [chosen(table, role) for role in ("worst", "median", "best")] == [["c0"], ["c2"], ["c1"]]
    assert table.loc[table["role"] == "best", "gain"].iloc[0] == pytest.approx(0.5 / 9.5)


@pytest.mark.parametrize(("cases", "roles"), [(1, ["median"]), (2, ["worst", "best"])])
def test_few_cases_play_one_part_each(cases, roles):
    table = analyse(scores(gains=dict(list(GAINS.items())[:cases])), Options(baseline="base"))["cases"]
    assert [role for role in dict.fromkeys(table["role"]) if role != "failure"] == roles


def test_failures_are_of_cases_each_lowest_first_and_where_others_did_well():
    given = [
        (loss, seed, case, name, value)
        for seed in (0, 1)
        for case, of_case in {"easy": (0.0, 0.9), "hard": (0.0, 0.1), "fine": (0.6, 0.7)}.items()
        for loss, value in zip(("a", "b"), of_case, strict=True)
        for name in ("liver", "spleen")
    ]
    given.append(("a", 0, "easy", "stone", "prediction_empty"))
    table = analyse(rows(*given), Options())["cases"]
    failures = table[table["role"] == "failure"]
    assert chosen(table, "failure") == ["easy", "hard", "fine"]
    assert list(failures.groupby("case", sort=False)["a"].first()) == ["a", "a", "a"]
    assert set(failures["loss"]) == {"a", "b"}, "the others beside it"


def test_a_run_that_failed_as_a_whole_is_no_failure_of_a_case():
    given = [
        (loss, seed, "c", "liver", 0.0 if (loss, seed) == ("a", 0) else 0.5)
        for loss in "ab"
        for seed in (0, 1)
    ]
    runs = pd.DataFrame(
        [
            ("d", "n", loss, str(seed), "DIVERGED" if (loss, seed) == ("a", 0) else "DONE", "")
            for loss in "ab"
            for seed in (0, 1)
        ],
        columns=["dataset", "network", "loss", "seed", "state", "reason"],
    )
    table = analyse(rows(*given), Options(), runs=runs)["cases"]
    failure = table[table["role"] == "failure"]
    assert np.allclose(failure["value"], 0.5)


def test_cases_are_named_with_their_patients():
    options = Options(patients={("d", case): f"p{case}" for case in GAINS})
    table = analyse(scores(), options)["cases"]
    assert set(table["patient"]) == {f"p{case}" for case in table["case"]}
