import pytest
from pydantic import create_model

from seglossbench.errors import InputError
from seglossbench.experiment import Experiment, identity
from seglossbench.jobs import train_jobs
from seglossbench.params import PhantomParams, PreprocessParams, TrainParams


@pytest.fixture
def load(project):
    def load(text="{}", **overrides):
        (project / "experiments" / "changed.yaml").write_text(text)
        return Experiment.load(overrides={"experiment": "changed", **overrides})

    return load


def ids(experiment):
    return {(run.dataset.name, run.network, run.loss, run.seed): run.id for run in experiment.runs}


def test_grid_is_the_product_in_the_order_of_params(load):
    runs = load(
        "grid: {datasets: [brats_phantom], networks: [unet], losses: [rrw_ce, ce], seeds: [1, 0]}"
    ).runs
    assert [(run.loss, run.seed) for run in runs] == [("rrw_ce", 1), ("rrw_ce", 0), ("ce", 1), ("ce", 0)]


def test_a_losses_parameter_changes_the_ids_of_its_runs_only(load):
    before, after = ids(load()), ids(load("losses: {rrw_ce: {rrw: 2.0}}"))
    changed = {key[2] for key in before if before[key] != after[key]}
    assert changed == {"rrw_ce"}
    assert len(before) == 40


def test_a_change_of_preprocessing_changes_every_run_of_that_dataset_only(load):
    before, after = ids(load()), ids(load("datasets: {amos_phantom: {preprocess: {spacing_mm: [2, 2, 2]}}}"))
    assert {key[0] for key in before if before[key] != after[key]} == {"amos_phantom"}


def test_what_a_split_file_says_changes_the_runs_and_not_the_prepared_data(load, project):
    text = "datasets: {brats_phantom: {split: file, split_file: split.json}}"
    experiments = []
    for content in ("{}", "[]"):
        (project / "split.json").write_text(content)
        experiments.append(load(text))
    before, after = map(ids, experiments)
    assert {key[0] for key in before if before[key] != after[key]} == {"brats_phantom"}
    assert experiments[0].datasets[0].prepared == experiments[1].datasets[0].prepared
    (project / "split.json").unlink()
    with pytest.raises(InputError, match=r"brats_phantom\.split_file: split\.json: No such file"):
        load(text)


@pytest.mark.parametrize("changes", ["select: '*_001'", "regions: {WT: [ET]}", "on_bad_case: skip"])
def test_how_cases_are_read_changes_the_prepared_data(load, changes):
    before, after = load(), load(f"datasets: {{brats_phantom: {{{changes}}}}}")
    assert before.datasets[0].prepared != after.datasets[0].prepared
    assert before.datasets[1].prepared == after.datasets[1].prepared


def test_the_order_of_classes_is_part_of_the_prepared_data(load):
    texts = ("{a: 1, b: 2}", "{b: 2, a: 1}")
    prepared = {load(f"datasets: {{brats_phantom: {{classes: {t}}}}}").datasets[0].prepared for t in texts}
    assert len(prepared) == 2


def test_the_evaluation_and_what_only_hastens_leave_the_training_alone(load):
    faster = "train: {workers: 2, runs_per_job: 3, checkpoint_every: 5, device: cpu}\n"
    before, after = load(), load(faster + "evaluate: {hd95: max_directed}")
    assert ids(before) == ids(after)
    assert before.runs[0].scores != after.runs[0].scores
    assert before.runs[0].predictions == after.runs[0].predictions


def test_the_number_of_threads_decides_digits(load):
    assert set(ids(load()).values()).isdisjoint(ids(load("train: {threads: 2}")).values())


def test_settings_of_maps_count_where_a_loss_reads_them(load):
    before = ids(load())
    for change, losses in (
        ("contour_kernel: 2", {"cwcd"}),
        ("distance_units: mm", {"rrw_ce", "boundary_dice_gradual"}),
        ("scope: patch", {"cwcd", "rrw_ce", "boundary_dice_gradual"}),
    ):
        after = ids(load(f"maps: {{{change}}}"))
        assert {key[2] for key in before if before[key] != after[key]} == losses


def test_degenerate_maps_as_released_are_of_patches_and_make_runs_of_their_own(load):
    defined, released = (
        ids(load(f"maps: {{scope: patch, degenerate: {name}}}")) for name in ("defined", "released")
    )
    assert {key[2] for key in defined if defined[key] != released[key]} == {"rrw_ce", "boundary_dice_gradual"}
    with pytest.raises(InputError, match=r"maps: degenerate: released .* needs scope: patch"):
        load("maps: {degenerate: released}")


def test_maps_of_the_volume_forbid_turning_patches_before_anything_runs(load):
    with pytest.raises(InputError, match=r"datasets\.brats_phantom\.train\.augmentation: maps of the whole"):
        load("train: {augmentation: {preset: nnunet}}")
    assert load("train: {augmentation: {preset: nnunet}}\nmaps: {scope: patch}").runs


def test_a_preset_and_its_options_written_out_are_the_same_run(load):
    assert ids(load("train: {augmentation: {preset: flip}}")) == ids(
        load("train: {augmentation: {preset: none, flip_axes: all}}")
    )


def test_going_back_finds_the_former_ids(load):
    before = ids(load())
    load("train: {epochs: 3}")
    assert ids(load()) == before


def test_own_data_needs_a_folder(load):
    with pytest.raises(InputError, match=r"datasets\.own: no data given.*data_root=PATH"):
        load("grid: {datasets: [own]}")
    with pytest.raises(InputError, match="data_root: no folder nowhere"):
        load("grid: {datasets: [own]}", data_root="nowhere")
    with pytest.raises(InputError, match=r"datasets\.own\.folder: no folder gone"):
        load("grid: {datasets: [own]}\ndatasets: {own: {folder: gone}}", data_root="nowhere")


def test_unknown_run_and_dataset(load):
    with pytest.raises(InputError, match=r"no dataset 'brats_fantom'.*did you mean 'brats_phantom'"):
        load().dataset("brats_fantom")
    with pytest.raises(InputError, match="no run 'x'"):
        load().run("x")


def test_the_beginning_of_an_id_is_enough_where_no_other_begins_so(load):
    experiment = load()
    run = experiment.runs[3]
    assert experiment.run(run.id[:-8]) is run
    assert experiment.run(run.id) is run
    with pytest.raises(
        InputError, match=r"run 'brats_phantom/unet/ce': 4 runs begin so, such as brats_phantom/unet/ce/"
    ):
        experiment.run("brats_phantom/unet/ce")
    with pytest.raises(InputError, match="no run ''"):
        experiment.run("")


def test_the_nearest_run_is_looked_for_among_all(load):
    experiment = load()
    last = experiment.runs[-1].id
    with pytest.raises(InputError, match=f"did you mean '{last}'.* and 20 more"):
        experiment.run(last[:-1] + "z")


def test_misspelt_preprocessing_of_a_dataset_is_named(load):
    with pytest.raises(InputError, match=r"datasets\.brats_phantom\.preprocess\.spacing.*'spacing_mm'"):
        load("datasets: {brats_phantom: {preprocess: {spacing: [1, 1, 1]}}}")


@pytest.fixture
def both(load, project):
    """A function that loads an experiment which includes two others, ``one`` and ``two``."""

    def load_both(text="grid: {seeds: [0, 1, 2]}", two="grid: {datasets: [amos_phantom], losses: [ce]}"):
        (project / "experiments" / "one.yaml").write_text(
            "grid: {datasets: [brats_phantom], losses: [ce, dice]}\ntrain: {epochs: 7, runs_per_job: 6}"
        )
        (project / "experiments" / "two.yaml").write_text(two)
        return load("include: [one, two]\n" + text)

    return load_both


def test_an_experiment_that_includes_others_has_their_runs_and_is_laid_over_each(both):
    experiment = both("grid: {seeds: [0, 1, 2]}\ntrain: {batch_size: 9}")
    assert [part.name for part in experiment.parts] == ["one", "two"]
    assert [dataset.name for dataset in experiment.datasets] == ["brats_phantom", "amos_phantom"]
    assert len(experiment.runs) == (2 + 1) * 2 * 3
    assert {(run.dataset.name, run.train.epochs, run.train.batch_size) for run in experiment.runs} == {
        ("brats_phantom", 7, 9),
        ("amos_phantom", 100, 9),
    }
    assert {run.part for run in experiment.runs if run.loss == "dice"} == {"one"}
    # Jobs are as large as each part wants them, and hold every run once.
    jobs = train_jobs(experiment)
    sizes = {job.runs[0].dataset.name: len(job.runs) for job in jobs}
    assert sizes == {"brats_phantom": 6, "amos_phantom": 1}
    assert sorted(run.id for job in jobs for run in job.runs) == sorted(run.id for run in experiment.runs)


def test_an_included_run_is_the_run_of_the_experiment_itself(both, load):
    included = {run.id for run in both("grid: {seeds: [0]}").runs}
    assert {
        run.id for run in Experiment.load(overrides={"experiment": "one"}).runs if run.seed == 0
    } <= included


def test_one_name_cannot_mean_two_datasets(both):
    shared = both(two="grid: {datasets: [brats_phantom], losses: [ce, rrw]}\ntrain: {epochs: 7}")
    assert len(shared.datasets) == 1
    assert len(shared.runs) == (2 + 1) * 2 * 3  # losses ce and dice of one, rrw of two
    with pytest.raises(InputError, match=r"prepare dataset brats_phantom in different ways.*in two"):
        both(two="grid: {datasets: [brats_phantom]}\npreprocess: {spacing_mm: [2, 2, 2]}")


def test_one_name_cannot_mean_two_runs(both):
    message = r"its parts train brats_phantom/unet/ce/seed0 in different ways.*in two"
    with pytest.raises(InputError, match=message):
        both(two="grid: {datasets: [brats_phantom], losses: [ce]}\ntrain: {epochs: 8}")


@pytest.mark.parametrize(
    ("two", "message"),
    [
        ("datasets: {brats_phantom: {split: k_fold}}", "has split hold_out in one and k_fold in two"),
        ("datasets: {brats_phantom: {split_seed: 1}}", "has split_seed 0 in one and 1 in two"),
        ("evaluate: {empty: drop}", "has evaluate.empty diagonal in one and drop in two"),
    ],
)
def test_one_dataset_has_one_split_and_one_policy_in_all_parts(both, two, message):
    with pytest.raises(InputError, match=f"dataset brats_phantom {message}"):
        both(two=f"grid: {{datasets: [brats_phantom], losses: [rrw]}}\ntrain: {{epochs: 7}}\n{two}")
    other = both(two=f"grid: {{datasets: [amos_phantom], losses: [rrw]}}\n{two}")
    assert len(other.datasets) == 2, "another dataset may follow another policy"


def test_two_split_files_of_one_dataset_are_told_by_their_names(load, project):
    for name in ("here", "there"):
        (project / f"{name}.json").write_text(f"[{name!r}]")
    dataset = "{{brats_phantom: {{split: file, split_file: {}.json}}}}"
    text = f"grid: {{{{datasets: [brats_phantom], losses: [ce]}}}}\ndatasets: {dataset}"
    (project / "experiments" / "three.yaml").write_text(text.format("here"))
    (project / "experiments" / "two.yaml").write_text(text.format("there"))
    with pytest.raises(
        InputError, match=r"has split_file here\.json \(\w+\) in three and there\.json \(\w+\) in two"
    ):
        load("include: [three, two]")


def test_nothing_stands_twice_in_the_grid(load):
    with pytest.raises(InputError, match=r"grid\.seeds: .*1 stands here more than once"):
        load("grid: {seeds: [0, 1, 1]}")


def test_new_code_of_the_prediction_predicts_again(load, monkeypatch):
    run = load().runs[0]
    before = run.predictions
    monkeypatch.setattr(identity, "prediction_roots", lambda: ["seglossbench.randomness"])
    assert load().runs[0].predictions.name != before.name


@pytest.mark.parametrize("changes", ["test_every: 2", "checkpoint: best, validation_metrics: [DSC]"])
def test_how_scores_are_made_is_part_of_a_run_whose_result_they_are(load, changes):
    text = f"train: {{{changes}}}\n"
    before = ids(load(text))
    assert ids(load(text + "evaluate: {metrics: [DSC]}")) == before
    for change in ("empty: drop", "predict: {overlap: 0.75}"):
        assert set(before.values()).isdisjoint(ids(load(text + f"evaluate: {{{change}}}")).values())


def test_an_included_experiment_must_be_there_and_not_include_itself(both, load):
    with pytest.raises(InputError, match=r"two\.yaml: include: changed includes itself, by changed and two"):
        both(two="include: [changed]")
    with pytest.raises(InputError, match=r"no file .*onne\.yaml; did you mean 'one'"):
        load("include: [one, onne]")


def test_an_included_experiment_that_includes_others_stands_for_these_under_it(both):
    experiment = both(
        "train: {batch_size: 9}", two="include: [one]\ngrid: {seeds: [5]}\ntrain: {batch_size: 8}"
    )
    trained = {
        (run.dataset.name, run.train.epochs, run.train.batch_size, run.seed) for run in experiment.runs
    }
    assert trained == {("brats_phantom", 7, 9, seed) for seed in (0, 1, 5)}


def test_a_network_may_train_in_its_own_way(load):
    experiment = load("networks: {unet: {train: {patch_size: [32, 32, 16]}}}")
    patches = {run.network: run.train.patch_size for run in experiment.runs}
    assert patches == {"unet": (32, 32, 16), "dynunet": (64, 64, 64)}
    assert "train" not in experiment.runs[0].settings.options
    assert experiment.runs[0].settings.decisive["train"]["patch_size"] == [32, 32, 16]
    before, after = ids(load()), ids(experiment)
    assert {key[1] for key in before if before[key] != after[key]} == {"unet"}
    with pytest.raises(InputError, match=r"networks\.unet\.train\.patch: .*'patch_size'"):
        load("networks: {unet: {train: {patch: [32, 32, 16]}}}")


PUBLIC = "grid: {datasets: [amos22, kits19]}\n"


def test_the_licence_is_no_part_of_the_identity(load):
    assert ids(load(PUBLIC)) == ids(load(PUBLIC + "datasets: {amos22: {accept_licence: true}}"))


def test_the_route_and_the_origin_are_part_of_the_identity_of_that_dataset(load, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "scan.nii").write_bytes(b"1")
    (tmp_path / "mine.zip").write_bytes(b"1")
    before = ids(load(PUBLIC))
    versions = set(before.values())
    for change in ("origin: mine", "origin: mine.zip", "origin: http://mirror/kits.zip", "route: git"):
        after = ids(load(PUBLIC + f"datasets: {{kits19: {{{change}}}}}"))
        assert {key[0] for key in before if before[key] != after[key]} == {"kits19"}
        assert versions.isdisjoint(id for key, id in after.items() if key[0] == "kits19")
        versions |= set(after.values())
    (tmp_path / "mine" / "scan.nii").write_bytes(b"22")
    assert versions.isdisjoint(
        id
        for key, id in ids(load(PUBLIC + "datasets: {kits19: {origin: mine}}")).items()
        if key[0] == "kits19"
    )


def test_datasets_of_one_source_share_its_raw_folder(load):
    other = "{source: kits19, preprocess: {spacing_mm: [2, 2, 2]}}"
    first, second = load(f"grid: {{datasets: [kits19, again]}}\ndatasets: {{again: {other}}}").datasets
    assert first.raw == second.raw
    assert first.prepared != second.prepared


def test_a_source_is_read_in_its_own_layout_unless_params_say_another(load):
    assert load(PUBLIC).dataset("kits19").params.layout == "kits"
    assert load(PUBLIC + "datasets: {kits19: {layout: nnunet}}").dataset("kits19").params.layout == "nnunet"


def test_data_root_serves_each_dataset_from_the_folder_of_its_name(load, tmp_path):
    for name in ("amos22", "kits19"):
        (tmp_path / "all" / name).mkdir(parents=True)
        (tmp_path / "all" / name / "scan.nii").write_bytes(b"1")
    experiment = load(PUBLIC, data_root=str(tmp_path / "all"))
    assert [dataset.raw.name for dataset in experiment.datasets] == ["amos22", "kits19"]
    assert load(PUBLIC, data_root=str(tmp_path / "all" / "kits19")).datasets[0].raw.name == "kits19"


def test_a_dataset_may_be_scored_in_its_own_way(load):
    experiment = load("datasets: {brats_phantom: {evaluate: {classes: regions, empty: brats}}}")
    ways = {run.dataset.name: (run.evaluate.classes, run.evaluate.empty) for run in experiment.runs}
    assert ways == {"brats_phantom": ("regions", "brats"), "amos_phantom": ("labels", "diagonal")}
    with pytest.raises(InputError, match=r"datasets\.brats_phantom\.evaluate\.clases: .*'classes'"):
        load("datasets: {brats_phantom: {evaluate: {clases: regions}}}")


def test_a_dataset_outside_of_the_grid_is_found(load):
    assert load().dataset("acdc17").raw.name.startswith("acdc17-")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("kits19: {source: kits}", r"datasets\.kits19\.source: unknown source 'kits'; did you mean 'kits19'"),
        ("kits19: {route: kaggle}", r"datasets\.kits19\.route: kits19 has no route 'kaggle'"),
        ("kits19: {origin: nowhere}", r"datasets\.kits19\.origin: no folder nowhere"),
        ("kits19: {folder: mine}", r"datasets\.kits19: .*give one of folder and source"),
        ("own: {origin: mine}", r"datasets\.own: .*origin and route are those of a source"),
    ],
)
def test_a_source_that_cannot_be_is_named(load, change, message):
    with pytest.raises(InputError, match=message):
        load(PUBLIC + f"datasets: {{{change}}}")


def test_a_new_option_that_is_off_renames_nothing(load, monkeypatch):
    before = ids(load())
    for section in (TrainParams, PreprocessParams, PhantomParams):
        for default in (None, False):
            later = create_model("Later", __base__=section, novelty=(bool | None, default))
            name = {TrainParams: "train", PreprocessParams: "preprocess", PhantomParams: "phantom"}[section]
            assert "novelty" not in later.model_construct(**_some(name)).what_is_on()
            assert later.model_construct(**_some(name), novelty=True).what_is_on()["novelty"] is True
    assert ids(load("train: {restart: null}")) == before


def _some(name):
    params = Experiment.load().params
    phantom = params.datasets["brats_phantom"].phantom
    return dict({"train": params.train, "preprocess": params.preprocess, "phantom": phantom}[name])
