import numpy as np
import pytest

from seglossbench.errors import InputError
from seglossbench.maps import Truth
from seglossbench.maps.store import STORED, MapSettings, fingerprint, read, write

LABELS = (
    np.random.default_rng(0).integers(0, 4, (3, 4, 5)).repeat(3, 0).repeat(3, 1).repeat(3, 2).astype(np.uint8)
)
SETTINGS = [MapSettings(), MapSettings(spacing_mm=(1.0, 0.7, 2.5))]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kernel", [2, 3])
def test_a_crop_of_the_cache_is_a_crop_of_the_map(tmp_path, settings, kernel):
    write(tmp_path, "a", LABELS, settings)
    region = (slice(2, 8), slice(0, 5), slice(7, 15))
    maps = read(tmp_path, "a").crop(region, LABELS[region], STORED, kernel)
    truth = Truth(LABELS[None], 4, spacing_mm=settings.spacing_mm, contour_kernel=kernel)
    np.testing.assert_array_equal(maps["contour"], truth.contour[0][region])
    np.testing.assert_allclose(maps["rectified"], truth.rectified[0][region], rtol=0, atol=7.7e-6)
    np.testing.assert_allclose(maps["distance_penalty"], truth.map("distance_penalty")[0][region], atol=1e-4)
    assert [maps[name].dtype for name in STORED] == [np.uint8, np.float32, np.float32]


def test_only_what_is_asked_for_is_read(tmp_path):
    write(tmp_path, "a", LABELS)
    stored = read(tmp_path, "a")
    assert isinstance(stored.contours, np.memmap)
    assert isinstance(stored.steps, np.memmap)
    assert stored.shape == LABELS.shape
    everything = tuple(map(slice, LABELS.shape))
    assert set(stored.crop(everything, LABELS, ["rectified"])) == {"rectified"}


def test_three_bytes_per_voxel_whatever_the_number_of_classes(tmp_path):
    labels = np.arange(40**3).reshape(40, 40, 40) % 200
    write(tmp_path, "a", labels)
    arrays = sum(path.stat().st_size for path in tmp_path.glob("*.npy"))
    assert arrays - 2 * 128 == 3 * labels.size  # 128 is numpy's header


def test_maps_of_other_labels_or_settings_are_an_error_that_names_both_hashes(tmp_path):
    write(tmp_path, "a", LABELS, SETTINGS[0])
    assert read(tmp_path, "a", labels=LABELS.astype(np.int64), settings=MapSettings()).shape == LABELS.shape
    assert read(tmp_path, "a", labels=fingerprint(LABELS)).shape == LABELS.shape
    other = LABELS.copy()
    other[0, 0, 0] += 1
    hashes = f"other labels, hash {fingerprint(LABELS)}, expected {fingerprint(other)}"
    with pytest.raises(InputError, match=rf"case 'a' were made with {hashes}"):
        read(tmp_path, "a", labels=other)
    hashes = f"other settings, hash {SETTINGS[0].hash}, expected {SETTINGS[1].hash}"
    with pytest.raises(InputError, match=rf"a.maps.json: the maps of case 'a' were made with {hashes}"):
        read(tmp_path, "a", settings=SETTINGS[1])


def test_a_case_without_maps_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"b.maps.json: no maps of case 'b'"):
        read(tmp_path, "b")
    write(tmp_path, "a", LABELS)
    next(tmp_path.glob("a.*.rectified.npy")).unlink()
    with pytest.raises(InputError, match=r"rectified.npy: no maps of case 'a'"):
        read(tmp_path, "a")


def test_settings_are_the_same_whatever_the_type_of_their_numbers():
    assert MapSettings((1, 2)).hash == MapSettings((np.float32(1), 2.0)).hash != MapSettings((2, 1)).hash


def test_writing_again_replaces_the_old_files_and_no_other_case(tmp_path):
    for case in ("a", "a.b", "[a]"):
        write(tmp_path, case, LABELS)
    write(tmp_path, "a", LABELS[::-1])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 9  # no temporary file, no stale one
    assert read(tmp_path, "a", labels=LABELS[::-1]).shape == LABELS.shape
    assert read(tmp_path, "a.b", labels=LABELS).shape == LABELS.shape


def test_a_failed_write_leaves_the_old_maps(tmp_path, monkeypatch):
    write(tmp_path, "a", LABELS)
    before = {path.name for path in tmp_path.iterdir()}

    def full_disk(path, array):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("seglossbench.maps.store.save_array", full_disk)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path, "a", LABELS[::-1])
    assert {path.name for path in tmp_path.iterdir()} == before
    read(tmp_path, "a", labels=LABELS)


@pytest.mark.parametrize(
    ("names", "kernel", "message"), [(["boundary"], 3, "map 'boundary' is not stored"), (STORED, 5, "5")]
)
def test_what_is_not_stored_is_an_error(tmp_path, names, kernel, message):
    write(tmp_path, "a", LABELS)
    with pytest.raises(InputError, match=message):
        read(tmp_path, "a").crop((slice(0, 2),) * 3, LABELS[:2, :2, :2], names, kernel)
