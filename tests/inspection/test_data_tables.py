import pytest

from seglossbench.data.facts import CaseFacts
from seglossbench.drawing.figure import save
from seglossbench.inspection.data_figure import data_figure
from seglossbench.inspection.data_tables import case_table, class_table
from tests.reporting import fabricated


def fact(name, **sizes):
    return CaseFacts(name, name, "", "MRI", (10, 10, 10), (1.0, 2.0, 5.0), sizes)


FACTS = [
    fact("a", liver=1000.0, cyst=0.0),
    fact("b", liver=3000.0, cyst=10.0),
    fact("c", liver=2000.0, cyst=0.0),
]


def test_a_row_per_case_in_ml():
    table = case_table(FACTS)
    assert table.loc[1, ["case", "shape_z", "spacing_z_mm", "liver_ml", "cyst_ml"]].tolist() == [
        "b",
        10,
        5,
        3,
        0.01,
    ]


def test_a_row_per_class_counts_its_cases_and_its_share():
    liver, cyst = class_table(FACTS).to_dict("records")
    # Each of the three scans has 10 ml.
    assert liver == {
        "class": "liver",
        "cases": "3 of 3",
        "median ml": "2",
        "range ml": "1 to 3",
        "share of all voxels": "20 %",
    }
    assert (cyst["cases"], cyst["median ml"], cyst["share of all voxels"]) == ("1 of 3", "0.01", "0.033 %")


def test_flat_images_have_areas():
    flat = [CaseFacts("a", "a", "", "MRI", (10, 10), (1.0, 1.0), {"mortar": 25.0})]
    assert case_table(flat)["mortar_mm²"].tolist() == [25]
    assert class_table(flat)["share of all pixels"].tolist() == ["25 %"]


def test_photographs_have_pixels_and_no_voxel_size():
    photo = [CaseFacts("a", "a", "", "RGB", (10, 10), (1.0, 1.0), {"mortar": 25.0}, "px")]
    table = case_table(photo)
    assert table["mortar_pixels"].tolist() == [25]
    assert not [name for name in table if "mm" in name]
    assert "median pixels" in class_table(photo)
    titles = [axes.get_title() for axes in data_figure(photo).axes]
    assert titles == ["Size of a class in a case, pixels", "Share of all pixels, %", "Number of pixels"]


@pytest.mark.parametrize("facts", [FACTS, FACTS[:1], list(fabricated.case_facts())])
def test_the_figure_has_a_row_per_class_and_says_where_one_is_absent(facts, tmp_path):
    figure = data_figure(facts)
    sizes = figure.axes[0]
    assert [label.get_text() for label in sizes.get_yticklabels()] == list(facts[0].class_sizes_mm)
    lacking = {
        f"{present} of {len(facts)}"
        for name in facts[0].class_sizes_mm
        if (present := sum(one.class_sizes_mm[name] > 0 for one in facts)) < len(facts)
    }
    assert {text.get_text() for text in sizes.texts} == lacking
    save(figure, tmp_path / "figure")
    assert (tmp_path / "figure.png").stat().st_size > 10_000
