import numpy as np
import pytest

from seglossbench.errors import InputError
from seglossbench.maps import Truth
from seglossbench.maps.caching import MapSettings, place_of, write
from seglossbench.maps.store import STORED, StoredMaps, read_index, write_index

LABELS = (
    np.random.default_rng(0).integers(0, 4, (3, 4, 5)).repeat(3, 0).repeat(3, 1).repeat(3, 2).astype(np.uint8)
)
SETTINGS = [MapSettings(), MapSettings(spacing_mm=(1.0, 0.7, 2.5))]
EVERYTHING = tuple(map(slice, LABELS.shape))


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("kernel", [2, 3])
def test_a_crop_of_the_cache_is_a_crop_of_the_map(tmp_path, settings, kernel):
    write(tmp_path / "a", LABELS, settings)
    region = (slice(2, 8), slice(0, 5), slice(7, 15))
    maps = StoredMaps(tmp_path / "a").crop(region, LABELS[region], STORED, kernel)
    truth = Truth(LABELS[None], 4, spacing_mm=settings.spacing_mm, contour_kernel=kernel)
    np.testing.assert_array_equal(maps["contour"], truth.contour[0][region])
    np.testing.assert_allclose(maps["rectified"], truth.rectified[0][region], rtol=0, atol=7.7e-6)
    np.testing.assert_allclose(maps["distance_penalty"], truth.map("distance_penalty")[0][region], atol=1e-4)
    assert [maps[name].dtype for name in STORED] == [np.uint8, np.float32, np.float32]


def test_only_what_is_asked_for_is_read(tmp_path):
    write(tmp_path / "a", LABELS, MapSettings())
    (tmp_path / "a" / "contour.npy").unlink()
    assert set(StoredMaps(tmp_path / "a").crop(EVERYTHING, LABELS, ["rectified"])) == {"rectified"}


def test_three_bytes_per_voxel_whatever_the_number_of_classes(tmp_path):
    labels = np.arange(40**3).reshape(40, 40, 40) % 200
    write(tmp_path / "a", labels, MapSettings())
    sizes = {path.stem: path.stat().st_size for path in (tmp_path / "a").iterdir()}
    header, per_class = 128, 4
    assert sum(sizes.values()) == 3 * labels.size + 200 * per_class + 3 * header


def test_a_place_is_that_of_the_labels_and_the_settings(tmp_path):
    place = place_of(tmp_path, "a", LABELS, MapSettings((1, 2, 3)))
    assert place_of(tmp_path, "a", LABELS.astype(np.int64), MapSettings((np.float32(1), 2.0, 3))) == place
    other = LABELS.copy()
    other[0, 0, 0] += 1
    places = {
        place,
        place_of(tmp_path, "a", other, MapSettings((1, 2, 3))),
        place_of(tmp_path, "a", LABELS, MapSettings((2, 1, 3))),
        place_of(tmp_path, "a", LABELS.reshape(LABELS.shape[::-1]), MapSettings((1, 2, 3))),
    }
    assert len(places) == 4


def test_an_index_leads_to_the_maps_of_each_case_wherever_it_is_moved(tmp_path):
    place = tmp_path / "data" / "cases" / "a-0123"
    write(place, LABELS, MapSettings())
    write_index(tmp_path / "data" / "x", {"a": place})
    (tmp_path / "data").rename(tmp_path / "moved")
    maps = read_index(tmp_path / "moved" / "x")
    assert maps["a"].crop(EVERYTHING, LABELS, ["contour"])["contour"].shape == LABELS.shape


def test_what_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match=r"x/maps.json: not there; run `seglossbench maps`"):
        read_index(tmp_path / "x")
    write(tmp_path / "a", LABELS, MapSettings())
    (tmp_path / "a" / "rectified.npy").unlink()
    with pytest.raises(InputError, match=r"a/rectified.npy: not there; run `seglossbench maps`"):
        StoredMaps(tmp_path / "a").crop(EVERYTHING, LABELS)


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(path, array):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("seglossbench.maps.caching.save_array", full_disk)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "a", LABELS, MapSettings())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "kernel", "message"), [(["boundary"], 3, "map 'boundary' is not stored"), (STORED, 5, "5")]
)
def test_what_is_not_stored_is_an_error(tmp_path, names, kernel, message):
    write(tmp_path / "a", LABELS, MapSettings())
    with pytest.raises(InputError, match=message):
        StoredMaps(tmp_path / "a").crop((slice(0, 2),) * 3, LABELS[:2, :2, :2], names, kernel)
