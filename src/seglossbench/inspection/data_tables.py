"""Facts of a dataset as tables: one row per case, and one per class."""

from collections.abc import Sequence

import pandas as pd

from seglossbench.data.facts import CaseFacts

AXES = ("x", "y", "z")


def case_table(facts: Sequence[CaseFacts]) -> pd.DataFrame:
    """A row per case: what it is, its shape, its spacing in mm, and each class's size in ml (2D: mm² or pixels)."""
    rows = []
    for fact in facts:
        row: dict[str, object] = {
            "case": fact.case,
            "patient": fact.patient,
            "official": fact.official,
            "modality": fact.modality,
        }
        row |= {f"shape_{axis}": size for axis, size in zip(AXES, fact.shape, strict=False)}
        if fact.distance_unit == "mm":
            row |= {
                f"spacing_{axis}_mm": float(f"{size:.6g}")
                for axis, size in zip(AXES, fact.spacing_mm, strict=False)
            }
        unit, scale = unit_of(facts)
        row |= {f"{name}_{unit}": size / scale for name, size in fact.class_sizes_mm.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def class_table(facts: Sequence[CaseFacts]) -> pd.DataFrame:
    """A row per class: in how many cases it is, its size where it is, and its share of all voxels."""
    unit, scale = unit_of(facts)
    sizes = pd.DataFrame([fact.class_sizes_mm for fact in facts])
    whole = sum(fact.size_mm for fact in facts)
    rows = []
    for name, size in sizes.items():
        present = size[size > 0] / scale
        rows.append(
            {
                "class": name,
                "cases": f"{len(present)} of {len(facts)}",
                f"median {unit}": f"{present.median():.3g}" if len(present) else "",
                f"range {unit}": f"{present.min():.3g} to {present.max():.3g}" if len(present) else "",
                f"share of all {element_of(facts)}s": f"{100 * size.sum() / whole:.2g} %",
            }
        )
    return pd.DataFrame(rows)


def unit_of(facts: Sequence[CaseFacts]) -> tuple[str, float]:
    """The unit in which sizes of classes are told, and how many mm³ (2D: mm² or pixels) it has."""
    if facts[0].distance_unit == "px":
        return "pixels", 1.0
    return ("ml", 1000.0) if len(facts[0].shape) == 3 else ("mm²", 1.0)


def element_of(facts: Sequence[CaseFacts]) -> str:
    """What the cases are made of: voxels, or pixels."""
    return "voxel" if len(facts[0].shape) == 3 else "pixel"
