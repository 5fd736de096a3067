"""The names of metrics in params, so that a misspelt one is found before anything runs."""

from typing import Annotated

from pydantic import AfterValidator, Field

from seglossbench.vocabulary.metrics import metric_named

MetricName = Annotated[str, AfterValidator(lambda name: metric_named(name).name)]
MetricNames = Annotated[tuple[MetricName, ...], Field(min_length=1)]
