import json
from html.parser import HTMLParser
from pathlib import Path

import fabricated
import pandas as pd
import pytest

from seglossbench.errors import InputError
from seglossbench.reporting import Dataset, Facts, Run, epoch_figures, load_scores, material, write_report

NOTHING = pd.DataFrame()


class Links(HTMLParser):
    """The addresses and anchors of a page, and whether every tag that was opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.anchors, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.addresses += [attributes[name] for name in ("href", "src") if name in attributes]
        self.anchors += [attributes["id"]] if "id" in attributes else []
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def small():
    """Two losses, two seeds, one class."""
    rows = [
        ("d", "u", loss, seed, "a", "liver", "DSC", str(value))
        for loss, values in (("ce", (0.5, 0.7)), ("dice", (0.4, 0.5)))
        for seed, value in zip("01", values, strict=True)
    ]
    columns = ["dataset", "network", "loss", "seed", "case", "class", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The report of the fabricated experiment."""
    out = tmp_path_factory.mktemp("whole") / "reports"
    return write_report(out, fabricated.scores(), fabricated.histories(), fabricated.facts())


def test_the_page_counts_the_patients_behind_the_cases(whole):
    patients = fabricated.facts().datasets[0].patients
    assert patients.startswith(f"{len(tuple(fabricated.case_facts()))} patients behind")
    assert patients in whole.read_text(encoding="utf-8")


def test_the_split_is_stored_with_the_names_of_its_cases(whole):
    stored = json.loads((whole.parent / "tables" / "amos_phantom_split.json").read_text())
    assert {part: len(stored[part]) for part in ("train", "validation", "test")} == {
        "train": 12,
        "validation": 3,
        "test": 4,
    }
    assert "Split official: as the authors say" in whole.read_text(encoding="utf-8")


def test_the_page_is_whole_and_every_link_of_it_leads_somewhere(whole):
    page = Links(whole.read_text(encoding="utf-8"))
    assert page.open == []
    assert len(page.anchors) == len(set(page.anchors))
    for address in page.addresses:
        if address.startswith("#"):
            assert address[1:] in page.anchors
        elif not address.startswith("http"):
            assert (whole.parent / address).is_file()


def test_the_page_says_what_a_reader_must_know(whole):
    text = whole.read_text(encoding="utf-8")
    for words in (
        "says nothing about real anatomy",
        "Not every run is done",
        "30 DONE",
        "loss is nan at step 110",
        "absent from the truth of the only test case (BraTS20_Training_002)",
        "95th percentile of the surface distances of both directions taken together",
        "https://arxiv.org/abs/2407.06176",
        "https://arxiv.org/abs/2108.01405",
        "BraTS20_Training_355: no mask",
        "vessel_&amp;_100%",
    ):
        assert words in text, words
    assert "http" not in "".join(
        address for address in Links(text).addresses if address.endswith((".js", ".css"))
    )


def test_every_dataset_has_tables_in_four_formats_and_figures_in_two(whole):
    found = files(whole.parent)
    for dataset in ("amos_phantom", "brats20"):
        for metric in ("DSC", "HD95"):
            assert {
                f"tables/{dataset}_{metric}.{ending}" for ending in ("csv", "md", "tex", "html")
            } <= found.keys()
    names = {name for name in found if name.startswith("figures/") and name.endswith(".png")}
    assert names == {
        "figures/amos_phantom_convergence_unet.png",
        "figures/amos_phantom_convergence_dynunet.png",
        "figures/amos_phantom_seeds.png",
        "figures/amos_phantom_classes.png",
        "figures/amos_phantom_data.png",
        "figures/brats20_convergence_unet.png",
        "figures/brats20_classes.png",
        *(
            f"figures/{part}/{dataset}_{network}.png"
            for part in ("case_by_case", "ranks", "stability")
            for dataset, network in (
                ("amos_phantom", "unet"),
                ("amos_phantom", "dynunet"),
                ("brats20", "unet"),
            )
        ),
        "figures/sensitivity_means.png",
        "figures/paired_differences.png",
    }
    assert {name.replace(".png", ".pdf") for name in names} <= found.keys()
    summary = pd.read_csv(whole.parent / "tables" / "summary.csv")
    assert summary.loc[summary["class"] == "enhancing", "absent"].all()
    assert summary.loc[summary["class"] == "enhancing", "mean"].isna().all()


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_report(tmp_path / name, small(), NOTHING, Facts("x"))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_report_that_fails_leaves_the_former_one_and_no_rubbish(tmp_path, monkeypatch):
    out = tmp_path / "reports"
    write_report(out, small(), NOTHING, Facts("former"))
    before = files(tmp_path)

    def no_space(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(material, "save", no_space)
    with pytest.raises(OSError, match="no space"):
        write_report(out, small(), NOTHING, Facts("latter"))
    assert files(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_the_page_comes_last_so_that_it_never_shows_files_that_are_not_there(tmp_path, monkeypatch):
    moved = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: moved.append(target) or replace(self, target))
    write_report(tmp_path / "out", small(), NOTHING, Facts("x"))
    published = [
        path.relative_to(tmp_path / "out").as_posix()
        for path in moved
        if path.is_relative_to(tmp_path / "out")
    ]
    assert published.index("index.html") > max(
        published.index(name) for name in published if name[:7] == "figures"
    )
    assert published.index("index.html") > published.index("tables/summary.csv")


def test_a_new_report_replaces_its_own_files_and_no_others(tmp_path):
    write_report(tmp_path, small(), NOTHING, Facts("former"))
    (tmp_path / "benchmarks.json").write_text("{}")
    (tmp_path / "tables" / "mine.csv").write_text("a")
    write_report(tmp_path, small().assign(dataset="e"), NOTHING, Facts("latter"))
    found = files(tmp_path)
    assert {"benchmarks.json", "tables/mine.csv", "tables/e_DSC.csv", "figures/e_seeds.png"} <= found.keys()
    assert not [name for name in found if name.split("/")[-1].startswith("d_")]
    assert "latter" in found["index.html"].decode()


def test_anybodys_scores_make_a_report_without_training(tmp_path):
    (tmp_path / "mine.csv").write_text("case,class,metric,value\na,1,NSD@1mm,0.5\na,2,NSD@1mm,1\n")
    page = write_report(tmp_path / "out", load_scores([tmp_path / "mine.csv"]), NOTHING, Facts("mine"))
    assert (
        tmp_path / "out/tables/scores_NSD-1mm.csv"
    ).read_text() == "loss,mean,1,2\nmine,0.750,0.500,1.000\n"
    text = page.read_text(encoding="utf-8")
    assert "NSD@1mm ↑" in text
    assert "not stated" in text


def test_metrics_are_shown_when_asked_for_and_unknown_ones_refused(tmp_path):
    scores = pd.concat([small(), small().assign(metric="HD"), small().assign(metric="ASSD")])
    write_report(tmp_path / "default", scores, NOTHING, Facts("x"))
    write_report(tmp_path / "asked", scores, NOTHING, Facts("x"), metrics=("HD", "ASSD"))
    tables = {
        name: {file.stem for file in (tmp_path / name / "tables").glob("d_*.csv")}
        for name in ("default", "asked")
    }
    assert tables == {"default": {"d_DSC", "d_HD", "d_ASSD"}, "asked": {"d_HD", "d_ASSD"}}
    with pytest.raises(InputError, match="did you mean 'ASSD'"):
        write_report(tmp_path / "wrong", scores, NOTHING, Facts("x"), metrics=("ASD",))
    assert not (tmp_path / "wrong").exists()


def test_an_experiment_whose_runs_all_failed_still_has_a_report(tmp_path):
    facts = Facts("x", (Run("d", "u", "ce", "0", "FAILED", "out of <memory>"),), (Dataset("d", 1, 0, 1),))
    text = write_report(tmp_path, NOTHING, NOTHING, facts).read_text(encoding="utf-8")
    assert "No scores." in text
    assert "out of &lt;memory&gt;" in text


def test_two_datasets_whose_names_look_alike_keep_files_of_their_own(tmp_path):
    write_report(
        tmp_path, pd.concat([small().assign(dataset=name) for name in ("a b", "a-b")]), NOTHING, Facts("x")
    )
    assert (tmp_path / "tables/a-b_DSC.csv").exists()
    assert (tmp_path / "tables/a-b-2_DSC.csv").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "reports").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        write_report(tmp_path / "reports", small(), NOTHING, Facts("x"))


def of_two_parts():
    """The scores of two datasets that were made by other metrics and conventions."""
    hd = pd.concat([small(), small().assign(metric="HD")]).assign(dataset="hearts")
    hd95 = pd.concat([small(), small().assign(metric="HD95")]).assign(dataset="organs")
    described = (
        Dataset("hearts", 1, 0, 1, hd95="", empty_policy="drop", distance_unit="px"),
        Dataset("organs", 1, 0, 1, hd95="pooled", empty_policy="diagonal"),
    )
    return pd.concat([hd, hd95]), Facts("both", datasets=described)


def test_a_dataset_has_tables_of_its_own_metrics_only(tmp_path):
    write_report(tmp_path, of_two_parts()[0], NOTHING, Facts("x"))
    found = {file.stem for file in (tmp_path / "tables").glob("*s_[DH]*.csv")}
    assert found == {"hearts_DSC", "hearts_HD", "organs_DSC", "organs_HD95"}


def test_every_convention_is_told_of_the_datasets_that_follow_it(tmp_path):
    scores, facts = of_two_parts()
    text = write_report(tmp_path, scores, NOTHING, facts).read_text(encoding="utf-8")
    assert "<dd>hearts: drop: a missed class has DSC 0 and no distance" in text
    assert "<dd>organs: diagonal: a missed class or a false alarm" in text
    assert "<dt>HD95</dt><dd>organs: pooled: the 95th percentile" in text
    assert "<dd>hearts: in px</dd><dd>organs: in mm</dd>" in text


def test_scores_of_paper_a_keep_their_directions_and_are_in_voxels(tmp_path):
    suffix = "_paper_a_released"
    scores = pd.concat([small().assign(metric=f"HD95{suffix}"), small().assign(metric=f"DSC{suffix}")])
    text = write_report(tmp_path, scores, NOTHING, Facts("x")).read_text(encoding="utf-8")
    assert f"HD95{suffix} ↓ [voxels]" in text
    assert text.index(f">DSC{suffix} ↑</h3>") < text.index(f">HD95{suffix} ↓ [voxels]</h3>")


def test_a_dataset_that_is_not_prepared_says_so_beside_its_scores(tmp_path):
    facts = Facts("x", datasets=(Dataset("d", 0, 0, 0, missing="data/d: not there"), Dataset("e", 1, 0, 1)))
    text = write_report(tmp_path, small(), NOTHING, facts).read_text(encoding="utf-8")
    assert "data/d: not there" in text
    assert "0 cases to train" not in text
    assert "1 case to train" in text
    assert (tmp_path / "tables/d_DSC.csv").exists()


def test_test_scores_by_epoch_have_a_figure_of_the_metrics(tmp_path, monkeypatch):
    drawn = []
    draw = epoch_figures.scores_by_epoch
    monkeypatch.setattr(epoch_figures, "scores_by_epoch", lambda *of: drawn.append(of[2]) or draw(*of))
    rows = [
        ("d", "u", loss, seed, epoch, 0, "test_by_epoch", name, value)
        for loss in ("ce", "dice")
        for seed in ("0", "1")
        for epoch in (1, 3)
        for name, value in (("DSC", 0.1 * epoch), ("HD", 9.0 - epoch), ("predicted_classes", 2.0))
    ]
    rows += [
        (*row[:6], *more)
        for row in rows[::3]
        for more in (("cost", "seconds", 9.0), ("train", "gradient_norm", 1))
    ]
    columns = ["dataset", "network", "loss", "seed", "epoch", "step", "split", "name", "value"]
    page = write_report(tmp_path, small(), pd.DataFrame(rows, columns=columns), Facts("x"))
    assert (tmp_path / "figures/d_test_by_epoch_u.png").exists()
    curves = {file.stem for file in (tmp_path / "figures/curves").glob("*.pdf")}
    assert curves == {"test_DSC_hours", "gradient_norm_epoch"}
    assert [[metric.name for metric in metrics] for metrics in drawn] == [["DSC", "HD"]]
    assert "Test scores by epoch, u" in page.read_text(encoding="utf-8")
