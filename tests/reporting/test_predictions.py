"""Pictures of predictions: what is cut, how it lies, and what the page shows of it."""

import re
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from seglossbench.errors import InputError
from seglossbench.inspection.cuts import BONE, SOFT_TISSUE, cuts, errors_of, masks_of
from seglossbench.inspection.scans import OpenScan, Scan, Scans
from seglossbench.reporting import Facts, panels, write_report
from seglossbench.reporting.outlines import outline

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
THICK = np.diag([1.0, 2.0, 5.0, 1.0])
"""Axes to the right, to the front and to the head; slices of 5 mm."""


def nifti(file, array, affine=THICK):
    file.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.asarray(array), affine), file)
    return file


def block(*box):
    array = np.zeros((24, 20, 8), np.uint8)
    array[tuple(slice(*ends) for ends in box)] = 1
    return array


def scan(folder, truth, image, modality="MRI", affine=THICK, channels=("T1",)):
    return Scan(
        nifti(folder / "truth.nii.gz", truth, affine),
        (nifti(folder / "image.nii.gz", image, affine),),
        channels,
        modality,
        {"liver": (1,)},
        "case.nii.gz",
    )


def only(opened, predictions=None, count=1):
    volumes = {loss: opened.prediction(file) for loss, file in (predictions or {}).items()}
    return list(cuts(opened, masks_of(opened, "liver", volumes), count))


@pytest.mark.parametrize(
    ("mask", "lines"),
    [
        ([[1, 1, 1]], ["M0 0h3v1h-3z"]),
        ([[1, 0], [0, 1]], ["M0 0h1v1h-1z", "M1 1h1v1h-1z"]),
        ([[1, 1, 1], [1, 0, 1], [1, 1, 1]], ["M0 0h3v3h-3z", "M1 2h1v-1h-1z"]),
        ([[0]], []),
    ],
)
def test_outlines_follow_the_edges_of_pixels(mask, lines):
    assert re.findall("M[^M]*", outline(np.array(mask, bool))) == lines


def test_the_patients_right_is_on_the_left_and_the_front_on_top(tmp_path):
    image = np.ones((24, 20, 8), np.float32)
    image[20, 16, 3] = 100  # right, front
    truth = block((20, 21), (16, 17), (3, 4))
    for name, affine in {"ras": THICK, "lps": np.diag([-1.0, -2.0, 5.0, 1.0])}.items():
        turned = [array[::-1, ::-1] if name == "lps" else array for array in (truth, image)]
        (cut,) = only(OpenScan(scan(tmp_path / name, *turned, affine=affine)))
        row, column = np.argwhere(cut.truth)[0]
        rows, columns = cut.truth.shape
        assert column < columns / 2, name
        assert row < rows / 2, name
        assert cut.pixels[row, column] == 255
        assert (cut.place, cut.count, cut.aspect) == (4, 8, 2.0)


def test_the_slice_shown_is_that_of_the_largest_disagreement(tmp_path):
    truth = block((5, 15), (5, 15), (1, 7))
    found = truth.copy()
    found[5:9, 5:15, 5] = 0
    found[5:6, 5:6, 2] = 0
    opened = OpenScan(scan(tmp_path, truth, truth.astype(np.float32)))
    files = {"dice": nifti(tmp_path / "dice.nii.gz", found), "ce": nifti(tmp_path / "ce.nii.gz", truth)}
    (cut,) = only(opened, files)
    assert cut.place == 6
    assert (cut.truth & ~cut.predictions["dice"]).sum() == 40
    assert (cut.truth == cut.predictions["ce"]).all()
    assert [one.place for one in only(opened, files, 3)] == [2, 5, 7]


def test_wrong_voxels_are_counted_in_every_slice_that_truth_or_a_prediction_has(tmp_path):
    truth, found = block((5, 15), (5, 15), (2, 5)), block((5, 14), (5, 15), (3, 7))
    opened = OpenScan(scan(tmp_path, truth, truth.astype(np.float32)))
    volumes = {"dice": opened.prediction(nifti(tmp_path / "dice.nii.gz", found))}
    errors = errors_of(masks_of(opened, "liver", volumes))
    assert errors.places == [3, 4, 5, 6, 7]
    assert errors.missed == {"dice": [100, 10, 10, 0, 0]}
    assert errors.false == {"dice": [0, 0, 0, 90, 90]}


@pytest.mark.parametrize(("value", "window"), [(60, SOFT_TISSUE), (600, BONE)])
def test_a_ct_is_seen_through_the_window_of_what_it_shows(tmp_path, value, window):
    truth = block((5, 15), (5, 15), (2, 5))
    image = np.where(truth, value, -1000).astype(np.int16)
    (cut,) = only(OpenScan(scan(tmp_path, truth, image, "CT")))
    expected = int(255 * (value - window[0]) / (window[1] - window[0]))
    assert cut.pixels.max() == expected
    assert cut.channel == ("bone window" if window is BONE else "soft tissue window")


def test_of_several_channels_that_is_shown_in_which_the_class_stands_out(tmp_path):
    truth = block((5, 15), (5, 15), (2, 5))
    noise = np.random.default_rng(0).normal(10, 1, (2, *truth.shape))
    image = np.moveaxis(noise + np.stack([truth * 0, truth * 9]), 0, -1).astype(np.float32)
    (cut,) = only(OpenScan(scan(tmp_path, truth, image, channels=("T1", "FLAIR"))))
    assert cut.channel == "FLAIR"


def test_a_photograph_is_shown_as_it_is(tmp_path):
    mask = np.zeros((40, 60), np.uint8)
    mask[2:6, 30:40] = 255
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    for name, array in (("mask.png", mask), ("photo.png", pixels)):
        Image.fromarray(array).save(tmp_path / name)
    given = Scan(
        tmp_path / "mask.png", (tmp_path / "photo.png",), tuple("RGB"), "RGB", {"liver": (255,)}, "c.png"
    )
    (cut,) = only(OpenScan(given))
    row, column = np.argwhere(cut.truth)[0]
    assert (cut.pixels[row, column] == pixels[2, 30]).all()
    assert (cut.count, cut.aspect, cut.channel) == (1, 1.0, "")


def test_a_prediction_on_another_grid_is_named(tmp_path):
    opened = OpenScan(scan(tmp_path, block((5, 15), (5, 15), (2, 5)), np.zeros((24, 20, 8), np.float32)))
    other = nifti(tmp_path / "other.nii.gz", np.zeros((9, 9, 9), np.uint8))
    with pytest.raises(InputError, match=r"other\.nii\.gz: has shape \(9, 9, 9\), its truth \(24, 20, 8\)"):
        opened.prediction(other)


@pytest.fixture
def drawn(tmp_path):
    """A function that writes a report of two losses, one with its files, and returns its part on predictions."""
    truth = block((5, 15), (5, 15), (2, 6))
    given = scan(tmp_path / "raw", truth, truth.astype(np.float32))
    nifti(tmp_path / "predictions/ce/case.nii.gz", block((5, 12), (5, 15), (2, 6)))
    scores = [
        ("d", "u", loss, str(seed), case, "liver", "DSC", value)
        for loss, value in (("ce", 0.2), ("<b>dice", 0.9))
        for seed in (0, 1)
        for case in ("case", "gone")
    ]
    names = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]

    def write(**more):
        scans = Scans({("d", "case"): given}, {("d", "u", "ce", "0"): tmp_path / "predictions/ce"}, **more)
        page = write_report(
            tmp_path / "report", pd.DataFrame(scores, columns=names), pd.DataFrame(), Facts("x"), scans=scans
        )
        text = page.read_text(encoding="utf-8")
        return page, text[
            text.index('id="predictions"') : text.index("</section>", text.index('id="predictions"'))
        ]

    return write


def test_the_page_shows_the_failure_first_and_says_what_it_cannot_draw(drawn):
    page, part = drawn(missing={"d": "raw data are gone"})
    assert part.index("Worst failures") < part.index("Class by class")
    assert "case</bdi>: DSC 0.200 of <bdi>liver</bdi> by <bdi>ce</bdi>" in part
    assert '<path d="' in part
    assert part.count('class="missed"') > 1, "the legend's and those of ce"
    assert "no file of the prediction" in part
    assert "<b>dice" not in part
    assert "Not drawn: " in part
    assert "raw data are gone" in part
    for link in re.findall(r'href="(\.\.[^"]+)"', part):
        assert (page.parent / link).is_file(), link


def test_pictures_beyond_what_a_page_can_carry_are_files(drawn, monkeypatch):
    monkeypatch.setattr(panels, "_EMBEDDED", 0)
    page, part = drawn()
    assert "data:image" not in part
    files = re.findall(r'<image id="p\d+" href="([^"]+)"', part)
    assert files
    assert all((page.parent / file).read_bytes()[8:12] == b"WEBP" for file in files)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_slider_goes_through_the_slices_and_nothing_is_blocked(drawn, tmp_path):
    page, _ = drawn()
    answer = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
            f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "CONSOLE" not in answer.stderr, answer.stderr
    slices = answer.stdout[answer.stdout.index('class="profile"') :]
    slices = slices[: slices.index("</details>")]
    assert '<input type="range" min="0" max="3"' in slices
    assert slices.count('data-at="') == 4
    (shown,) = re.findall(r'<div data-slice="(\d)" data-at="([\d.]+)">', slices)
    assert slices.count('hidden=""') == 3, "one is shown, and where it is in the curve of what is wrong"
    assert f'<line x1="{shown[1]}" x2="{shown[1]}"' in slices
    assert f"slice {shown[0]}: ce 30 missed, 0 false<" in slices
