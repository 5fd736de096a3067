import pandas as pd
import pytest
from click.testing import CliRunner

from seglossbench.analysis.arrays import cubes_of
from seglossbench.analysis.planning import in_lines, resolvable, settled
from seglossbench.cli.application import cli
from seglossbench.errors import InputError
from tests.analysis.made_scores import drawn, rows

PILOT = drawn({"a": 0.3, "b": 0.0, "c": 0.1}, cases=20, seeds=4)


def test_more_seeds_and_more_cases_resolve_smaller_differences_always_as_a_range():
    table = resolvable(cubes_of(PILOT), "DSC")
    assert (table["smallest_low"] < table["smallest_high"]).all()
    by_seeds = table[table["cases"] == 20]["smallest_high"].tolist()
    assert by_seeds == sorted(by_seeds, reverse=True)
    by_cases = table[table["seeds"] == 5]["smallest_high"].tolist()
    assert by_cases == sorted(by_cases, reverse=True)
    assert "a difference of 0." in in_lines(table)[2]
    assert resolvable(cubes_of(PILOT), "DSC").equals(table)


def test_what_cannot_be_planned_says_why():
    one = resolvable(cubes_of(PILOT[PILOT["seed"] == "0"]), "DSC")
    assert in_lines(one)[1] == "  cannot be planned: one seed tells nothing of how trainings differ"
    missed = PILOT.copy()
    missed.loc[0, "value"] = "0.0"
    scores = pd.concat([missed, rows(("a", 0, "case0", "class0", "prediction_empty"))], ignore_index=True)
    assert (
        "with fewer than 50 cases, the few that failed decide"
        in in_lines(resolvable(cubes_of(scores), "DSC"))[1]
    )


def test_whether_enough_seeds_were_run_depends_on_how_many_were_planned():
    clear = cubes_of(drawn({"a": 1.5, "b": 0.0}, cases=40, seeds=6, seed_sd=0.02))
    assert "d n: settled after 6 of 6 seeds: a against" in settled(clear, "DSC", 6)[0]
    equal = cubes_of(drawn({"a": 0.0, "b": 0.0}, seeds=3))
    assert ": open after 3 of 10 seeds" in settled(equal, "DSC", 10)[0]
    assert "looking on has a price" in settled(equal, "DSC", 2)[0]
    single = cubes_of(PILOT[PILOT["seed"] == "0"])
    assert settled(single, "DSC", 5) == ["d n: one seed settles nothing"]


def test_the_command_takes_anybodys_scores(tmp_path):
    file = tmp_path / "pilot.csv"
    PILOT.to_csv(file, index=False)
    answer = CliRunner().invoke(cli, ["plan", "--power", "--stop", "6", "--scores", str(file)])
    assert answer.exit_code == 0, answer.output
    assert "20 seeds" in answer.output
    assert "of 6 seeds" in answer.output
    with pytest.raises(InputError, match="--power, --stop"):
        CliRunner().invoke(cli, ["plan"], catch_exceptions=False)
