import numpy as np
import pytest

from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.prepared import PreparedDataset
from seglossbench.params import PreprocessParams


@pytest.fixture
def cases(tmp_path, write_nifti):
    """Two prepared cases of 3 classes; every voxel's intensity is its own, so that a patch can be found again."""
    generator = np.random.default_rng(0)
    raw = []
    for name in ("a", "b"):
        labels = np.zeros((10, 9, 8), np.uint8)
        labels[2:7, 2:7, 2:6] = 1
        labels[4:6, 4:6, 3:5] = 2
        image = generator.permutation(labels.size).reshape(labels.shape) + 1.0
        image_file = write_nifti(tmp_path / f"{name}.nii", image.astype(np.float32))
        raw.append(Case(name, (image_file,), write_nifti(tmp_path / f"{name}_l.nii", labels), "MRI"))
    index = CaseIndex("brats", ("t1",), {"background": 0, "organ": 1, "core": 2}, tuple(raw))
    preprocess_dataset(index, PreprocessParams(), tmp_path / "prepared", "x", raw=tmp_path, known=tmp_path)
    return list(PreparedDataset(tmp_path / "prepared").cases.values())
