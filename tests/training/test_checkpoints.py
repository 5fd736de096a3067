"""Files in the place of weights: whatever they are, they are named in one line, and nothing in them is executed."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from seglossbench.errors import InputError
from seglossbench.training.checkpoints import load, load_weights, save


class Touches:
    """What touches a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def saved(thing):
    stream = io.BytesIO()
    torch.save(thing, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"weights",
        b"PK\x03\x04 no archive",
        pickle.dumps({"network": {}})[:-3],
        zipped("picture.png", b"png"),
        zipped("archive/data.pkl", b"nonsense"),
        saved(torch.zeros(3)),
        saved([1, 2]),
        saved({"state_dict": {}}),
        saved({"network": [1]}),
        saved(nn.Linear(1, 1)),
        np.zeros(3).tobytes(),
    ],
)
def test_other_things_are_named_in_one_line(tmp_path, content):
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint\.pt: .*; remove the run's folder$") as caught:
        load(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dumps", [pickle.dumps, saved])
def test_nothing_in_a_checkpoint_is_executed(tmp_path, dumps):
    file, touched = tmp_path / "checkpoint.pt", tmp_path / "touched"
    file.write_bytes(dumps({"network": Touches(touched)}))
    with pytest.raises(InputError, match=r"checkpoint\.pt: damaged"):
        load(file)
    assert not touched.exists()


def test_weights_of_another_network_are_named_in_one_line(tmp_path):
    file = tmp_path / "checkpoint.pt"
    save(file, {"network": nn.Linear(3, 3).state_dict()})
    with pytest.raises(
        InputError, match=r"checkpoint\.pt: another network's weights: .*size mismatch"
    ) as caught:
        load_weights(file, nn.Linear(2, 2))
    assert "\n" not in str(caught.value)
    load_weights(file, nn.Linear(3, 3))
