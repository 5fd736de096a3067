"""The phantom of discs is as difficult as its dials say."""

import numpy as np
import pytest

from seglossbench.acquisition.archives import extract
from seglossbench.data.images import read_volume
from seglossbench.data.layouts import index_cases
from seglossbench.params import DatasetParams, PhantomParams
from seglossbench.phantoms import discs


@pytest.fixture
def drawn(tmp_path):
    """A function that draws a phantom with these dials: the label maps of its training and of its test cases."""

    def draw(**dials):
        settings = PhantomParams(layout="discs", training=6, test=6, shape=(40, 40, 10), **dials)
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        discs.draw(folder / "discs.zip", settings)
        extract(folder / "discs.zip", folder / "raw")
        index = index_cases(folder / "raw", DatasetParams())
        assert (index.layout, list(index.label_values)) == ("nnunet", ["background", "disc"])
        labels = {
            part: np.stack(
                [read_volume(case.labels).array[0] for case in index.cases if case.official == part]
            )
            for part in ("train", "test")
        }
        images = np.stack([read_volume(case.images[0]).array[0] for case in index.cases])
        return labels["train"], labels["test"], images

    return draw


@pytest.mark.parametrize("share", [0.1, 0.01])
def test_discs_have_their_share_of_the_pixels(drawn, share):
    train, test, _ = drawn(disc_share=share)
    assert train.mean() == pytest.approx(share, rel=0.1)
    assert test.mean() == pytest.approx(share, rel=0.1)


def test_the_smallest_disc_is_a_pixel(drawn):
    train, _, _ = drawn(disc_share=0.0001)
    assert (train.sum(axis=(1, 2)) >= 1).all()


def test_a_share_of_the_slices_is_empty_in_label_and_image(drawn):
    train, test, images = drawn(empty_share=0.4)
    for labels in (train, test):
        assert ((labels.sum(axis=(1, 2)) == 0).sum(axis=1) == 4).all()
    empty = np.concatenate([train, test]).sum(axis=(1, 2)) == 0
    means = images.mean(axis=(1, 2))
    assert means[~empty].mean() - means[empty].mean() == pytest.approx(100 * discs.DISC * 0.1, rel=0.3)


def test_rims_are_wrong_in_training_and_true_in_test(drawn):
    (clean, true, images), (noisy, still_true, same) = drawn(), drawn(rim_noise=2)
    assert 0.02 < (clean != noisy).mean() < 0.1
    assert noisy.mean() == pytest.approx(clean.mean(), rel=0.15)  # as often too far out as too far in
    np.testing.assert_array_equal(true, still_true)
    np.testing.assert_array_equal(images, same)
