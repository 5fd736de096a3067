import pytest

from seglossbench.acquisition import licences, sources
from seglossbench.acquisition.sources import GitPart, NumberedPart
from seglossbench.errors import InputError
from seglossbench.params import load
from seglossbench.registry import LAYOUTS
from tests.conftest import PROJECT

NAMES = tuple(sources.sources())


def test_the_datasets_of_both_papers_are_there():
    papers = {"amos22", "brats2018", "brats2020", "brats2021", "brats2023", "acdc17", "kits19"}
    assert papers | {"msd_brain_tumour", "topomortar", "pengwin"} == set(NAMES)


def test_every_source_is_a_dataset_of_the_params():
    datasets = load(PROJECT / "params.yaml").datasets
    assert {name: datasets[name].source for name in NAMES} == {name: name for name in NAMES}
    assert not any(datasets[name].accept_licence for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_says_where_it_comes_from(name):
    source = sources.sources()[name]
    row = next(
        line
        for line in (PROJECT / "docs" / "data.md").read_text().splitlines()
        if line.startswith(f"| `{name}`")
    )
    assert f"[{source.licence.name}]({source.licence.url})" in row
    assert source.page in row
    assert all(route in row for route in source.routes)


@pytest.mark.parametrize("name", NAMES)
def test_its_layout_can_be_read(name):
    assert sources.sources()[name].layout in LAYOUTS


def test_numbered_addresses_are_written_out():
    part = next(part for part in sources.find("kits19").parts() if isinstance(part, NumberedPart))
    files = part.files()
    assert len(files) == 210
    assert files[0][0].endswith("/images/case_00000.nii.gz")
    assert files[209][1] == "data/case_00209/imaging.nii.gz"


def test_the_archive_and_the_repository_are_of_one_commit():
    (archive,), (repository,) = sources.find("topomortar").routes.values()
    assert isinstance(repository, GitPart)
    assert repository.revision in archive.url


def test_validation_cases_without_labels_are_left_out():
    brats = sources.find("brats2020")
    assert brats.wants("BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData/BraTS20_Training_001/x.nii")
    assert not brats.wants(
        "BraTS2020_ValidationData/MICCAI_BraTS2020_ValidationData/BraTS20_Validation_001/x.nii"
    )
    assert not sources.find("brats2021").wants("BraTS2021_00495.tar")


def test_a_misspelt_source_or_route_is_named():
    with pytest.raises(
        InputError, match=r"datasets\.x\.source: unknown source 'amos'; did you mean 'amos22'"
    ):
        sources.find("amos", "datasets.x.source")
    with pytest.raises(InputError, match="amos22 has no route 'kaggle'; known: auto, http"):
        sources.routes_of("amos22", "kaggle")


def test_a_licence_is_accepted_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    licence = sources.find("amos22").licence
    with pytest.raises(
        InputError, match=r"CC BY 4\.0.*download mine --accept-licence.*datasets\.mine\.accept_licence"
    ):
        licences.require("amos22", licence, "mine")
    licences.accept("kits19", sources.find("kits19").licence)
    licences.accept("amos22", licence)
    licences.require("amos22", licence, "mine")
    licences.require("kits19", sources.find("kits19").licence, "mine")
    with pytest.raises(InputError, match="not accepted"):
        # what was accepted is this licence and no later one
        licences.require("amos22", licence.model_copy(update={"name": "CC BY 5.0"}), "mine")


def test_a_damaged_memory_of_licences_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    licences.REMEMBERED.write_text("[1")
    with pytest.raises(InputError, match=r"data/licences\.json: .*remove it"):
        licences.require("amos22", sources.find("amos22").licence, "amos22")
