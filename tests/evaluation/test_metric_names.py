from seglossbench.evaluation.metrics import METRICS
from seglossbench.params import metrics


def test_params_know_the_metrics_that_there_are():
    assert set(metrics.METRICS) == {"HD95", *METRICS}
