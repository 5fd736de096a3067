"""The diagnosis of region-wise maps of anybody's label file."""

from pathlib import Path

from seglossbench.errors import InputError


def diagnose_maps(labels: Path, out: Path, *, in_mm: bool) -> str:
    """Write the figure and table of the region-wise maps of a label file into ``out``; returns the table as text."""
    import numpy as np

    from seglossbench.data.geometry import orientation_of, to_ras
    from seglossbench.evaluation.label_files import read_labels
    from seglossbench.inspection.map_diagnosis import write_diagnosis
    from seglossbench.maps import Truth

    file = read_labels(labels)
    values, classes = np.unique(file.labels, return_inverse=True)
    if len(values) < 2:
        raise InputError(f"{labels}: holds label {values[0]} only; a map needs two classes or more")
    classes = classes.reshape(1, *file.labels.shape).astype(np.uint8 if len(values) < 256 else np.int32)
    spacing_mm = np.array(file.spacing_mm)
    if file.has_place and file.labels.ndim == 3:  # as radiologists look at it, whatever the file's order
        orientation = orientation_of(file.volume.affine, 3)
        classes = to_ras(classes[0], orientation)[None]
        spacing_mm = spacing_mm[orientation[:, 0].argsort()]
    truth = Truth(
        np.ascontiguousarray(classes), len(values), spacing_mm=spacing_mm.tolist() if in_mm else None
    )
    return write_diagnosis(out, truth, [str(value) for value in values]).to_string(index=False)
