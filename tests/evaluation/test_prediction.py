import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from seglossbench import prediction, stages
from seglossbench.data.cases import Case, CaseIndex
from seglossbench.data.geometry import Geometry
from seglossbench.data.preparation.preprocessing import preprocess_dataset
from seglossbench.data.prepared import PreparedDataset, prediction_file
from seglossbench.evaluation.label_files import read_labels
from seglossbench.evaluation.scores import score_files
from seglossbench.experiment import Experiment
from seglossbench.params import PredictParams, PreprocessParams
from seglossbench.prediction import predict_volume, write_prediction


@pytest.mark.parametrize("name", ["brats_phantom", "amos_phantom"])
def test_the_truth_as_prediction_scores_one_in_the_raw_space(project, name):
    """From the raw archive through preparation, class indices and back: nothing may be turned, shifted or renamed."""
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    dataset = experiment.dataset(name)
    stages.download(dataset)
    stages.preprocess(experiment, dataset)
    prepared = PreparedDataset(dataset.prepared)
    pairs = []
    for case in prepared.cases.values():
        file = project / f"{case.name}.nii.gz"
        write_prediction(file, case.labels, tuple(prepared.label_values.values()), case.geometry)
        pairs.append((case.name, dataset.raw / case.truth, file))
    scores = score_files(pairs, classes=stages.scored_classes(prepared, "labels"), metrics=("DSC", "HD"))
    values = scores[scores["metric"] != "status"].dropna(subset="value")
    assert set(values["class"]) == set(prepared.foreground)
    assert set(values.loc[values["metric"] == "DSC", "value"]) == {1.0}
    assert set(values.loc[values["metric"] == "HD", "value"]) == {0.0}


def test_regions_join_their_classes(project):
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    dataset = experiment.dataset("brats_phantom")
    stages.download(dataset)
    stages.preprocess(experiment, dataset)
    regions = stages.scored_classes(PreparedDataset(dataset.prepared), "regions")
    assert {name: set(values) for name, values in regions.items()} == {
        "WT": {1, 2, 4},
        "TC": {1, 4},
        "ET": {4},
    }


def test_windows_cover_a_volume_of_any_size():
    network = nn.Conv3d(1, 2, 1)
    with torch.no_grad():
        network.weight[:] = torch.tensor([-1.0, 1.0]).reshape(2, 1, 1, 1, 1)
        network.bias[:] = 0
    image = np.random.default_rng(0).normal(size=(1, 7, 21, 10)).astype(np.float16)
    for window in ((8, 8, 8), (32, 32, 32)):
        settings = PredictParams(window_size=window, overlap=0.25)
        labels = predict_volume(network, image, (4, 4, 4), settings, torch.device("cpu"))
        np.testing.assert_array_equal(labels, image[0] > 0)


def test_flips_make_the_prediction_of_a_mirrored_image_the_mirrored_prediction():
    """A network that looks to one side only is as blind as before without them."""
    network = nn.Conv3d(1, 2, 3, padding=1)
    with torch.no_grad():
        network.weight.normal_(generator=torch.Generator().manual_seed(0))
        network.bias.zero_()
    image = np.random.default_rng(0).normal(size=(1, 8, 9, 10)).astype(np.float32)

    def predict(image, flips):
        settings = PredictParams(window_size=(8, 9, 10), flips=flips)
        return predict_volume(network, image, (8, 9, 10), settings, torch.device("cpu"))

    plain, mirrored = predict(image, True), predict(image[:, ::-1, :, ::-1], True)
    np.testing.assert_array_equal(mirrored, plain[::-1, :, ::-1])
    assert (predict(image[:, ::-1], False) != predict(image, False)[::-1]).any()


def test_a_prediction_has_the_raw_files_affine(project):
    experiment = Experiment.load(overrides={"experiment": "tiny"})
    dataset = experiment.dataset("brats_phantom")
    stages.download(dataset)
    stages.preprocess(experiment, dataset)
    case = next(iter(PreparedDataset(dataset.prepared).cases.values()))
    write_prediction(project / "p.nii.gz", case.labels, (0, 1, 2, 4), case.geometry)
    np.testing.assert_allclose(
        nib.load(project / "p.nii.gz").affine, nib.load(dataset.raw / case.truth).affine
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_2d_network_predicts_each_slice_by_itself(axis):
    network = nn.Conv2d(2, 3, 3, padding=1)
    with torch.no_grad():
        network.weight.normal_(generator=torch.Generator().manual_seed(0))
        network.bias.zero_()
    image = np.random.default_rng(0).normal(size=(2, 5, 6, 7)).astype(np.float32)
    settings, device = PredictParams(window_size=(8, 8)), torch.device("cpu")
    labels = predict_volume(network, image, (8, 8), settings, device, slice_axis=axis)
    assert labels.shape == (5, 6, 7)
    for place in range(labels.shape[axis]):
        alone = predict_volume(network, image.take(place, axis + 1), (8, 8), settings, device)
        np.testing.assert_array_equal(labels.take(place, axis), alone)


def test_a_window_of_the_images_own_size_says_what_the_network_says_of_it():
    """More slices than go through the network at once, so that they do in three portions."""
    network = nn.Conv2d(1, 3, 3, padding=1)
    with torch.no_grad():
        network.weight.normal_(generator=torch.Generator().manual_seed(0))
    image = np.random.default_rng(0).normal(size=(1, 5, 6, 7)).astype(np.float32)
    settings = PredictParams(window_size=(6, 7), window_batch=2)
    labels = predict_volume(network, image, (8, 8), settings, torch.device("cpu"), slice_axis=0)
    with torch.inference_mode():
        logits = network(torch.from_numpy(image).movedim(0, 1))
    np.testing.assert_array_equal(labels, logits.argmax(1))


def test_a_finer_grid_gets_finer_edges():
    """Logits fall linearly from 1 to -3 between two pixels, so that the edge lies a quarter of the way."""
    network = nn.Conv2d(1, 2, 1)
    with torch.no_grad():
        network.weight[:] = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1)
        network.bias.zero_()
    image = np.array([[[1.0, -3.0]]] * 2, np.float32).reshape(1, 2, 2)
    settings, device = PredictParams(window_size=(2, 2)), torch.device("cpu")
    labels = predict_volume(network, image, (2, 2), settings, device, shape=(2, 16))
    # pixel centres are 1/8 apart; 0.25 + 0.5 of 2
    np.testing.assert_array_equal(labels, [[1] * 6 + [0] * 10] * 2)


def test_an_image_is_written_as_png_in_its_own_values(tmp_path):
    geometry = Geometry(
        (2, 3), tuple(map(tuple, np.eye(4).tolist())), ((0, 1), (1, 1)), ((0, 2), (0, 3)), (1, 1)
    )
    labels = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
    write_prediction(tmp_path / "a.png", labels, (0, 255), geometry)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png").labels, labels * 255)


@pytest.mark.parametrize("suffix", [".nii.gz", ".png"])
@pytest.mark.parametrize("value", [255, 300, 60000])
def test_an_image_as_its_own_truth_scores_one_in_its_format(tmp_path, write_nifti, suffix, value):
    """2D NIfTI has a voxel size, which a prediction as PNG would lose; its labels need not fit into a byte."""
    labels = np.zeros((6, 8), np.uint16)
    labels[2:5, 3:6] = value
    files = [tmp_path / f"{name}{suffix}" for name in ("image", "labels")]
    for file in files:
        if suffix == ".png":
            Image.fromarray(labels).save(file)
        else:
            write_nifti(file, labels, np.diag([-0.5, 2, 1, 1]))
    index = CaseIndex(
        "images", ("grey",), {"background": 0, "thing": value}, (Case("a", (files[0],), files[1], "MRI"),)
    )
    folder = tmp_path / "prepared" / "images"
    preprocess_dataset(
        index,
        PreprocessParams(preset="nnunet"),
        folder,
        "images",
        raw=tmp_path,
        learn_from=("a",),
        known=tmp_path / "known",
    )
    prepared = PreparedDataset(folder)
    case = prepared.cases["a"]
    assert prepared.distance_unit == ("px" if suffix == ".png" else "mm")
    file = prediction_file(tmp_path / "predictions", case)
    assert file.name == f"a{suffix}"
    write_prediction(file, case.labels, (0, value), case.geometry)
    scores = score_files([("a", files[1], file)], classes={"thing": (value,)}, metrics=("DSC", "HD"))
    assert dict(zip(scores["metric"], scores["value"].astype(str), strict=True))["DSC"] == "1.0"


class OfTheWindow(nn.Module):
    """Logits 0 for the background, and for the other class everywhere what a function says of the whole window."""

    def __init__(self, logit):
        super().__init__()
        self.logit = logit

    def forward(self, windows):
        other = torch.stack([torch.full(window.shape[1:], self.logit(window[0])) for window in windows])
        return torch.stack([torch.zeros_like(other), other], dim=1)


@pytest.mark.parametrize(("average", "expected"), [("logits", 1), ("probabilities", 0)])
def test_one_sure_voice_outweighs_three_against_it_in_logits_alone(average, expected):
    """Of a window's four mirror images one says 10 and three say -3: the mean logit is 0.25, the mean share 0.29."""
    image = np.zeros((1, 4, 4), np.float32)
    image[0, 0, 0] = 1
    network = OfTheWindow(lambda window: 10.0 if window[0, 0] == 1 else -3.0)
    settings = PredictParams(flips=True, average=average)
    labels = predict_volume(network, image, (4, 4), settings, torch.device("cpu"))
    assert np.unique(labels).tolist() == [expected]


@pytest.mark.parametrize(("mode", "expected"), [("gaussian", 1), ("constant", 0)])
def test_the_middle_of_a_window_weighs_more_than_its_edge(mode, expected):
    """Two windows of 8 see column 4, one in its middle that says 1 and one at its edge that says -1.5."""
    image = np.zeros((1, 8, 12), np.float32)
    image[0, :, 0] = 1
    network = OfTheWindow(lambda window: 1.0 if window.max() == 1 else -1.5)
    labels = predict_volume(network, image, (8, 8), PredictParams(mode=mode), torch.device("cpu"))
    assert (labels[:, 4] == expected).all()


def test_a_volume_that_the_gpu_cannot_hold_is_summed_up_on_the_host(monkeypatch):
    image = np.random.default_rng(0).normal(size=(2, 12, 10, 8)).astype(np.float32)
    network = nn.Conv3d(2, 3, 3, padding=1)
    expected = predict_volume(network, image, (8, 8, 8), PredictParams(), torch.device("cpu"))
    summed = prediction._by_windows
    tried = []

    def small_gpu(network, inputs, window_size, settings, device, sums):
        tried.append((device.type, sums.type))
        if sums.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 4.00 GiB.")
        return summed(network, inputs, window_size, settings, sums, sums)

    monkeypatch.setattr(prediction, "_by_windows", small_gpu)
    found = predict_volume(network, image, (8, 8, 8), PredictParams(), torch.device("cuda"))
    np.testing.assert_array_equal(found, expected)
    assert tried == [("cuda", "cuda"), ("cuda", "cpu")]
