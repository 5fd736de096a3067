"""Whether the losses and maps here agree with golden files, values that the papers' released code computed.

A golden file is an ``.npz`` with ``logits`` (N, C, *spatial) and ``truth`` (N, *spatial), and any of: ``NAME.loss``, a
scalar, with ``NAME.grad``, its gradient by the logits; and ``contour_kK`` (N, C, *spatial), the contours of kernel K.
Or one with ``labels`` (K, *spatial) of patches in which classes are absent or alone, their ``names`` (K), and what the
released code makes of them: ``rrw`` and ``boundary`` (K, C, *spatial), the region-wise maps, NaN where it stops.
Any shape, number of classes and batch size will do, 2D or 3D. See ``training.parity`` for whole trainings.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seglossbench.errors import InputError, nearest
from seglossbench.losses.loss import build
from seglossbench.losses.region_wise import class_map
from seglossbench.maps import Truth
from seglossbench.params.losses import Spec
from seglossbench.registry import LOSSES

Golden = Mapping[str, NDArray[Any]]

LOSS_TOLERANCE = 1e-5
"""Largest relative error of a loss."""
GRADIENT_TOLERANCE = 1e-4
"""Largest error of any gradient entry, relative to the largest entry."""
ROUNDING = 2.0**-22
"""Absolute error of a loss that float32 rounding explains, for losses near 0."""

SPECS: dict[str, Spec] = {
    "rw_dice": {"dice": 1.0},
    "rw_ce": {"ce": 1.0},
    "rw_focal": {"focal": 1.0},
    "rrw": {"rrw": 1.0},
    "boundary": {"boundary": 1.0},
    **{f"{name}_equal": LOSSES.load(name) for name in ("boundary_dice", "boundary_ce", "rrw_dice", "rrw_ce")},
    **{name: LOSSES.load(name) for name in LOSSES.own if name.endswith("_gradual")},
    "cw_ce": {"cw_ce": 1.0},
    "cw_separable_dice": {"separable_dice": 1.0},
    "cwcd": LOSSES.load("cwcd"),
    "cw_dice": {"dice_pooled": 1.0},
    "cw_ce_dice": LOSSES.load("ce_dice_pooled"),
    "gdl": {"generalised_dice": 1.0},
    "distmap_dice": {"distmap_dice": 1.0},
}
"""What each loss of a golden file is called here; ``@epochE`` after the name is the epoch."""


@dataclass(frozen=True)
class Row:
    """One golden value beside ours.

    Of a contour, the values are numbers of voxels, compared one by one; of a map, means. Of a training, they are losses
    before the last step, the error is the largest of any step, and ``gradient_error`` that of the final weights.
    """

    file: str
    value: str
    expected: float
    ours: float
    relative_error: float
    gradient_error: float | None
    passed: bool


def read(folder: Path | str) -> Iterator[tuple[Path, Golden]]:
    """The golden files of ``folder`` by name; raises InputError for a folder without and for what is no archive."""
    files = sorted(Path(folder).glob("*.npz"))
    if not files:
        raise InputError(f"{folder}: no .npz file, expected a folder of golden files")
    for file in files:
        try:
            with np.load(file, allow_pickle=False) as archive:
                yield file, dict(archive)
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{file}: not a golden file ({error}), expected an .npz of plain arrays"
            ) from None


def verify(folder: Path | str, device: str = "cpu") -> list[Row]:
    """Compare every value of every golden file in ``folder``; the rows tell what passed on the ``device``.

    Raises InputError naming the folder, file or value that is not as described above.
    """
    return [row for file, golden in read(folder) for row in compare(file, golden, device)]


def format_table(rows: list[Row]) -> str:
    """The rows as a text table, and a last line that counts them."""
    header = ("file", "value", "expected", "ours", "relative error", "gradient error", "")
    cells = [header]
    for row in rows:
        gradient = "" if row.gradient_error is None else f"{row.gradient_error:.1e}"
        numbers = f"{row.expected:.8g}", f"{row.ours:.8g}", f"{row.relative_error:.1e}", gradient
        cells.append((row.file, row.value, *numbers, "ok" if row.passed else "MISS"))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in line
        ).rstrip()
        for line in (enumerate(zip(row, widths, strict=True)) for row in cells)
    ]
    passed = sum(row.passed for row in rows)
    return "\n".join([*lines, f"{passed} of {len(rows)} values agree"])


def compare(file: Path, golden: Golden, device: str = "cpu") -> Iterator[Row]:
    """The values of one golden file beside ours."""
    if {"labels", "names"} <= set(golden):
        yield from _degenerate_rows(file, golden, device)
        return
    for name in ("logits", "truth"):
        if name not in golden:
            raise InputError(f"{file}: no array {name!r}, expected logits, truth and golden values")
    for key in golden:
        if key.endswith(".loss"):
            yield _loss_row(file, key.removesuffix(".loss"), golden, device)
        elif match := re.fullmatch(r"contour_k(\d+)", key):
            yield _contour_row(file, key, int(match[1]), golden, device)
        elif not key.endswith(".grad") and key not in ("logits", "truth"):
            raise InputError(f"{file}: unknown value {key!r}, expected NAME.loss, NAME.grad or contour_kK")


def _loss_row(file: Path, name: str, golden: Golden, device: str) -> Row:
    spec_name, _, epoch = name.partition("@epoch")
    if spec_name not in SPECS or not (epoch or "0").isdecimal():
        raise InputError(f"{file}: unknown loss {name!r}; {nearest(spec_name, [*SPECS])}, and @epochE")
    logits = torch.tensor(golden["logits"], device=device, requires_grad=True)
    loss = build(SPECS[spec_name])(logits, _truth(golden).to(device), int(epoch or 0))
    torch.autograd.backward(loss)
    expected, ours = float(golden[f"{name}.loss"]), loss.item()
    error = abs(ours - expected)
    close = error <= max(LOSS_TOLERANCE * abs(expected), ROUNDING)
    gradient_error = None
    if f"{name}.grad" in golden:
        assert logits.grad is not None
        difference = np.abs(logits.grad.cpu().numpy() - golden[f"{name}.grad"]).max()
        gradient_error = float(
            difference / max(np.abs(golden[f"{name}.grad"]).max(), np.finfo(np.float32).tiny)
        )
        close = close and gradient_error <= GRADIENT_TOLERANCE
    return Row(file.name, name, expected, ours, error / abs(expected or 1.0), gradient_error, close)


def _contour_row(file: Path, name: str, kernel: int, golden: Golden, device: str) -> Row:
    truth = _truth(golden, contour_kernel=kernel).to(device)
    ours = (truth.one_hot(torch.uint8) * truth.contour.unsqueeze(1)).cpu().numpy() != 0
    expected = golden[name] != 0
    wrong = int((ours != expected).sum())
    voxels = int(expected.sum())
    return Row(file.name, name, voxels, int(ours.sum()), wrong / max(voxels, 1), None, wrong == 0)


def _degenerate_rows(file: Path, golden: Golden, device: str) -> Iterator[Row]:
    """Of each patch and map the means, and the largest error of a value, relative to the largest value."""
    for index, patch in enumerate(golden["names"]):
        for key, map in (("rrw", "rectified"), ("boundary", "boundary")):
            if key not in golden or np.isnan(golden[key][index]).any():
                continue
            expected = golden[key][index]
            truth = Truth(golden["labels"][[index]], len(expected), degenerate="released").to(device)
            ours = class_map(truth, map)[0].cpu().numpy()
            error = float(np.abs(ours - expected).max() / np.abs(expected).max())
            means = float(expected.mean()), float(ours.mean())
            yield Row(file.name, f"{key} map: {patch}", *means, error, None, error <= LOSS_TOLERANCE)


def _truth(golden: Golden, contour_kernel: int = 3) -> Truth:
    return Truth(golden["truth"], golden["logits"].shape[1], contour_kernel=contour_kernel)
