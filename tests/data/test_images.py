import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from seglossbench.data.images import read_label_map, read_volume
from seglossbench.errors import InputError
from seglossbench.image_files import files_of, suffix_of

AFFINE = np.array([[-1.5, 0, 0, 20], [0, -2, 0, 30], [0, 0, 3, -40], [0, 0, 0, 1.0]])
VOXELS = np.random.default_rng(0).integers(-300, 3000, (5, 6, 7)).astype(np.int16)


@pytest.mark.parametrize("suffix", ["nii", "nii.gz", "nrrd", "mha"])
def test_every_format_tells_the_same(tmp_path, suffix):
    file = tmp_path / f"a.{suffix}"
    if suffix.startswith("nii"):
        nib.save(nib.Nifti1Image(VOXELS, AFFINE), file)
    else:
        image = sitk.GetImageFromArray(VOXELS.T)
        image.SetSpacing((1.5, 2, 3))
        image.SetOrigin((-20, -30, -40))
        sitk.WriteImage(image, file)
    volume = read_volume(file)
    assert volume.array.dtype == np.int16
    np.testing.assert_array_equal(volume.array, VOXELS[None])
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert volume.spacing_mm == pytest.approx((1.5, 2, 3))


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_a_fourth_axis_is_channels(tmp_path, suffix):
    channels = np.stack([VOXELS, VOXELS + 1])
    file = tmp_path / f"a.{suffix}"
    if suffix == "nii.gz":
        nib.save(nib.Nifti1Image(np.moveaxis(channels, 0, 3), AFFINE), file)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(np.moveaxis(channels, 0, 3).transpose(2, 1, 0, 3), True), file)
    volume = read_volume(file)
    np.testing.assert_array_equal(volume.array, channels)
    assert volume.shape == (5, 6, 7)


def test_four_dimensional_nrrd_has_channels_last(tmp_path):
    image = sitk.JoinSeries([sitk.GetImageFromArray((VOXELS + i).T) for i in range(3)])
    sitk.WriteImage(image, tmp_path / "a.nrrd")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.nrrd").array, [VOXELS, VOXELS + 1, VOXELS + 2])


def test_slope_and_offset_are_applied_as_nibabel_does(tmp_path):
    image = nib.Nifti1Image(VOXELS, AFFINE)
    image.header.set_slope_inter(0.37, -12.5)
    nib.save(image, tmp_path / "a.nii.gz")
    volume = read_volume(tmp_path / "a.nii.gz")
    assert volume.array.dtype == np.float32
    expected = nib.load(tmp_path / "a.nii.gz").get_fdata()
    assert expected.max() > 1000
    np.testing.assert_allclose(volume.array[0], expected, rtol=1e-6, atol=1e-4)


def scaled(values, path, dtype):
    """Saved under a header of whole numbers, for which nibabel finds a slope and an offset."""
    header = nib.Nifti1Header()
    header.set_data_dtype(dtype)
    nib.save(nib.Nifti1Image(values.astype(np.float64), AFFINE, header), path)
    return path


@pytest.mark.parametrize("dtype", [np.int16, np.uint8])
def test_labels_moved_by_a_scale_factor_are_whole_numbers(tmp_path, dtype):
    labels = VOXELS % 3
    path = scaled(labels, tmp_path / "a.nii.gz", dtype)
    assert not np.isin(nib.load(path).get_fdata(), (0, 1, 2)).all()
    read = read_label_map(path).array
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read[0], labels)


def test_large_labels_in_floats_stay_apart(tmp_path, write_nifti):
    labels = np.where(VOXELS % 2, 2.0**40, 2.0**40 + 1)
    np.testing.assert_array_equal(read_label_map(write_nifti(tmp_path / "a.nii", labels)).array[0], labels)
    with pytest.raises(InputError, match=r"a\.nii: labels beyond 9007199254740992 are not exact"):
        read_label_map(write_nifti(tmp_path / "a.nii", labels * 2**20))


@pytest.mark.parametrize(("value", "told"), [(0.5, "0.5"), (1.0100153, "1.0100153"), (2.98, "2.98")])
def test_what_is_no_label_is_told_whole(tmp_path, write_nifti, value, told):
    labels = np.where(VOXELS.max() == VOXELS, value, 1.0)
    with pytest.raises(InputError, match=rf"a\.nii: labels are whole numbers, found {told}; threshold it"):
        read_label_map(write_nifti(tmp_path / "a.nii", labels))


@pytest.mark.parametrize(
    ("stored", "read"),
    [(">i2", "int16"), (">f4", "float32"), ("f8", "float32"), ("u1", "uint8"), ("i4", "int32")],
)
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_types_and_byte_orders(tmp_path, stored, read, kind):
    values = np.abs(VOXELS % 200).astype(stored)
    header = kind.header_class(endianness=">" if stored[0] == ">" else "<")
    header.set_data_dtype(values.dtype)
    nib.save(kind(values, AFFINE, header), tmp_path / "a.nii")
    array = read_volume(tmp_path / "a.nii").array
    assert array.dtype == np.dtype(read)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array[0], values)


def test_a_time_axis_of_one_moment_is_no_channel(tmp_path, write_nifti):
    assert read_volume(write_nifti(tmp_path / "a.nii", VOXELS[..., None])).array.shape == (1, 5, 6, 7)
    vector = write_nifti(tmp_path / "b.nii", np.stack([VOXELS, VOXELS], -1)[:, :, :, None])
    assert read_volume(vector).array.shape == (2, 5, 6, 7)


@pytest.mark.parametrize("keep", [0.5, 0.98])
def test_truncated_files_are_named(tmp_path, keep):
    nib.save(nib.Nifti1Image(VOXELS, AFFINE), tmp_path / "a.nii")
    whole = (tmp_path / "a.nii").read_bytes()
    for name, data in (("a.nii", whole), ("b.nii.gz", gzip.compress(whole))):
        (tmp_path / name).write_bytes(data[: int(keep * len(data))])
        with pytest.raises(InputError, match=rf"{name}: truncated or damaged.*download it again"):
            read_volume(tmp_path / name)


def test_a_flipped_bit_in_a_zipped_file_is_noticed(tmp_path):
    nib.save(nib.Nifti1Image(VOXELS, AFFINE), tmp_path / "a.nii")
    data = bytearray(gzip.compress((tmp_path / "a.nii").read_bytes()))
    data[len(data) // 2] ^= 0x10
    (tmp_path / "b.nii.gz").write_bytes(data)
    with pytest.raises(InputError, match=r"b\.nii\.gz: truncated or damaged"):
        read_volume(tmp_path / "b.nii.gz")


@pytest.mark.parametrize("header", ["a.mhd", "a.nhdr", "a.mha", "a.nrrd"])
def test_the_voxels_of_a_header_are_one_of_its_files(tmp_path, header):
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), tmp_path / header)
    written = set(tmp_path.iterdir())
    assert set(files_of(tmp_path / header)) == written
    assert len(written) == (2 if header in ("a.mhd", "a.nhdr") else 1)
    for voxels in written - {tmp_path / header}:
        voxels.unlink()
        with pytest.raises(
            InputError, match=rf"{header}: is a header, and the file of its voxels is missing"
        ):
            files_of(tmp_path / header)


def test_what_cannot_be_read_is_named(tmp_path, write_nifti):
    for name, content, message in (
        ("a.nii.gz", b"no scan", "no NIfTI header"),
        ("a.nii", b"", "no NIfTI header"),
        ("a.nii", b"\x5c\x01\0\0", "truncated or damaged"),
        ("a.nrrd", b"NRRD0004\n", "not a readable image"),
        ("a.txt", b"", "unknown ending; expected .nii.gz"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name}: .*{message}"):
            read_volume(tmp_path / name)
    with pytest.raises(InputError, match=r"none\.nii: no such file"):
        read_volume(tmp_path / "none.nii")
    with pytest.raises(InputError, match="NaN"):
        read_volume(write_nifti(tmp_path / "b.nii", np.full((2, 2, 2), np.nan, np.float32)))
    with pytest.raises(InputError, match="infinite"):  # in the float32 that everything is computed in
        read_volume(write_nifti(tmp_path / "b.nii", np.full((2, 2, 2), 1e300)))
    header = nib.Nifti1Header()
    header.set_sform(np.diag([0.0, 1, 1, 1]), 1)
    nib.save(nib.Nifti1Image(VOXELS, None, header), tmp_path / "c.nii")
    with pytest.raises(InputError, match="voxel size is 0 along x"):
        read_volume(tmp_path / "c.nii")


def test_the_ending_of_a_zipped_file_is_whole():
    assert suffix_of(Path("x.y/A.NII.GZ")) == ".nii.gz"
    assert suffix_of(Path("a.gz")) == ""


def test_real_scans_read_as_nibabel_reads_them(realdata):
    for file in sorted(realdata.rglob("*.nii.gz")):
        volume, image = read_volume(file), nib.load(file)
        np.testing.assert_allclose(volume.array[0], np.asanyarray(image.dataobj), rtol=1e-6)
        np.testing.assert_array_equal(volume.affine, image.affine)


@pytest.mark.parametrize(
    ("mode", "channels"), [("RGB", 3), ("RGBA", 3), ("L", 1), ("LA", 1), ("I;16", 1), ("P", 1)]
)
def test_png_channels_come_first_and_opacity_is_left_out(tmp_path, mode, channels):
    image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    file = tmp_path / "a.png"
    image.convert(mode).save(file)
    volume = read_volume(file)
    assert volume.array.shape == (channels, 2, 3)
    assert volume.spacing_mm == (1, 1)
    if mode != "P":
        np.testing.assert_array_equal(volume.array, np.tile(np.arange(6).reshape(2, 3), (channels, 1, 1)))


def test_a_mask_may_be_saved_in_colour_if_it_shows_grey(tmp_path):
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 1] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png").array, pixels[None, ..., 0])
    pixels[1, 2] = 1, 2, 3
    Image.fromarray(pixels).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"b\.png: 3 values per voxel"):
        read_label_map(tmp_path / "b.png")


def test_a_truncated_png_is_named(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.png: not a readable PNG file"):
        read_volume(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        (
            "members.nii.gz",
            lambda raw: b"".join(gzip.compress(raw[i : i + 99]) for i in range(0, len(raw), 99)),
        ),
        ("zeros.nii.gz", lambda raw: gzip.compress(raw) + bytes(1024)),  # as tapes leave them
        ("named.nii", gzip.compress),
        ("bare.nii.gz", bytes),
        ("UPPER.NII.GZ", gzip.compress),
    ],
)
def test_whole_files_are_read_however_they_are_packed(tmp_path, write_nifti, name, pack):
    raw = write_nifti(tmp_path / "a.nii", VOXELS).read_bytes()
    (tmp_path / name).write_bytes(pack(raw))
    np.testing.assert_array_equal(read_volume(tmp_path / name).array[0], VOXELS)
