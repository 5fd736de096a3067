import numpy as np
import pytest
from PIL import Image

from seglossbench.data.layouts import index_cases
from seglossbench.data.splits import split_cases
from seglossbench.errors import InputError
from seglossbench.params import DatasetParams


@pytest.fixture
def folder(tmp_path):
    """The layout as it comes out of the archive: two images to train, one to validate, three to test."""
    root = tmp_path / "TopoMortar-main" / "dataset"
    for part, names in {"train": ("001", "002"), "val": ("051",), "test": ("071", "072", "121")}.items():
        for kind, channels in {"images": (3,), "accurate": (), "noisy": ()}.items():
            for name in names:
                file = root / part / kind / f"{name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.zeros((4, 4, *channels), np.uint8)).save(file)
    (root / "dataset_types.txt").write_text("ID,group\n001,indistr\n071,indistr\n072,indistr\n121,shadows\n")
    return tmp_path


def test_official_parts_without_the_images_of_other_distributions(folder):
    index = index_cases(folder)
    assert index.layout == "topomortar"
    assert [(case.name, case.official) for case in index.cases] == [
        *(("001", "train"), ("002", "train"), ("051", "validation"), ("071", "test"), ("072", "test"))
    ]
    assert index.cases[0].labels.parent.name == "accurate"
    assert dict(index.label_values) == {"background": 0, "mortar": 255}
    split = split_cases(index.cases, DatasetParams(), "topomortar")
    assert (split.train, split.validation, split.test) == (("001", "002"), ("051",), ("071", "072"))


def test_a_missing_mask_is_named(folder):
    (folder / "TopoMortar-main/dataset/test/accurate/072.png").unlink()
    with pytest.raises(InputError, match=r"accurate/072\.png: no mask of .*images/072\.png"):
        index_cases(folder)


def test_groups_that_cannot_be_read_are_named(folder):
    (folder / "TopoMortar-main/dataset/dataset_types.txt").write_text("name,kind\n001,indistr\n")
    with pytest.raises(InputError, match=r"dataset_types\.txt: expected the columns ID and group"):
        index_cases(folder)


def test_the_real_images(realdata):
    index = index_cases(realdata / "topomortar")
    split = split_cases(index.cases, DatasetParams(), "topomortar")
    assert (len(split.train), len(split.validation), len(split.test)) == (50, 20, 50)
    assert (split.test[0], split.test[-1]) == ("071", "120")
