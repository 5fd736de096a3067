import numpy as np
import pandas as pd
import pytest

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.best import best_losses
from seglossbench.analysis.claims import OF_THE_PAPERS, Claim, read_claims
from seglossbench.analysis.comparing import Evidence
from seglossbench.analysis.curves import curves_of_runs
from seglossbench.analysis.differences import differences
from seglossbench.analysis.judging import judge
from seglossbench.analysis.means import means
from seglossbench.analysis.run_numbers import of_runs
from seglossbench.analysis.whole import Options, analyse
from seglossbench.errors import InputError
from seglossbench.vocabulary.tables import HISTORIES
from tests.analysis.made_scores import drawn

BETTER = {"question": "?", "claim": "a is better", "test": "difference", "loss": "a", "against": ["b", "c"]}


def evidence_of(scores, states=None, **options):
    cubes = cubes_of(scores)
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates(ignore_index=True)
    runs = runs.assign(state="DONE", reason="")
    if states:
        runs["state"] = [states.get(key, "DONE") for key in zip(runs["loss"], runs["seed"], strict=True)]
    nothing = pd.DataFrame(columns=list(HISTORIES))
    numbers = of_runs(runs, cubes, nothing, curves_of_runs(nothing, "DSC"), "DSC")
    return Evidence(cubes, numbers, **options)


def verdict(claim, evidence):
    return judge("X", Claim.model_validate(claim), evidence)


CLEAR = drawn({"a": 1.0, "b": 0.0, "c": 0.0}, cases=25, seeds=4, seed_sd=0.03)


def test_a_claim_that_holds_against_all_is_supported():
    whole, *rows = verdict(BETTER, evidence_of(CLEAR))
    assert whole["verdict"] == "supported"
    assert [row["verdict"] for row in rows] == ["supported", "supported"]
    assert [row["part_of"] for row in rows] == ["X", "X"]
    assert whole["decide_text"].startswith("nothing more")
    assert rows[0]["family_size"] == 2
    assert whole["finding"].startswith("Both comparisons hold. ")
    assert "25 of 25 cases and 4 of 4 seeds" in rows[0]["finding"]


def test_the_opposite_refutes_it():
    turned = BETTER | {"loss": "b", "against": ["a", "c"]}
    whole, *rows = verdict(turned, evidence_of(CLEAR))
    assert [row["verdict"] for row in rows] == ["not supported", "inconclusive"]
    assert whole["finding"].startswith("Of 2 comparisons, 1 does not hold and 1 is open. ")
    assert whole["verdict"] == "not supported"


def test_an_open_claim_says_what_would_decide_it():
    scores = drawn({"a": 0.05, "b": 0.0}, cases=30, seeds=3, seed_sd=0.1)
    whole, row = verdict(BETTER, evidence_of(scores))
    assert whole["verdict"] == "inconclusive"
    assert whole["finding"].startswith("The one comparison is open. ")
    assert row["decide_text"]
    again = verdict(BETTER, evidence_of(scores))[1]
    assert row["decide_text"] == again["decide_text"]


def test_one_seed_leaves_everything_open():
    whole, row, _ = verdict(BETTER, evidence_of(CLEAR[CLEAR["seed"] == "0"]))
    assert whole["verdict"] == "inconclusive"
    assert row["p_adjusted"] < 1e-6
    assert row["decide_text"] == "3 seeds at least"


def test_without_its_loss_a_claim_is_not_tested_and_says_what_is_missing():
    missing = {("d", "z"): "z on n, seeds 0 and 1: out of memory"}
    (whole,) = verdict(BETTER | {"loss": "z"}, evidence_of(CLEAR, missing=missing))
    assert whole["verdict"] == "not tested"
    assert "runs of z are missing: z on n, seeds 0 and 1" in whole["finding"]
    (metric,) = verdict(BETTER | {"metrics": ["HD"]}, evidence_of(CLEAR))
    assert metric["finding"] == "no scores of HD on d"
    (networks,) = verdict(BETTER | {"networks_at_least": 2}, evidence_of(CLEAR))
    assert networks["finding"] == "needs 2 networks with both losses"


NON_INFERIOR = BETTER | {"test": "non_inferiority", "against": ["b"], "margin": 0.02}


@pytest.mark.parametrize(("shift", "expected"), [(0.0, "supported"), (-1.0, "not supported")])
def test_non_inferiority_is_against_the_margin(shift, expected):
    scores = drawn({"a": shift, "b": 0.0}, cases=60, seeds=6, seed_sd=0.01)
    whole, row = verdict(NON_INFERIOR, evidence_of(scores))
    assert whole["verdict"] == expected
    assert (row["lo"] > -0.02) == (expected == "supported")
    assert "margin (−0.02)" in row["finding"]


def test_a_margin_of_distances_is_a_ratio():
    scores = drawn({"a": 0.0, "b": 0.0}, cases=60, seeds=6, seed_sd=0.01, metric="HD")
    claim = NON_INFERIOR | {"metrics": ["HD"], "margin": 1.2}
    assert verdict(claim, evidence_of(scores))[0]["verdict"] == "supported"
    worse = drawn({"a": -1.0, "b": 0.0}, cases=60, seeds=6, seed_sd=0.01, metric="HD")
    assert verdict(claim, evidence_of(worse))[0]["verdict"] == "not supported"


def test_a_claim_over_datasets_may_hold_on_one_of_them():
    scores = pd.concat([CLEAR, drawn({"a": 0, "b": 0, "c": 0}, dataset="e", cases=25)], ignore_index=True)
    whole, *_ = verdict(BETTER, evidence_of(scores, scopes={"d": "these phantoms only"}))
    assert whole["verdict"] == "partly supported"
    assert whole["scope"] == "these phantoms only · d, e"
    own, *_ = verdict(BETTER | {"datasets": ["d*"]}, evidence_of(scores))
    assert own["verdict"] == "supported"
    other, *_ = verdict(BETTER | {"datasets": ["amos*"]}, evidence_of(CLEAR))
    assert other["scope"] == "on other data than the claim's: d"


def test_the_gain_against_class_size_is_one_model():
    classes = 6
    gains = np.linspace(1.0, 0.0, classes)
    parts = [
        drawn({"a": g, "b": 0.0}, classes=1, cases=20, seed_sd=0.02, random=k) for k, g in enumerate(gains)
    ]
    scores = pd.concat([part.assign(**{"class": f"k{k}"}) for k, part in enumerate(parts)], ignore_index=True)
    sizes = {("d", f"k{k}"): 10.0**k for k in range(classes)}
    claim = BETTER | {"test": "slope", "expect": "falling", "against": ["b"]}
    whole, row = verdict(claim, evidence_of(scores, sizes=sizes))
    assert whole["verdict"] == "supported"
    assert row["estimate"] < 0
    assert "per tenfold size of a class, over 6 classes" in row["finding"]
    assert (
        verdict(claim | {"expect": "rising"}, evidence_of(scores, sizes=sizes))[0]["verdict"]
        == "not supported"
    )
    assert verdict(claim, evidence_of(scores))[0]["finding"] == "needs the sizes of three classes"


def test_the_gain_along_a_dial_is_a_line_over_tasks():
    shares = {"share_10": 10.0, "share_5": 5.0, "share_1": 1.0}
    scores = pd.concat(
        [
            drawn({"a": 0.1 * share, "b": 0.0}, dataset=name, cases=25, seed_sd=0.02, random=int(share))
            for name, share in shares.items()
        ],
        ignore_index=True,
    )
    claim = BETTER | {"test": "slope", "against": ["b"], "dial": shares}
    whole, row = verdict(claim, evidence_of(scores))
    assert (whole["verdict"], row["dataset"]) == ("supported", "*")
    assert "over 3 tasks" in row["finding"]


STEADY = {"question": "?", "claim": "a is steadier", "test": "stability", "pairs": [["a", "b"]]}


def test_steadiness_may_show_in_any_of_its_quantities():
    a = drawn({"a": 0}, seeds=10, seed_sd=0.01)
    scores = pd.concat([a, drawn({"b": 0}, seeds=10, seed_sd=0.8, random=1)], ignore_index=True)
    whole, *rows = verdict(STEADY, evidence_of(scores))
    assert whole["verdict"] == "supported"
    assert {row["quantity"]: row["verdict"] for row in rows} == {"sd": "supported", "failed": "inconclusive"}
    turned = STEADY | {"pairs": [["b", "a"]]}
    assert verdict(turned, evidence_of(scores))[0]["verdict"] == "not supported"


def test_failed_runs_are_told_apart_by_boschloo():
    scores = drawn({"a": 0, "b": 0}, seeds=6)
    states = {("b", str(seed)): "DIVERGED" for seed in range(5)}
    rows = verdict(STEADY, evidence_of(scores, states))
    failed = next(row for row in rows if row.get("quantity") == "failed" and row["part_of"])
    assert failed["verdict"] == "supported"
    assert failed["estimate"] == pytest.approx(-5 / 6)


def test_two_seeds_allow_no_test_of_spread():
    scores = drawn({"a": 0, "b": 0}, seeds=2)
    rows = verdict(STEADY | {"quantities": ["sd"]}, evidence_of(scores))
    assert rows[0]["verdict"] == "not tested"
    assert rows[0]["finding"] == "2 seeds allow no test of spread"


def test_the_papers_claims_can_be_read():
    claims = read_claims(OF_THE_PAPERS)
    assert list(claims) == ["A1", "A2", "A3", "B1", "B2", "B3", "M1", "M2", "M3", "M4"]
    assert all(claim.source for claim in claims.values())
    assert claims["A1"].pairs_among(["cwcd", "ce", "rrw"]) == [("cwcd", "ce")]
    assert not claims["B1"].concerns(["cwcd", "ce"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("X: {question: q, claim: c, test: diference, loss: a, against: [b]}", r"mine.yaml: X.test: "),
        ("X: {question: q, claim: c, test: difference, loss: a, agains: [b]}", r"did you mean 'against'"),
        (
            "X: {question: q, claim: c, test: difference, loss: a}",
            r"mine.yaml: X: give either loss and against",
        ),
        ("X: {question: q, claim: c, test: non_inferiority, loss: a, against: [b]}", r"X: margin goes with"),
        ("X: better", r"X: a claim is a mapping"),
    ],
)
def test_a_wrong_claim_is_told_by_file_id_and_key(tmp_path, text, message):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_claims(file)


def answer(scores):
    cubes = cubes_of(scores)
    pairs = differences(cubes, "DSC")
    return best_losses(cubes, means(cubes, pairs), pairs, "DSC", {"d": "these phantoms only"})


def test_one_best_loss_is_settled():
    (row,) = answer(CLEAR)
    assert (row["verdict"], row["a"], row["scope"]) == ("settled", "a", "these phantoms only · d")
    assert row["finding"].startswith("a. It leads the next, ")
    assert row["estimate"] > 0


def test_a_group_of_best_losses_is_partly_settled():
    (row,) = answer(drawn({"a": 1.0, "b": 1.0, "c": 0.0}, cases=25, seeds=4, seed_sd=0.03))
    assert row["verdict"] == "partly settled"
    assert row["finding"].startswith("One of 2: ")
    assert " leads c by " in row["finding"]
    assert row["decide_text"]


def test_equal_losses_crown_none():
    (row,) = answer(drawn({"a": 0, "b": 0, "c": 0, "e": 0}, cases=20))
    assert row["verdict"] == "not settled"
    assert row["finding"].startswith("None can be told from the best. ")


def test_one_seed_settles_nothing():
    (row,) = answer(CLEAR[CLEAR["seed"] == "0"])
    assert row["verdict"] == "not settled"
    assert "says nothing of training again" in row["finding"]
    assert row["decide_text"] == "3 seeds at least"


def test_of_distances_the_smaller_is_best_and_the_mean_over_networks_comes_first():
    scores = drawn({"a": 1.0, "b": 0.0}, cases=25, seed_sd=0.02, networks=("n", "m"), metric="HD95")
    cubes = cubes_of(scores)
    pairs = differences(cubes, "HD95")
    rows = best_losses(cubes, means(cubes, pairs), pairs, "HD95", {})
    assert [row["network"] for row in rows] == ["*", "n", "m"]
    assert {row["a"] for row in rows} == {"a"}
    assert "ratio 0.3" in rows[0]["finding"]
    assert "over the 2 networks run" in rows[0]["question"]


def test_claims_on_a_dial_are_of_its_experiment_alone():
    claims = read_claims(OF_THE_PAPERS)
    gains = {"share_10": 0.0, "share_3": 0.4, "share_1": 0.8, "share_03": 1.2, "share_01": 1.6}
    dialled = pd.concat(
        [
            drawn({"ce": 0, "ce_dice": 0, "cwcd": gain}, dataset=name, cases=20, seed_sd=0.02)
            for name, gain in gains.items()
        ]
    )
    answers = analyse(dialled, Options(claims=claims, all_claims=True))["answers"].set_index("id")
    assert answers.loc["M1", "verdict"] == "supported"
    assert "M4" not in answers.index
    others = analyse(drawn({"ce": 0, "cwcd": 1}), Options(claims=claims, all_claims=True))["answers"]
    assert not others["id"].str.startswith("M").any()
