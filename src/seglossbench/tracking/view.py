"""What MLflow's page shows first of an experiment: a saved view with losses, networks and their scores, best first."""

import json
from urllib.parse import quote

from seglossbench.params import EvaluateParams
from seglossbench.tracking.keys import metric_key
from seglossbench.vocabulary.metrics import metric_named

KEY = "seglossbench"
TAG = f"mlflow.sharedViewState.{KEY}"


def view_of(evaluate: EvaluateParams, decides: str) -> str:
    """The state of the page as MLflow keeps it in a tag of the experiment: columns, and the order by ``decides``."""
    conventions = (evaluate.hd95, evaluate.empty, evaluate.classes)
    scores = [decides, *(name for name in evaluate.metrics if name != decides)]
    metrics = [metric_key("test", decides, *conventions, end) for end in ("", " low", " high")]
    metrics += [metric_key("test", name, *conventions) for name in scores[1:]]
    columns = [
        *(f"params.`{name}`" for name in ("loss", "network", "seed")),
        *(f"metrics.`{key}`" for key in metrics),
    ]
    state = {
        "orderByKey": f"metrics.`{metrics[0]}`",
        "orderByAsc": metric_named(decides).better == "lower",
        "selectedColumns": [*columns, "tags.`state`"],
        "columnOrder": ["attributes.`Run Name`", *columns],
    }
    return json.dumps(state)


def link(server: str, experiment_id: str) -> str:
    """The address of the view of an experiment on the MLflow server at that address."""
    return f"{server.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs?viewStateShareKey={KEY}"
