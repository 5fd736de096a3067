"""Changes of params.yaml that have no effect, because the experiment sets the same keys."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seglossbench.errors import InputError
from seglossbench.params.loading import experiment_layers, read
from seglossbench.params.text import parse_yaml


def check_dvc_changes(path: Path, overrides: Mapping[str, Any] | None = None) -> None:
    """Within ``dvc exp run``, raise InputError if what -S changed of ``path`` has no effect; elsewhere do nothing."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV")
    if not baseline:
        return
    words = ["git", "show", f"{baseline}:./{path.name}"]
    shown = subprocess.run(words, cwd=path.parent, capture_output=True, text=True, check=False)
    former = parse_yaml(shown.stdout) if shown.returncode == 0 else None
    if isinstance(former, Mapping):
        check_changes(path, former, overrides)


def check_changes(path: Path, former: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> None:
    """Raise InputError if a key of ``path`` differs from its ``former`` content, but an experiment sets it.

    A list is one value, as layers replace it whole.
    """
    before, after = dict(_leaves(former)), dict(_leaves(read(path)))
    changed = [keys for keys in after if keys not in before or before[keys] != after[keys]]
    for file, layer in experiment_layers(path, overrides).items():
        for keys in changed:
            if _sets(layer, keys):
                key = ".".join(keys)
                raise InputError(
                    f"{path}: {key} was changed, which has no effect because {file} sets it; change it there, "
                    f"as by dvc exp run -S '{file}:{key}={after[keys]}'"
                )


def _leaves(value: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, (*prefix, str(key)))
        else:
            yield (*prefix, str(key)), inner


def _sets(layer: Any, keys: tuple[str, ...]) -> bool:
    """Whether a layer has that key, or something that is no mapping on the way to it."""
    for key in keys:
        if not isinstance(layer, Mapping):
            return True
        if key not in layer:
            return False
        layer = layer[key]
    return True
