"""2D networks from raw files to scores: on images, and on the slices of volumes."""

from urllib.parse import quote

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from seglossbench import stages
from seglossbench.data.prepared import PreparedDataset
from seglossbench.experiment import Experiment

SMALL = """
grid: {{datasets: [{dataset}], networks: [unet], losses: [{losses}], seeds: [0]}}
datasets: {{{dataset}: {changes}}}
maps: {{scope: patch}}
networks: {{unet: {{channels: [4, 8], strides: [2], num_res_units: 0}}}}
train: {{epochs: 2, steps_per_epoch: 3, patch_size: [16, 16], optimiser: {{learning_rate: 0.02}}}}
evaluate: {{predict: {{window_size: [32, 32]}}}}
track: {{live: false}}
"""


def run(project, dataset, losses, changes="{}", **overrides):
    """The experiment, every stage of which was called, and its only dataset's prepared cases."""
    (project / "experiments/small.yaml").write_text(
        SMALL.format(dataset=dataset, losses=losses, changes=changes)
    )
    experiment = Experiment.load(overrides={"experiment": "small", **overrides})
    (chosen,) = experiment.datasets
    stages.download(chosen)
    stages.preprocess(experiment, chosen)
    stages.cache_maps(experiment, chosen)
    for one in experiment.runs:
        stages.train(one)
        stages.evaluate(one)
    return experiment, PreparedDataset(chosen.prepared)


@pytest.fixture
def photographs(tmp_path):
    """Bright bars on a dark ground, as TopoMortar lies on disk, with published scores."""
    generator = np.random.default_rng(0)
    root = tmp_path / "photographs" / "dataset"
    names = {"train": ("001", "002", "003"), "val": ("051",), "test": ("071", "072")}
    for part, images in names.items():
        for name in images:
            mask = np.zeros((40, 48), np.uint8)
            first = int(generator.integers(4, 20))
            mask[first : first + 12] = 255
            pixels = generator.integers(0, 60, (40, 48, 3)) + mask[..., None] // 2
            for kind, array in (("images", pixels.astype(np.uint8)), ("accurate", mask)):
                file = root / part / kind / f"{name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(file)
    (root / "dataset_types.txt").write_text("ID,group\n")
    theirs = root.parent / "results/supervised/accurate/large/CEDiceLoss"
    theirs.mkdir(parents=True)
    (theirs / "1.csv").write_text("ID,Dice_mortar,HD95_mortar\n071,0.9,2.0\n072,0.8,3.0\n")
    return root.parent


def test_images_go_through_every_stage(project, photographs):
    published = "{format: topomortar, folder: supervised/accurate/large, losses: {CEDiceLoss: ce_dice}}"
    experiment, prepared = run(
        project,
        "topomortar",
        "ce_dice, cwcd, boundary_ce",
        f"{{published: {published}}}",
        data_root=str(photographs),
    )
    assert prepared.distance_unit == "px"
    for one in experiment.runs:
        scores = pd.read_csv(one.scores)
        assert set(scores["case"].astype(str)) == {"71", "72"}
        prediction = np.asarray(Image.open(one.predictions / "071.png"))
        assert prediction.shape == (40, 48)
        assert set(np.unique(prediction)) <= {0, 255}
    # So easy that a few steps find the bars: class indices, axes and values are those of the files.
    first = pd.read_csv(experiment.runs[0].scores)
    assert first.loc[first["metric"] == "DSC", "value"].astype(float).mean() > 0.6
    page = stages.report(experiment, project / "reports").read_text(encoding="utf-8")
    for words in ("Ours and published", "CEDiceLoss", "HD95 ↓ [px]"):
        assert words in page
    drawn = page[page.index('id="predictions"') :]
    assert "Not drawn" not in drawn
    assert drawn.count('<figure class="case"') == 2 + 2, (
        "two failures, and of two cases the worst and the best"
    )
    assert quote(f"../{experiment.runs[0].predictions}/071.png") in drawn


def test_a_2d_network_learns_the_slices_of_volumes(project):
    phantom = "{phantom: {layout: brats, training: 4, test: 2, shape: [32, 32, 32]}, split: hold_out}"
    experiment, prepared = run(project, "brats_phantom", "ce_dice, rrw_ce", phantom)
    for one in experiment.runs:
        scores = pd.read_csv(one.scores)
        assert scores["case"].nunique() == 2
        for case in scores["case"].unique():
            prediction = nib.load(one.predictions / f"{case}.nii.gz")
            truth = nib.load(one.dataset.raw / prepared.cases[case].truth)
            assert prediction.shape == truth.shape == (32, 32, 32)
