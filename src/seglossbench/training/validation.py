"""The scores of validation and test cases while a network trains, as rows of the history."""

from collections.abc import Sequence

import numpy as np
from torch import nn

from seglossbench.data.prepared import PreparedCase
from seglossbench.evaluation import score_case
from seglossbench.evaluation.prediction import predict_volume
from seglossbench.params import PredictParams
from seglossbench.records import HistoryRow
from seglossbench.training.clock import Clock
from seglossbench.training.device import Accelerator


def validate(
    network: nn.Module,
    cases: Sequence[PreparedCase],
    classes: Sequence[str],
    metrics: Sequence[str],
    predict: PredictParams,
    accelerator: Accelerator,
    clock: Clock,
    *,
    empty: str,
    hd95: str,
    split: str,
    epoch: int,
    step: int,
) -> list[HistoryRow]:
    """Every metric of each foreground class, the mean over the cases that have the class or claim it, and their mean.

    Cases are scored on their prepared grid; ``empty`` is the policy for empty masks, ``hd95`` the convention of HD95.
    ``predicted_classes`` is how many
    classes, background included, the predictions of all cases hold.
    """
    values: dict[tuple[str, str], list[float]] = {}
    predicted = np.zeros(len(classes), bool)
    labels_of = {name: (index,) for index, name in enumerate(classes) if index > 0}
    for case in cases:
        with accelerator.autocast():
            prediction = predict_volume(
                network,
                case.image,
                accelerator.settings.patch_size,
                predict,
                accelerator.device,
                slice_axis=case.slice_axis(accelerator.settings),
            )
        clock.end("prediction")
        predicted |= np.bincount(prediction.ravel(), minlength=len(classes)) > 0
        for record in score_case(
            np.asarray(case.labels),
            prediction,
            case.geometry.spacing_mm,
            classes=labels_of,
            metrics=metrics,
            empty=empty,
            hd95=hd95,
        ):
            if isinstance(record["value"], float | int):
                values.setdefault((record["metric"], record["class"]), []).append(float(record["value"]))
        clock.end("scoring")
    means = {key: float(np.mean(numbers)) for key, numbers in values.items()}
    rows = [HistoryRow(epoch, step, split, f"{m}/{name}", value) for (m, name), value in means.items()]
    for metric in dict.fromkeys(metric for metric, _ in means):
        mean = float(np.mean([value for (name, _), value in means.items() if name == metric]))
        rows.append(HistoryRow(epoch, step, split, metric, mean))
    rows.append(HistoryRow(epoch, step, split, "predicted_classes", float(predicted.sum())))
    return rows
