"""The scores of validation and test cases while a network trains, as rows of the history."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from seglossbench.data.prepared import PreparedCase
from seglossbench.evaluation import score_case
from seglossbench.evaluation.empty import policy_named
from seglossbench.params import PredictParams
from seglossbench.prediction import predict_volume
from seglossbench.records import HistoryRow
from seglossbench.statistics.means import means_of_run
from seglossbench.training.clock import Clock
from seglossbench.training.device import Accelerator
from seglossbench.vocabulary.tables import MEAN


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
    """Every metric of each foreground class that some case has, and its mean over classes, as a report takes them.

    Cases are scored on their prepared grid; ``empty`` is the policy for empty masks, ``hd95`` the convention of HD95.
    ``predicted_classes`` is how many classes, background included, the predictions of all cases hold.
    """
    records: list[dict[str, Any]] = []
    predicted = np.zeros(len(classes), bool)
    labels_of = {name: (index,) for index, name in enumerate(classes) if index > 0}
    for number, case in enumerate(cases):
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
        scored = score_case(
            np.asarray(case.labels),
            prediction,
            case.geometry.spacing_mm,
            classes=labels_of,
            metrics=metrics,
            empty=empty,
            hd95=hd95,
        )
        records += [{"case": number, **record} for record in scored]
        clock.end("scoring")
    absent_scored = policy_named(empty).scores_absent_classes
    rows = [
        HistoryRow(epoch, step, split, f"{metric}/{name}" if name != MEAN else metric, value)
        for (metric, name), value in means_of_run(pd.DataFrame(records), absent_scored).items()
    ]
    rows.append(HistoryRow(epoch, step, split, "predicted_classes", float(predicted.sum())))
    return rows
