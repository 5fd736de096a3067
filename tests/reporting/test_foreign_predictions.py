"""Anybody's predictions beside anybody's truth: a report of scores draws them, by folders of files alone."""

import json
import re

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from seglossbench.analysis.foreign import read_scores
from seglossbench.cli.application import cli
from seglossbench.errors import InputError
from seglossbench.standalone import Files, report_scores, score
from seglossbench.standalone.pictures import scans_of


def ball(shift):
    """Two labels, one around the other, moved by so many voxels."""
    places = np.indices((24, 20, 10)) - np.array([12 + shift, 10, 5])[:, None, None, None]
    away = np.sqrt((places**2).sum(0))
    return (away < 5).astype(np.uint8) + (away < 3)


def nifti(file, array):
    file.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([1.0, 1.0, 2.0, 1.0])), file)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Truth, images of two channels with a dataset.json, and predictions of two losses with their scores."""
    folder = tmp_path_factory.mktemp("foreign")
    for number, case in enumerate(("case_1", "case_2", "case_3")):
        nifti(folder / f"labelsTs/{case}.nii.gz", ball(number))
        for channel in range(2):
            nifti(folder / f"imagesTs/{case}_{channel:04d}.nii.gz", (100.0 * ball(number)).astype(np.float32))
        for loss, off in (("ce", 1), ("dice", 3)):
            nifti(folder / f"{loss}/{case}.nii.gz", ball(number + off))
    description = {"channel_names": {"0": "CT", "1": "dose"}, "labels": {"background": 0}}
    (folder / "dataset.json").write_text(json.dumps(description))
    for loss in ("ce", "dice"):
        score(
            folder / "labelsTs",
            folder / loss,
            "whole=1,2 core=2",
            ["DSC"],
            hd95="pooled",
            empty="diagonal",
            out=folder / f"{loss}.csv",
        )
    return folder


def pictures(folder, **more):
    predictions = [f"{loss}={folder / loss}" for loss in ("ce", "dice")]
    return Files(folder / "labelsTs", predictions, **({"images": folder / "imagesTs"} | more))


def part_of(page):
    text = page.read_text(encoding="utf-8")
    start = text.index('id="predictions"')
    return text[start : text.index("</section>", start)]


def test_scores_and_folders_make_pictures_with_links_to_the_files(folders, tmp_path):
    files = [folders / "ce.csv", folders / "dice.csv"]
    page = report_scores(files, tmp_path / "report", pictures(folders))
    part = part_of(page)
    assert "Not drawn" not in part
    assert "soft tissue window" in part
    assert part.index("Worst failures") < part.index("Class by class")
    assert part.count('class="missed"') > 5
    links = re.findall(r'href="(\.\.[^"]+)"', part)
    assert {link.rsplit("/", 2)[-2] for link in links} == {"labelsTs", "imagesTs", "ce", "dice"}
    for link in links:
        assert (page.parent / link).resolve().is_file()


def test_cases_and_runs_without_files_are_not_chosen(folders, tmp_path):
    few = tmp_path / "labelsTs"
    few.mkdir()
    (few / "case_2.nii.gz").write_bytes((folders / "labelsTs/case_2.nii.gz").read_bytes())
    files = Files(few, [f"ce={folders / 'ce'}"], folders / "imagesTs")
    part = part_of(report_scores([folders / "ce.csv", folders / "dice.csv"], tmp_path / "report", files))
    assert "Not drawn" not in part
    assert "case_2" in part
    assert "case_1" not in part
    assert 'data-loss="dice"' not in part


def test_the_command_names_folders_and_says_what_is_missing(folders, tmp_path):
    words = ["report", "--scores", str(folders / "ce.csv"), "--out", str(tmp_path / "out")]
    answer = CliRunner().invoke(cli, [*words, "--truth", str(folders / "labelsTs")])
    assert "pictures need both --truth FOLDER and --predictions" in str(answer.exception)
    given = ["--truth", str(folders / "labelsTs"), "--predictions", f"ce={folders / 'ce'}"]
    answer = CliRunner().invoke(cli, [*words, *given], catch_exceptions=False)
    assert answer.exit_code == 0
    assert '<path d="M' in part_of(tmp_path / "out/index.html")


def test_channels_are_those_of_the_case_and_no_others(folders):
    files = [folders / "ce.csv", folders / "dice.csv"]
    scans = scans_of(read_scores(files), pictures(folders, regions="whole=1,2 core=2"))
    scan = scans.cases["-", "case_2"]
    assert [file.name for file in scan.images] == ["case_2_0000.nii.gz", "case_2_0001.nii.gz"]
    assert (scan.channels, scan.modality, scan.classes) == (
        ("CT", "dose"),
        "CT",
        {"whole": (1, 2), "core": (2,)},
    )


def test_classes_that_are_called_by_labels_need_no_words(tmp_path):
    for name in ("truth", "ce"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.eye(9, dtype=np.uint8)).save(tmp_path / name / "a.png")
    (tmp_path / "ce.csv").write_text(
        'case,class,metric,value\na,1,DSC,1\na,"(1, 2)",DSC,1\na,3,status,both_empty\n'
    )
    files = Files(tmp_path / "truth", [f"ce={tmp_path / 'ce'}"])
    scan = scans_of(read_scores([tmp_path / "ce.csv"]), files).cases["-", "a"]
    assert (scan.classes, scan.modality, scan.images) == ({"1": (1,), "(1, 2)": (1, 2)}, "RGB", ())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ce", "'ce' is not of the form LOSS=FOLDER"),
        ("cee={}/ce", "no scores of 'cee'; did you mean 'ce'"),
        ("ce={}/ce", "'ce' has 2 runs; say which one, as d/u/ce/0="),
        ("u/ce={}/ce", "'u/ce' has 2 runs"),
        ("ce/1={}/nothing", "no such folder"),
    ],
)
def test_predictions_of_no_run_or_several_are_refused(folders, tmp_path, words, said):
    rows = [f"d,u,{loss},{seed},case_1,1,DSC,0.5" for loss in ("ce", "dice") for seed in (0, 1)]
    (tmp_path / "s.csv").write_text("dataset,network,loss,seed,case,class,metric,value\n" + "\n".join(rows))
    files = Files(folders / "labelsTs", [words.format(folders)])
    with pytest.raises(InputError, match=re.escape(said)):
        scans_of(read_scores([tmp_path / "s.csv"]), files)


def test_a_run_is_named_by_as_many_words_as_it_takes(folders, tmp_path):
    rows = [f"d,u,{loss},{seed},case_1,1,DSC,0.5" for loss in ("ce", "dice") for seed in (0, 1)]
    (tmp_path / "s.csv").write_text("dataset,network,loss,seed,case,class,metric,value\n" + "\n".join(rows))
    files = Files(folders / "labelsTs", [f"ce/1={folders / 'ce'}", f"d/dice/0={folders / 'dice'}"])
    found = scans_of(read_scores([tmp_path / "s.csv"]), files).runs
    assert found == {("d", "u", "ce", "1"): folders / "ce", ("d", "u", "dice", "0"): folders / "dice"}


def test_a_class_without_labels_and_a_truth_of_other_cases_are_refused(folders, tmp_path):
    (tmp_path / "s.csv").write_text("case,class,metric,value\ncase_1,liver,DSC,0.5\n")
    with pytest.raises(InputError, match="class 'liver': its labels are not known; name them by --regions"):
        scans_of(read_scores([tmp_path / "s.csv"]), Files(folders / "labelsTs", []))
    (tmp_path / "s.csv").write_text("case,class,metric,value\nother,1,DSC,0.5\n")
    with pytest.raises(InputError, match="holds no label map of a scored case"):
        scans_of(read_scores([tmp_path / "s.csv"]), Files(folders / "labelsTs", []))
