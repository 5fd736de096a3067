import json

from seglossbench.params import Params
from tests.conftest import PROJECT


def test_the_published_schema_is_that_of_the_typed_params():
    published = json.loads((PROJECT / "workflow" / "schemas" / "params.schema.json").read_text())
    assert published == Params.model_json_schema(), "run: python -m seglossbench.params"
