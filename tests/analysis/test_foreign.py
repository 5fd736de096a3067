"""Scores as other projects leave them."""

import json

import pytest

from seglossbench.analysis.foreign import read_scores
from seglossbench.errors import InputError
from seglossbench.standalone import report_scores


def case(name, **counts):
    tp, fp, fn = (counts[key] for key in ("TP", "FP", "FN"))
    total = 2 * tp + fp + fn
    dice = 2 * tp / total if total else float("nan")
    iou = tp / (tp + fp + fn) if total else float("nan")
    metrics = {"Dice": dice, "IoU": iou, "TN": 5, "n_pred": tp + fp, "n_ref": tp + fn, **counts}
    return {"metrics": {"1": metrics}, "prediction_file": f"x/{name}.nii.gz", "reference_file": "y.nii.gz"}


def summary(folder, *cases):
    folder.mkdir(parents=True)
    file = folder / "summary.json"
    file.write_text(json.dumps({"metric_per_case": cases, "mean": {}, "foreground_mean": {}}))
    return file


def test_folds_of_a_trainer_are_one_training_named_by_its_folders(tmp_path):
    trainer = tmp_path / "Dataset001_Hearts" / "nnUNetTrainerDiceCELoss__nnUNetPlans__2d"
    files = [
        summary(trainer / "fold_0" / "validation", case("a", TP=3, FP=1, FN=1)),
        summary(trainer / "fold_1" / "validation", case("b", TP=0, FP=0, FN=4), case("c", TP=0, FP=0, FN=0)),
    ]
    scores = read_scores(files)
    assert scores[["dataset", "network", "loss", "seed"]].drop_duplicates().to_numpy().tolist() == [
        ["Dataset001_Hearts", "nnUNetPlans 2d", "nnUNetTrainerDiceCELoss", "-"]
    ]
    found = {(row["case"], row["metric"]): row["value"] for row in scores.to_dict("records")}
    assert found["a", "DSC"] == "0.75"
    assert found["b", "DSC"] == "0"
    assert found["b", "status"] == "prediction_empty"
    assert found["c", "DSC"] == ""
    assert found["c", "status"] == "both_empty"
    assert ("a", "status") not in found


def test_a_summary_elsewhere_is_named_by_its_folder_and_makes_a_page(tmp_path):
    cases = [case(name, TP=tp, FP=1, FN=2) for name, tp in zip("abc", (3, 5, 9), strict=True)]
    files = [summary(tmp_path / loss, *cases) for loss in ("ce", "dice")]
    text = report_scores(files, tmp_path / "out").read_text(encoding="utf-8")
    assert "<h1>One seed cannot rank these two losses.</h1>" in text
    assert "<b>0.764</b>" in text, "the mean of 6 / 9, 10 / 13 and 18 / 21"
    assert "sha256" in text


def test_what_is_no_summary_is_refused_by_name(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InputError, match=r"x\.json: no summary\.json of nnU-Net"):
        read_scores([tmp_path / "x.json"])


def test_a_folder_of_published_tables_is_read(tmp_path):
    for loss, dice in (("CEDiceLoss", 0.5), ("TopoLoss", 0.75)):
        (tmp_path / "large" / loss).mkdir(parents=True)
        (tmp_path / "large" / loss / "1.csv").write_text(f"ID,Dice_mortar,HD95_mortar\n071,{dice},2.0\n")
    scores = read_scores([tmp_path / "large"])
    datasets = dict(zip(scores["loss"], scores["dataset"], strict=True))
    assert datasets == {"CEDiceLoss": "large", "TopoLoss": "large"}
    assert set(scores["case"]) == {"071"}
