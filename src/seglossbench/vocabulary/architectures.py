"""The catalogue of architectures: where each comes from and which patches it takes, for whoever cannot wait for torch.

One that is not in here, as an architecture of the user's, is asked for nothing.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from seglossbench.registry import ARCHITECTURES
from seglossbench.vocabulary.network_costs import costs

Multiples = Callable[[Mapping[str, Any], Sequence[int]], Sequence[int]]
"""From all options and the patch: what each edge must be a multiple of; of two axes, the first two count."""


@dataclass(frozen=True)
class Architecture:
    """Its authors, what edges of patches are multiples of, and whether it predicts patches of its own size alone.

    ``nondeterministic_on_cuda`` are its operations, with their gradients, that PyTorch has no deterministic CUDA
    kernel for: none of ours has any, as tests trace. ``axes`` are how many axes its patches may have.
    """

    source: str
    multiples: Multiples
    is_exact: bool = False
    nondeterministic_on_cuda: tuple[str, ...] = ()
    axes: tuple[int, ...] = (2, 3)

    def multiples_of(self, options: Mapping[str, Any], patch: Sequence[int]) -> tuple[int, ...]:
        """What each edge of the patch must be a multiple of."""
        return tuple(self.multiples(options, patch))[: len(patch)]


def _always(*edges: int) -> Multiples:
    return lambda options, patch: edges if len(edges) > 1 else edges * len(patch)


def _of_strides(options: Mapping[str, Any], patch: Sequence[int]) -> list[int]:
    return [prod(options["strides"])] * len(patch)


def _of_dynunet(options: Mapping[str, Any], patch: Sequence[int]) -> list[int]:
    between = options["strides"] or [2] * (len(options["filters"]) - 1)
    steps = [[step] * len(patch) if isinstance(step, int) else step for step in between]
    return [options["first_stride"] * prod(step[axis] for step in steps) for axis in range(len(patch))]


def _of_levels(options: Mapping[str, Any], patch: Sequence[int]) -> list[int]:
    return [2 ** (len(options["blocks_down"]) - 1)] * len(patch)


def _of_plan(options: Mapping[str, Any], patch: Sequence[int]) -> list[int]:
    # Halved as long as four voxels are left: see networks.nnunet_planned.
    return [2 ** max(0, (edge // 4).bit_length() - 1) for edge in patch]


PAPER_A = "paper A (Huang & Sui), written from its release"
CATALOGUE = {
    "UNet": Architecture("Kerfoot et al. 2019, MONAI", _of_strides),
    "AttentionUnet": Architecture("Oktay et al. 2018, MONAI", _of_strides),
    "VNet": Architecture("Milletari et al. 2016, MONAI", _always(16)),
    "DynUNet": Architecture("Isensee et al. 2021, MONAI", _of_dynunet),
    "SegResNet": Architecture("Myronenko 2018, MONAI", _of_levels),
    "SegResNetDS": Architecture("Myronenko 2018, MONAI", _of_levels),
    "UNETR": Architecture("Hatamizadeh et al. 2022, MONAI", _always(16), is_exact=True),
    "SwinUNETR": Architecture("Hatamizadeh et al. 2022, MONAI", _always(32)),
    "u_net_a": Architecture(PAPER_A, _always(8)),
    "pdanet": Architecture(PAPER_A, _always(16)),
    "pdanet_released": Architecture(PAPER_A, _always(8)),
    "deeplab_v3_plus": Architecture(f"Chen et al. 2018 as in {PAPER_A}", _always(1)),
    "slim_unetr": Architecture("Pang et al. 2023, ours", _always(32), is_exact=True),
    "nn_former": Architecture("Zhou et al. 2021, ours", _always(32, 32, 16)),
    "ux_net_3d": Architecture("Lee et al. 2023, ours on MONAI's blocks", _always(16)),
    "rep_ux_net": Architecture("Lee et al. 2023, ours on MONAI's blocks", _always(16)),
    "med_next": Architecture("Roy et al. 2023, MONAI", _always(16)),
    "nnunet_planned": Architecture("Isensee et al. 2021 (1.6.6), ours", _of_plan),
}


def default_options(architecture: str) -> dict[str, Any]:
    """The options of an architecture that have a default, which is read without importing it."""
    parameters = ARCHITECTURES.signature(architecture).parameters
    return {name: ast.literal_eval(known.default) for name, known in parameters.items() if known.default}


def describe_architectures() -> str:
    """What each takes and costs, as a table, and its options, in lines."""
    known = costs()
    rows = [["architecture", "parameters", "GFLOP", "activations", "patch", "axes", "multiples of", "source"]]
    for name in ARCHITECTURES:
        if name not in CATALOGUE:
            rows.append([name, *["-"] * 6, ARCHITECTURES.origins.get(name, "")])
            continue
        architecture, cost = CATALOGUE[name], known[name]
        patch = [int(edge) for edge in cost.patch.split(" x ")]
        multiples = architecture.multiples_of(default_options(name), patch)
        rows.append(
            [
                name,
                f"{cost.parameters:,}",
                f"{cost.operations / 1e9:,.0f}",
                f"{cost.activation_bytes / 1e9:.1f} GB",
                f"{cost.channels} x {cost.patch} -> {cost.classes}",
                ", ".join(f"{axes}D" for axes in architecture.axes),
                " x ".join(map(str, multiples)) if len(set(multiples)) > 1 else str(multiples[0]),
                architecture.source,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = (1, 2, 3)
    lines = [
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    note = (
        "of one patch of its paper's experiment, in float32: operations of a forward pass, multiplications and "
        "additions counted as two; activations that it keeps for the backward pass"
    )
    return "\n".join([*lines, f"({note})", "", ARCHITECTURES.describe()])
