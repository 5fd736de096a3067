"""docs/images/networks-FAMILY.png: what every network computes, read off one forward pass at its paper's patch.

``python -m benchmarks.network_figures`` draws all families, with names only these.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2, prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.network_costs import PROJECT, on_meta, settings, storage_of

IMAGES = PROJECT / "docs" / "images"
FAMILIES = {
    "u-nets": (
        "u_net_a",
        "UNet",
        "AttentionUnet",
        "VNet",
        "DynUNet",
        "nnunet_planned",
        "SegResNet",
        "SegResNetDS",
    ),
    "transformers": ("UNETR", "SwinUNETR", "nn_former", "slim_unetr"),
    "large-kernels": ("ux_net_3d", "rep_ux_net", "med_next"),
    "pdanet": ("pdanet_released", "pdanet"),
    "deeplab": ("deeplab_v3_plus",),
}
JOINS = {"cat": ("C0", "concatenated"), "add": ("C2", "added"), "mul": ("C3", "multiplied")}
JOINS["convolution"] = ("0.6", "convolved, then joined")
WORDS = {"mm": "linear", "addmm": "linear", "_softmax": "attention"}


@dataclass
class Stage:
    """What is computed one after the other on maps of one size: the channels that leave it, and its layers."""

    spatial: tuple[int, ...]
    channels: int = 0
    layers: Counter[str] = field(default_factory=Counter)


class Tracer(TorchDispatchMode):
    """A block that gathers the stages of a network, and from which earlier stages maps are joined into later ones.

    A stage begins with a convolution to maps of another size, or with the last one of all, to the classes.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.classes = classes
        self.stages: list[Stage] = []
        self.joins: dict[tuple[int, int], str] = {}
        self._stage_of: dict[int, int] = {}
        self._held: list[Tensor] = []  # so that no storage gets the number of another that is gone

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = str(function).rpartition(".")[0].removeprefix("aten.").rstrip("_")
        if name == "convolution":
            self._convolved(result, *args)
        elif self.stages and name in WORDS:
            self.stages[-1].layers[WORDS[name]] += 1
        here = len(self.stages) - 1
        if name in JOINS:
            given = [each for arg in args[:2] for each in (arg if isinstance(arg, list | tuple) else [arg])]
            self._joined([each for each in given if isinstance(each, Tensor)], name)
        for each in result if isinstance(result, list | tuple) else [result]:
            if isinstance(each, Tensor) and storage_of(each) not in self._stage_of:
                self._stage_of[storage_of(each)] = here
                self._held.append(each)
        return result

    def _joined(self, given: Sequence[Tensor], name: str) -> None:
        """Remember which of these come from before the last stage."""
        here = len(self.stages) - 1
        for source in {self._stage_of.get(storage_of(each), here) for each in given}:
            if 0 <= source < here - 1:
                self.joins.setdefault((source, here), name)

    def _convolved(self, result: Tensor, image: Tensor, weight: Tensor, *rest: Any) -> None:
        _, _, _, dilation, is_transposed, _, groups = rest
        channels, spatial = result.shape[1], tuple(result.shape[2:])
        if prod(spatial) == 1:
            self.stages[-1].layers["of means"] += 1
            return
        source = self._stage_of.get(storage_of(image), -1)
        if is_transposed and source >= 0 and not are_alike(image.shape[2:], self.stages[source].spatial):
            self.stages.append(Stage(tuple(image.shape[2:]), image.shape[1]))  # pooled, or tokens again
            self._stage_of[storage_of(image)] = len(self.stages) - 1
        is_head = channels == self.classes and bool(self.stages)
        if not self.stages or is_head or not are_alike(spatial, self.stages[-1].spatial):
            self.stages.append(Stage(spatial))
        stage = self.stages[-1]
        stage.spatial = max(stage.spatial, spatial)
        stage.channels = channels
        self._joined([image], "convolution")
        kind = "up " if is_transposed else "dw " if groups == channels > 1 else ""
        kernel = tuple(weight.shape[2:])
        layer = kind + (str(kernel[0]) if len(set(kernel)) == 1 else "·".join(map(str, kernel)))
        stage.layers[layer + (f" dilated {max(dilation)}" if max(dilation) > 1 else "")] += 1


def are_alike(spatial: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two maps differ by no more than the plane that MedNeXt pads after it has enlarged."""
    return all(abs(edge - edge_of_other) <= 1 for edge, edge_of_other in zip(spatial, other, strict=True))


def trace(architecture: str, setting: dict[str, Any]) -> Tracer:
    """What a forward pass of an architecture computes."""
    network = on_meta(architecture, **setting).eval()
    tracer = Tracer(setting["classes"])
    with torch.no_grad(), tracer:
        network(torch.empty(1, setting["channels"], *setting["patch"], device="meta"))
    return tracer


def draw(family: str) -> None:
    """A panel for each network."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    names, known = FAMILIES[family], settings()
    tracers = {name: trace(name, known[name]) for name in names}
    columns = 2 if len(names) > 4 else 1
    rows = -(-len(names) // columns)
    most = max(len(tracer.stages) for tracer in tracers.values())
    figure = Figure(figsize=(max(9.0, 0.55 * most) * columns, 3.3 * rows + 0.3), layout="constrained")
    for place, (name, tracer) in zip(
        figure.subplots(rows, columns, squeeze=False).flat, tracers.items(), strict=True
    ):
        setting = known[name]
        draw_network(place, tracer, setting["patch"], max(most, 10))
        size = f"{setting['channels']} x {' x '.join(map(str, setting['patch']))} -> {setting['classes']} classes"
        place.set_title(f"{name}: {size}", loc="left", fontsize=10)
    lines = [Line2D([], [], color=colour, label=words) for colour, words in JOINS.values()]
    lines.append(Line2D([], [], color="none", label="edges of kernels; dw: depthwise, up: transposed"))
    figure.legend(handles=lines, loc="outside lower center", ncols=len(lines), frameon=False, fontsize=8)
    figure.savefig(IMAGES / f"networks-{family}.png", dpi=90)


def draw_network(place: Any, tracer: Tracer, patch: Sequence[int], most: int) -> None:
    """A bar for each stage, lower where its maps are coarser, taller with more channels, and its layers below."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve

    levels = [round(log2(prod(patch) / prod(stage.spatial)) / len(patch), 1) for stage in tracer.stages]
    heights = [max(0.25, 0.1 * log2(1 + stage.channels)) for stage in tracer.stages]
    below = max(levels) + 0.75
    for number, (stage, level, height) in enumerate(zip(tracer.stages, levels, heights, strict=True)):
        place.bar(number, height, 0.7, -level - height / 2, color="0.87", edgecolor="0.4", linewidth=0.6)
        place.text(number, -level, stage.channels, ha="center", va="center", fontsize=7)
        layers = [f"{layer} ×{count}" if count > 1 else layer for layer, count in stage.layers.items()]
        place.text(number, -below, "\n".join(layers), ha="center", va="top", fontsize=5.5)
    for (source, target), name in tracer.joins.items():
        start, end = (-levels[number] + heights[number] / 2 for number in (source, target))
        bend = Curve(
            [(source, start), ((source + target) / 2, max(start, end) + 1.2), (target, end)],
            [Curve.MOVETO, Curve.CURVE3, Curve.CURVE3],
        )
        place.add_patch(
            FancyArrowPatch(path=bend, arrowstyle="->", mutation_scale=8, color=JOINS[name][0], linewidth=0.9)
        )
    shapes = {
        level: " × ".join(map(str, stage.spatial)) for level, stage in zip(levels, tracer.stages, strict=True)
    }
    place.set_yticks([-level for level in shapes], list(shapes.values()), fontsize=7)
    place.set_ylim(-below - 0.2 * max(len(stage.layers) for stage in tracer.stages), 1.1)
    place.set_xlim(-0.6, most - 0.4)
    place.set_xticks([])
    place.spines[["top", "right", "bottom", "left"]].set_visible(False)


def main(wanted: Sequence[str]) -> None:
    """Draw the families."""
    for family in wanted or FAMILIES:
        draw(family)


if __name__ == "__main__":
    main(sys.argv[1:])
