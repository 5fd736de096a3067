"""Writes the schema of params.yaml that editors read."""

import json
from pathlib import Path

from seglossbench.params import Params

schema = Path("workflow/schemas/params.schema.json")
schema.write_text(json.dumps(Params.model_json_schema(), indent=2) + "\n")
