import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from benchmarks import bench_analysis
from seglossbench import adopted, stages
from seglossbench.adopted import Adoption, Change
from seglossbench.analysis.claims import read_claims
from seglossbench.analysis.cubes import ALL
from seglossbench.analysis.files import read_analysis, read_table, write_table
from seglossbench.analysis.inputs import check_scores
from seglossbench.analysis.whole import Options, analyse, decisive
from seglossbench.cli.application import cli
from seglossbench.data.facts import CaseFacts
from seglossbench.data.splits import Split
from seglossbench.errors import InputError
from seglossbench.experiment import Experiment
from seglossbench.records import HistoryRow, note_divergence, run_in_progress, write_history
from seglossbench.tracking.local import LocalStore
from tests.analysis.made_scores import drawn
from tests.odd_names import ODD_NAMES

TABLES = {
    "answers", "means", "differences", "places", "groups", "agreement", "curves", "curves_runs", "stability",
    "stability_pairs", "runs", "notices", "sensitivity", "interactions", "subgroups", "cases", "by_case",
    "sizes", "parts", "by_run",
}  # fmt: skip


def test_every_table_has_the_columns_that_the_page_reads():
    tables = analyse(drawn({"a": 0.3, "b": 0.0}), Options())
    assert set(tables) >= TABLES
    assert {"seed_gap", "p_adjusted", "family", "family_size"} <= set(tables["differences"])
    assert {"rank_lo", "tied_with_best", "case_share", "seed_share"} <= set(tables["means"])
    assert tables["answers"]["verdict"].iloc[0] in ("settled", "partly settled", "not settled")


def test_the_same_scores_give_the_same_tables():
    scores = drawn({"a": 0.3, "b": 0.0, "c": 0.1})
    first, second = (analyse(scores, Options()) for _ in range(2))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])


def test_the_metric_that_decides_is_named_or_found():
    scores = drawn({"a": 0})
    assert decisive(scores, None) == "DSC"
    assert decisive(drawn({"a": 0}, metric="HD95"), None) == "HD95"
    with pytest.raises(InputError, match="decides: 'DCS' was not scored; did you mean 'DSC'"):
        decisive(scores, "DCS")


def test_four_equal_losses_crown_none():
    tables = analyse(drawn(dict.fromkeys("abcd", 0), cases=20), Options())
    assert tables["means"]["tied_with_best"].all()
    assert tables["answers"]["verdict"].tolist() == ["not settled"]


def test_losses_that_score_the_same_are_said_to():
    perfect = drawn({"a": 0, "b": 0}, metric="HD95", cases=4).assign(value="0")
    for scores, mean in ((perfect, 0), (perfect.assign(metric="DSC", value="1"), 1)):
        tables = analyse(scores, Options())
        assert tables["means"]["mean"].to_numpy() == pytest.approx(mean)
        answer = tables["answers"].iloc[0]
        assert answer["verdict"] == "not settled"
        assert answer["finding"].startswith("None can be told from the best. a has the same mean as b (")
        assert (tables["differences"]["p"] == 1).all()


def test_places_are_shares_of_redraws_and_groups_are_who_stands_together():
    tables = analyse(drawn({"a": 1.5, "b": 0, "c": 0}, cases=30, seeds=5, seed_sd=0.02), Options())
    places = tables["places"]
    assert places.groupby("loss")["frequency"].sum().tolist() == pytest.approx([1, 1, 1])
    assert places.loc[(places["loss"] == "a") & (places["place"] == 1), "frequency"].item() == 1
    assert tables["groups"]["loss"].tolist() in (["b", "c"], ["c", "b"])


def test_orders_of_datasets_and_metrics_are_compared():
    one = drawn({"a": 2, "b": 1, "c": 0}, seed_sd=0.01)
    scores = pd.concat(
        [one, drawn({"a": 2, "b": 1, "c": 0}, seed_sd=0.01, metric="HD95"), one.assign(dataset="e")]
    )
    table = analyse(scores.reset_index(drop=True), Options())["agreement"]
    assert set(table["what"]) == {"metrics", "datasets"}
    assert (table["tau"] == 1).all()


def test_notices_say_what_few_seeds_networks_and_failures_allow():
    scores = drawn({"a": 0, "b": 0}, seeds=2, networks=("n", "m"))
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates().assign(state="DONE", reason="")
    runs.loc[runs.index[0], "state"] = "DIVERGED"
    texts = " ".join(analyse(scores, Options(), runs=runs)["notices"]["text"])
    assert "Two seeds." in texts
    assert "the 2 networks run" in texts
    assert "1 of 4 runs of a failed (95 % interval 1 to 81 %). Mean of all runs" in texts
    assert "0 of 4 runs of b failed; the share may still be up to 60 %" in texts
    assert "No class was missed in 12 cases: up to 22 % may fail." in texts


def test_the_mean_beside_failed_runs_is_that_of_the_tables():
    scores = drawn({"a": 0.0}, seeds=3, metric="HD95")
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates().assign(state="DONE", reason="")
    runs.loc[runs.index[0], "state"] = "DIVERGED"
    tables = analyse(scores, Options(), runs=runs)
    means = tables["means"]
    mean = means.loc[means["class"] == ALL, "mean"].item()
    assert f"Mean of all runs {mean:.3f}, of those" in " ".join(tables["notices"]["text"])


def test_notices_say_which_seeds_and_cases_are_not_compared():
    scores = drawn({"a": 0, "b": 0}, cases=4)
    scores = scores[(scores["loss"] != "a") | (scores["seed"] != "1")].reset_index(drop=True)
    scores.loc[(scores["loss"] == "b") & (scores["case"] == "case2") & (scores["seed"] == "0"), "value"] = ""
    told = analyse(scores, Options())["notices"].set_index("kind")["text"]
    assert "a lacks 1. A mean is over a loss's own seeds" in " ".join(told["seeds"])
    assert told["excluded"].startswith("1 case of b without DSC of some class and seed")


def test_a_run_that_is_not_finished_is_listed_and_enters_no_share():
    scores = drawn({"a": 0}, seeds=2)
    runs = scores[["dataset", "network", "loss", "seed"]].drop_duplicates().assign(state="DONE", reason="")
    more = runs.iloc[[0]].assign(seed="7", state="FAILED", reason="out of memory")
    tables = analyse(scores, Options(), runs=pd.concat([runs, more], ignore_index=True))
    assert len(tables["runs"]) == 3
    assert tables["stability"]["runs"].tolist() == [2]


@pytest.mark.parametrize("column", ["dataset", "network", "loss", "class"])
def test_odd_names_come_out_as_they_went_in(tmp_path, column):
    names = [*ODD_NAMES[:25], ALL]
    frames = [drawn({"a": 0, "b": 0}, seeds=2, cases=2, classes=1).assign(**{column: name}) for name in names]
    scores = pd.concat(frames).drop_duplicates(["dataset", "network", "loss", "seed", "case", "class"])
    table = analyse(check_scores(scores), Options())["means"]
    write_table(tmp_path / "means.csv", table)
    own = [name if name != ALL or column in ("dataset", "loss") else "\\*" for name in names]
    assert set(read_table(tmp_path / "means.csv")[column]) >= set(own)


def test_anybodys_scores_become_tables_by_one_command(tmp_path):
    drawn({"a": 1.0, "b": 0.0}, cases=20, seed_sd=0.02).to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "mine.yaml").write_text(
        "M1: {question: q, claim: It is., test: difference, loss: a, against: [b]}\n"
    )
    pairs = [f"case{case},p{case // 2}" for case in range(20)]
    (tmp_path / "cases.csv").write_text("\n".join(["case,patient", *pairs]) + "\n")
    out = tmp_path / "out"
    words = ["analyse", "--scores", tmp_path / "scores.csv", "--claims", tmp_path / "mine.yaml", "--out", out]
    answer = CliRunner().invoke(cli, [str(word) for word in [*words, "--cases", tmp_path / "cases.csv"]])
    assert answer.exit_code == 0, answer.output
    assert {file.name.partition(".")[0] for file in out.iterdir()} == {*TABLES, "metrics", "provenance"}
    answers = read_table(out / "answers.csv")
    assert answers[["id", "verdict"]].to_numpy().tolist() == [
        ["best d n", "settled"], ["M1", "supported"], ["M1.1", "supported"]
    ]  # fmt: skip
    assert answers["patients"].tolist() == [10, 10, 10]
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["d"]["n"]["a"]["DSC"]["mean"] > metrics["d"]["n"]["b"]["DSC"]["mean"]
    provenance = json.loads((out / "provenance.json").read_text())
    assert len(provenance["scores"][str(tmp_path / "scores.csv")]) == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scores", "nowhere.csv"], "nowhere.csv: No such file"),
        (["--scores", "."], ".: holds no LOSS/SEED.csv"),
        (["--scores", "empty.csv"], "empty.csv: no scores, only the names of columns"),
        (["--scores", "scores.csv", "--decides", "HD"], "decides: 'HD' was not scored"),
        (["--scores", "scores.csv", "--cases", "scores_.csv"], "scores_.csv: no column 'case'"),
        (["--scores", "scores.csv", "--sizes", "scores_.csv"], "needs the columns class and size"),
        (["--scores", "scores.csv", "--baseline", "aa"], "--baseline: no scores of the loss 'aa'"),
        (
            ["--scores", "scores.csv", "--cases", "others.csv"],
            "others.csv: has no case of the scores; it has 'x'",
        ),
        (
            ["--scores", "scores.csv", "--sizes", "sizes.csv"],
            "sizes.csv: has no class of the scores, such as 'cl",
        ),
        (["--decides", "HD"], "--decides: goes with --scores"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(project, words, message):
    drawn({"a": 0}).to_csv("scores.csv", index=False)
    (project / "scores_.csv").write_text("x,y\n1,2\n")
    (project / "others.csv").write_text("case,site\nx,A\n")
    (project / "sizes.csv").write_text("class,size\nliver,3\n")
    (project / "empty.csv").write_text("case,class,metric,value\n")
    answer = CliRunner().invoke(cli, ["analyse", *words])
    assert answer.exit_code == 1
    assert isinstance(answer.exception, InputError)
    assert message in str(answer.exception)


@pytest.fixture
def scored(project):
    """An experiment of made-up runs, one of which diverged and one of which is missing."""
    (project / "experiments/made.yaml").write_text(
        "grid: {datasets: [brats_phantom], networks: [unet], losses: [ce_dice, cwcd], seeds: [0, 1, 2, 3]}\n"
    )
    experiment = Experiment.load(overrides={"experiment": "made"})
    scores = drawn(
        {"ce_dice": 0.0, "cwcd": 1.0}, cases=15, seeds=4, dataset="brats_phantom", networks=("unet",)
    )
    for run in experiment.runs[:-1]:
        with run_in_progress(run.folder, run.settings.model_dump(mode="json")) as folder:
            rows = [
                HistoryRow(epoch, epoch, split, name, 0.1 * epoch)
                for epoch in range(1, 9)
                for split, name in [("train", "loss"), ("validation", "DSC"), ("cost", "seconds")]
            ]
            write_history(folder / "history.csv", rows)
            if run is experiment.runs[0]:
                note_divergence(folder, 3, "loss is nan in epoch 3, step 8")
        of_run = scores[(scores["loss"] == run.loss) & (scores["seed"] == str(run.seed))]
        run.scores.parent.mkdir(parents=True)
        of_run.to_csv(run.scores, index=False)
    return experiment


def test_an_experiment_ends_in_verdicts_on_its_phantoms_only(scored, tmp_path):
    folder = stages.analyse(scored, tmp_path / "out")
    answers = read_table(folder / "answers.csv").set_index("id")
    assert answers.loc["A1", "verdict"] == "supported"
    assert answers.loc["A1", "scope"] == "these phantoms only · brats_phantom"
    assert answers.loc["A2", ["verdict", "finding"]].tolist() == [
        "not tested",
        "needs 2 networks with both losses",
    ]
    assert answers.loc["B1", "finding"].startswith("runs of rrw are missing")
    runs = read_table(folder / "runs.csv")
    assert runs["state"].tolist() == ["DIVERGED", *["DONE"] * 6, "NOT_LAUNCHED"]
    stability = read_table(folder / "stability.csv").set_index("loss")
    assert stability.loc["ce_dice", ["runs", "failed", "diverged"]].tolist() == [4, 1, 1]
    assert stability.loc["cwcd", "s_per_epoch"] == pytest.approx(0.45)
    curves = read_table(folder / "curves.csv")
    assert set(curves["curve"]) == {"train_loss", "val_DSC"}
    assert set(curves["axis"]) == {"epoch", "hours"}


def test_an_experiment_names_its_metric_and_claims_in_params(scored, project, tmp_path):
    (project / "own.yaml").write_text(
        "M: {question: q, claim: c, test: non_inferiority, loss: cwcd, against: [ce_dice], margin: 0.01}\n"
    )
    changes = {"experiment": "made", "analyse": {"claims": "own.yaml", "decides": "HD95"}}
    with pytest.raises(InputError, match="decides: 'HD95' was not scored"):
        stages.analyse(Experiment.load(overrides=changes), tmp_path / "out")
    changes["analyse"] = {"claims": "own.yaml"}
    folder = stages.analyse(Experiment.load(overrides=changes), tmp_path / "out")
    assert read_table(folder / "answers.csv").set_index("id").loc["M", "verdict"] == "supported"


def test_an_experiment_takes_columns_of_ones_own_that_part_its_cases(scored, project, tmp_path):
    sites = ["case,site,patient", *(f"case{case},{'AB'[case % 2]},p{case // 3}" for case in range(15))]
    (project / "cases.csv").write_text("\n".join(sites) + "\n")
    changes = {"experiment": "made", "analyse": {"cases": "cases.csv"}}
    changed = Experiment.load(overrides=changes)
    assert [run.id for run in changed.runs] == [run.id for run in scored.runs]
    tables, _ = read_analysis(stages.analyse(changed, tmp_path / "out"))
    of_sites = tables["subgroups"]
    assert of_sites[["column", "part", "cases"]].to_numpy().tolist() == [["site", "A", 8], ["site", "B", 7]]
    assert (tables["means"]["patients"] == 5).all()
    with pytest.raises(InputError, match=r"nowhere\.csv: No such file"):
        stages.analyse(Experiment.load(overrides=changes | {"analyse": {"cases": "nowhere.csv"}}), tmp_path)


def test_patients_and_sizes_are_those_of_the_prepared_cases(scored, tmp_path, monkeypatch):
    facts = [
        CaseFacts(f"case{n}", f"p{n // 5}", "", "", (1,), (1.0,), {"class0": 10.0 * n, "class1": 5.0})
        for n in range(15)
    ]
    monkeypatch.setattr("seglossbench.stages.analysis.facts_of_prepared", lambda prepared: facts)
    prepared = SimpleNamespace(regions={"both": ("class0", "class1")})
    monkeypatch.setattr("seglossbench.stages.analysis.PreparedDataset", lambda folder: prepared)
    split = Split(("a", "b"), ("c",), ("d",), "official")
    monkeypatch.setattr("seglossbench.stages.analysis.split_of", lambda dataset, prepared: split)
    tables, provenance = read_analysis(stages.analyse(scored, tmp_path / "out"))
    assert (tables["means"]["patients"] == 3).all()
    told = provenance["datasets"]["brats_phantom"]["split"]
    assert (told["method"], told["train"], told["validation"], told["test"]) == ("official", 2, 1, 1)


def test_an_experiment_without_scores_says_so(project, tmp_path):
    with pytest.raises(InputError, match="no scores yet"):
        stages.analyse(Experiment.load(overrides={"experiment": "tiny"}), tmp_path)


def test_the_benchmark_of_a_million_scores_does_what_it_times(tmp_path):
    axes = {"dataset": 1, "network": 2, "loss": 3, "seed": 2, "case": 12, "class": 4}
    rows, _, memory_mb = bench_analysis.analysed(tmp_path, axes)
    assert rows == len(bench_analysis.scores(axes)) > 3 * 2 * 3 * 2 * 12 * 4
    assert memory_mb > 0
    tables, _ = read_analysis(tmp_path / "analysis")
    metrics = {*bench_analysis.METRICS, "missed_rate", "false_alarm_rate"}
    assert set(tables["means"]["metric"]) == set(tables["by_run"]["metric"]) == metrics
    assert (tables["means"]["seeds"] == 2).all()


def test_a_case_without_a_row_or_a_patient_is_one_of_its_own_and_told(tmp_path):
    scores = drawn({"a": 0.5, "b": 0}, cases=6)
    scores.to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "cases.csv").write_text("case;patient;site\ncase0;p;A\ncase1;p;A\ncase2;;A\ncase3;;B\n")
    words = [
        "--scores",
        tmp_path / "scores.csv",
        "--cases",
        tmp_path / "cases.csv",
        "--out",
        tmp_path / "out",
    ]
    answer = CliRunner().invoke(cli, ["analyse", *map(str, words)])
    assert "cases.csv: has no row for 2 cases, such as case4" in answer.output
    tables, _ = read_analysis(tmp_path / "out")
    assert (tables["means"]["patients"] == 5).all()
    assert tables["subgroups"].set_index("part")["cases"].to_dict() == {"A": 3, "B": 1}


def test_claims_of_ones_own_may_be_of_any_names(tmp_path):
    file = tmp_path / "claims.yaml"
    file.write_text("1: {question: q, claim: c, test: difference, loss: '?', against: ['*']}\n")
    claim = read_claims(file)["1"]
    assert claim.pairs_among(["a", "bb"]) == [("a", "bb")]
    assert np.isnan(
        analyse(drawn({"a": 0, "bb": 0}), Options(claims={"1": claim}))["answers"]["margin"]
    ).all()


def test_a_missing_distance_counts_as_the_penalty_that_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = drawn({"a": 0, "b": 0.3}, metric="HD95", cases=4, classes=1)
    table.loc[(table["loss"] == "a") & (table["case"] == "case0"), "value"] = "inf"
    table.to_csv("scores.csv", index=False)
    for name, words in {"usual": [], "asked": ["--penalty", "HD95=500"]}.items():
        answer = CliRunner().invoke(cli, ["analyse", "--scores", "scores.csv", "--out", name, *words])
        assert answer.exit_code == 0, answer.output
    usual, asked = (read_table(tmp_path / name / "means.csv") for name in ("usual", "asked"))
    of_a = [
        table.loc[(table["loss"] == "a") & (table["class"] == "*"), "mean"].iloc[0]
        for table in (usual, asked)
    ]
    assert of_a[1] > 1.5 * of_a[0]
    assert "500, as asked" in (tmp_path / "asked/notices.csv").read_text()


@pytest.mark.parametrize("given", ["HD95", "HD95=0", "HD95=much", "=3"])
def test_a_penalty_has_a_form(tmp_path, given):
    drawn({"a": 0}).to_csv(tmp_path / "scores.csv", index=False)
    words = ["analyse", "--scores", str(tmp_path / "scores.csv"), "--penalty", given]
    answer = CliRunner().invoke(cli, words)
    assert "METRIC=VALUE" in str(answer.exception)


def test_an_experiment_tells_its_runs_adoptions_their_place_in_mlflow_and_its_splits(
    scored, tmp_path, monkeypatch
):
    module, code = next(iter(scored.runs[0].settings.code.items()))
    adoption = Adoption(
        date="2999-01-01", because="only words", modules={module: Change(before=code, after="x")}
    )
    monkeypatch.setattr(adopted, "read", lambda file=None: (adoption,))
    page = "#/experiments/1/runs/abc"
    monkeypatch.setattr(LocalStore, "pages_of", lambda *_: {scored.runs[0].id: page})
    tables, provenance = read_analysis(stages.analyse(scored, tmp_path / "out"))
    runs = tables["runs"].set_index("id")
    assert runs.loc[scored.runs[0].id, ["adopted", "mlflow"]].tolist() == ["only words", page]
    assert runs.loc[scored.runs[-1].id, ["adopted", "mlflow"]].tolist() == ["", ""]
    assert provenance["datasets"]["brats_phantom"]["licence"] == "drawn by this program"


def test_the_same_table_makes_the_same_archive(tmp_path):
    table = pd.DataFrame({"loss": ["ce", "dice"], "value": [0.25, 1 / 3]})
    files = [tmp_path / folder / "curves_runs.csv.gz" for folder in ("one", "two")]
    for file in files:
        file.parent.mkdir()
        write_table(file, table)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert read_table(files[0])["value"].tolist() == [0.25, 0.333333]
