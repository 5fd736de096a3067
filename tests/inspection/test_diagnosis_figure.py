import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from seglossbench.cli import main
from seglossbench.inspection.map_diagnosis import write_diagnosis
from seglossbench.maps import Truth

LABELS = np.zeros((1, 9, 7, 5), np.uint8)
LABELS[0, 1:4, 1:4, 2] = 1
LABELS[0, 5:8, 3:6, 2] = 2


def test_the_table_says_which_map_can_mislead(tmp_path):
    table = write_diagnosis(tmp_path, Truth(LABELS, 3), ["0", "1", "2"]).set_index("map")
    assert (table.loc[["active_contour", "rectified"], ["misled_voxels", "misled_pairs"]] == 0).all(axis=None)
    assert table.loc["boundary", "misled_voxels"] > 0.9
    # At equal probabilities the gradient of the active-contour map, by hand: (-1, 1, 1) less its mean, over 3 classes.
    assert table.loc["active_contour", "mean_push"] == pytest.approx((16 / 9 + 4 / 9 + 4 / 9) ** 0.5 / 3)
    assert table.loc["active_contour", "foreground_push"] == pytest.approx(1)
    assert table.loc["boundary", "foreground_push"] < 1  # the background's far corners are pushed most
    written = pd.read_csv(tmp_path / "maps.csv").set_index("map")
    np.testing.assert_allclose(written, table, rtol=1e-4)
    assert imread(tmp_path / "maps.png").std() > 0.1


def test_from_the_command_line_on_a_file_of_any_label_values(tmp_path, capsys):
    file = tmp_path / "case.nii.gz"
    nib.save(nib.Nifti1Image(LABELS[0] * 2, np.diag([-2.0, 1, 1, 1])), file)
    with pytest.raises(SystemExit, match="0"):
        main(["diagnose-maps", str(file), "--mm", "--out", str(tmp_path / "out")])
    assert "boundary" in capsys.readouterr().out
    assert (tmp_path / "out" / "maps.pdf").exists()
    # 2 mm voxels along x: the farthest background voxel is that much farther from class 1
    assert pd.read_csv(tmp_path / "out" / "maps.csv")["highest"][0] > 8


def test_a_file_of_one_label_is_an_error(tmp_path, capsys):
    file = tmp_path / "case.nii.gz"
    nib.save(nib.Nifti1Image(LABELS[0] * 0, np.eye(4)), file)
    with pytest.raises(SystemExit, match="2"):
        main(["diagnose-maps", str(file), "--out", str(tmp_path / "out")])
    assert "holds label 0 only" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
