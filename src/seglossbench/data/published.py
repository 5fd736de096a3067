"""Scores that others published for the same test cases, as tidy scores, to stand beside ours in the report.

``FORMATS`` names the ways in which they come: a function per format, from a folder to the columns of SCORES.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from seglossbench.errors import InputError
from seglossbench.experiment import Dataset, Experiment
from seglossbench.registry import FORMATS
from seglossbench.vocabulary.tables import SCORES, STATUS

register = FORMATS.register
TOPOMORTAR_METRICS = {"Dice_mortar": "DSC", "HD95_mortar": "HD95"}
TOPOMORTAR_UNDEFINED = 9999999
# of 512 x 512 pixels, which its authors take where a distance is undefined
TOPOMORTAR_DIAGONAL_PX = 722.6631303726516


@dataclass(frozen=True)
class Published:
    """Published scores (columns SCORES, their own names of losses) and what a reader must know to compare.

    ``losses`` are their names of losses to ours; the protocols say under the same keys how theirs and ours were made.
    """

    scores: pd.DataFrame
    losses: Mapping[str, str]
    source: str
    protocol: Mapping[str, str]
    our_protocol: Mapping[str, str]


def of_dataset(experiment: Experiment, dataset: Dataset, test: Collection[str]) -> Published | None:
    """The scores that others published for the ``test`` cases of a dataset, where params name any."""
    params, folder = dataset.params.published, published_folder(dataset)
    if params is None or folder is None:
        return None
    return Published(
        read_published(folder, params.format, dataset.name, test),
        losses=params.losses,
        source=params.source,
        protocol=params.protocol,
        our_protocol=_our_protocol(experiment, dataset),
    )


def published_folder(dataset: Dataset) -> Path | None:
    """Where the published scores lie, somewhere below the raw data; raises InputError where they do not."""
    params = dataset.params.published
    if params is None:
        return None
    found = sorted(path for path in dataset.raw.glob(f"**/{params.folder}") if path.is_dir())
    if not found:
        raise InputError(
            f"datasets.{dataset.name}.published.folder: no folder {params.folder} in {dataset.raw}; give the one that "
            "holds the published scores, or leave published out"
        )
    return found[0]


def _our_protocol(experiment: Experiment, dataset: Dataset) -> dict[str, str]:
    """How our runs on a dataset are made, in words, under the keys by which published protocols are told."""
    train, optimiser = dataset.train, dataset.train.optimiser
    spacing = dataset.preprocess.spacing_mm
    respaced = f" at a spacing of {_product(spacing)}" if isinstance(spacing, tuple) else ""
    return {
        "images": f"patches of {_product(train.patch_size)}{respaced}",
        "network": "; ".join(
            f"{experiment.params.networks[name].get('architecture', name)} "
            + ", ".join(
                f"{key} {value}"
                for key, value in experiment.params.networks[name].items()
                if key != "architecture"
            )
            for name in experiment.params.grid.networks
        ),
        "steps": f"{train.epochs * train.steps_per_epoch:,} of {train.batch_size} patches",
        "optimiser": f"{optimiser.name}, learning rate {optimiser.learning_rate:g} ({train.schedule.name}), "
        f"weight decay {optimiser.weight_decay:g}",
        "augmentation": f"preset {train.augmentation.preset}",
        "seeds": str(len(experiment.params.grid.seeds)),
    }


def _product(sizes: Iterable[float]) -> str:
    return " x ".join(f"{size:g}" for size in sizes)


def read_published(folder: Path, format: str, dataset: str, cases: Collection[str]) -> pd.DataFrame:
    """The published scores of ``cases``; raises InputError that names the file at fault, or a case without scores."""
    scores: pd.DataFrame = FORMATS.load(format)(folder, dataset)
    scores = scores[scores["case"].isin(set(cases))]
    for (loss, seed), of_run in scores.groupby(["loss", "seed"]):
        if lacking := sorted(set(cases) - set(of_run["case"])):
            raise InputError(f"{folder}: {loss}, seed {seed}: no published score of case {lacking[0]}")
    if scores.empty:
        raise InputError(f"{folder}: holds no published score of the test cases")
    return scores.reset_index(drop=True)


def read_topomortar(folder: Path, dataset: str) -> pd.DataFrame:
    """The scores that TopoMortar's authors publish: ``LOSS/SEED.csv`` with a row per image.

    An undefined HD95 is that of an empty prediction, and counts as the diagonal of the image, as they compute it.
    """
    tables = []
    for file in sorted(folder.glob("*/*.csv")):
        try:
            table = pd.read_csv(file, dtype={"ID": str}).melt("ID", list(TOPOMORTAR_METRICS), "metric")
        except (ValueError, KeyError) as error:
            wanted = ", ".join(("ID", *TOPOMORTAR_METRICS))
            raise InputError(
                f"{file}: expected the columns {wanted}: {' '.join(str(error).split())}"
            ) from None
        undefined = table.loc[table["value"] == TOPOMORTAR_UNDEFINED, ["ID"]]
        status = undefined.assign(metric=STATUS, value="prediction_empty")
        table["value"] = table["value"].replace(TOPOMORTAR_UNDEFINED, TOPOMORTAR_DIAGONAL_PX).astype(object)
        table["metric"] = table["metric"].map(TOPOMORTAR_METRICS)
        tables.append(pd.concat([table, status]).assign(loss=file.parent.name, seed=file.stem))
    if not tables:
        raise InputError(f"{folder}: holds no LOSS/SEED.csv of published scores")
    scores = pd.concat(tables, ignore_index=True).rename(columns={"ID": "case"})
    scores = scores.assign(dataset=dataset, network="published", **{"class": "mortar"})
    return scores[list(SCORES)]
