"""A figure of region-wise maps: what each asks for, and where it can push a prediction away from the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from seglossbench.data.geometry import nonzero_box
from seglossbench.drawing.figure import STYLE, new_figure, save
from seglossbench.errors import InputError
from seglossbench.files import atomic_file
from seglossbench.losses.diagnosis import can_mislead, diagnose, logit_gradient
from seglossbench.losses.region_wise import class_map
from seglossbench.maps import Truth

DIAGNOSED = ("boundary", "active_contour", "rectified")


@dataclass(frozen=True)
class Picture:
    """One map on the shown slice: its values for the shown class, misleading classes and push, all (H, W)."""

    map: str
    values: NDArray[np.float32]
    misleading: NDArray[np.int64]
    push: NDArray[np.float32]


def write_diagnosis(
    folder: Path, truth: Truth, class_names: Sequence[str], maps: Sequence[str] = DIAGNOSED
) -> pd.DataFrame:
    """Write ``maps.png``, ``maps.pdf`` and ``maps.csv`` of the named maps of one label map; returns the table.

    A row of the table is a map: its extremes, the shares of voxels and of (voxel, class) pairs whose gradient can push
    the logit away from the truth, and the push on a voxel: the length of its gradient by the logits where every class
    is equally probable, as at the start of a training. ``foreground_push`` is the mean over foreground voxels relative
    to the mean over the background. The figure shows one slice, around its foreground.
    """
    if len(truth.labels) != 1:
        raise InputError(f"the truth holds {len(truth.labels)} label maps, expected one")
    index = _telling_slice(truth)
    shown = _largest_foreground(truth, index)
    rows, pictures = [], []
    for name in maps:
        diagnosis = diagnose(truth, name)
        values = class_map(truth, name)
        at_equal_p = torch.full_like(values, 1 / truth.num_classes)
        push = logit_gradient(at_equal_p, values).norm(dim=1)
        rows.append(
            {
                "map": name,
                "lowest": diagnosis.lowest,
                "highest": diagnosis.highest,
                "misled_voxels": diagnosis.voxels,
                "misled_pairs": diagnosis.pairs,
                "mean_push": push.mean().item(),
                "foreground_push": (push[truth.labels != 0].mean() / push[truth.labels == 0].mean()).item(),
            }
        )
        misleading = can_mislead(values, truth.labels).sum(1)
        of_class = values[:, shown]
        pictures.append(
            Picture(name, *(picture[0][index].numpy() for picture in (of_class, misleading, push)))
        )
    table = pd.DataFrame(rows)
    labels = truth.labels[0][index].numpy()
    save(draw(pictures, table, labels, class_names[shown], truth.num_classes), folder / "maps")
    with atomic_file(folder / "maps.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return table


def draw(
    pictures: Sequence[Picture],
    table: pd.DataFrame,
    labels: NDArray[np.integer],
    class_name: str,
    num_classes: int,
) -> Figure:
    """A row per map: the map of one class, how many classes it can mislead at each voxel, and how hard it pushes."""
    wide = labels.shape[0] / labels.shape[1]
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = new_figure(10.5, 0.6 + 2.55 * len(pictures) / max(wide, 0.75))
        panels = figure.subplots(len(pictures), 3, squeeze=False)
        for row, (picture, facts) in enumerate(zip(pictures, table.to_dict("records"), strict=True)):
            signed, count, push = panels[row]
            limit = float(np.abs(picture.values).max())
            _show(signed, picture.values, labels, cmap="RdBu_r", norm=TwoSlopeNorm(0, -limit, limit))
            norm = BoundaryNorm(np.arange(num_classes + 1) - 0.5, 256)
            _show(count, picture.misleading, labels, cmap="magma_r", norm=norm)
            _show(push, picture.push / facts["mean_push"], labels, cmap="viridis", vmin=0)
            signed.set_ylabel(picture.map, fontweight="bold")
            count.set_xlabel(f"{facts['misled_voxels']:.0%} of voxels, {facts['misled_pairs']:.0%} of pairs")
            push.set_xlabel(f"foreground / background: {facts['foreground_push']:.2g}")
            signed.set_xlabel(f"from {facts['lowest']:.3g} to {facts['highest']:.3g}")
        for axes, title in zip(
            panels[0],
            (
                f"Map of class {class_name}\n(descent lowers it where red)",
                "Classes that can be pushed\naway from the truth",
                "Push on a voxel at the start\n(1 is the whole volume's mean)",
            ),
            strict=True,
        ):
            axes.set_title(title)
    return figure


def _show(axes: Axes, image: NDArray[Any], labels: NDArray[np.integer], **colours: Any) -> None:
    """One image with the outlines of the classes on it and a colour bar of its own."""
    drawn = axes.imshow(image.T, origin="lower", interpolation="nearest", **colours)
    edges = np.zeros(labels.shape, bool)
    edges[1:] |= labels[1:] != labels[:-1]
    edges[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    outline = np.ma.masked_where(~edges.T, edges.T)
    axes.imshow(outline, origin="lower", interpolation="nearest", cmap="gray", alpha=0.35)
    axes.set(xticks=[], yticks=[])
    bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.9, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    if isinstance(colours.get("norm"), BoundaryNorm):
        most = len(colours["norm"].boundaries) - 1
        bar.set_ticks(range(0, most, max(1, most // 8)))


def _telling_slice(truth: Truth) -> tuple[Any, ...]:
    """Around the foreground: of an image, or of the slice (last axis) with most classes, then most foreground."""
    labels = truth.labels[0].numpy()
    if labels.ndim == 2:
        return _around(labels)
    classes = [
        (len(np.unique(labels[..., z])), int((labels[..., z] != 0).sum())) for z in range(labels.shape[-1])
    ]
    best = max(range(len(classes)), key=classes.__getitem__)
    return (*_around(labels[..., best]), best)


def _around(labels: NDArray[np.integer]) -> tuple[slice, ...]:
    """The box of the foreground of an image (H, W), and half as much again on every side."""
    box = nonzero_box(labels[None])
    margins = [(stop - start) // 2 for start, stop in box]
    return tuple(
        slice(max(0, start - margin), stop + margin)
        for (start, stop), margin in zip(box, margins, strict=True)
    )


def _largest_foreground(truth: Truth, index: tuple[Any, ...]) -> int:
    counts = np.bincount(truth.labels[0][index].numpy().ravel(), minlength=truth.num_classes)
    return int(counts[1:].argmax()) + 1
