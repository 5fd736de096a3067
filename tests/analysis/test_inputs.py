import pandas as pd
import pytest

from seglossbench.analysis.inputs import check_histories, check_scores, load_scores
from seglossbench.errors import InputError
from seglossbench.vocabulary.tables import SCORES


def written(path, text):
    path.write_text(text)
    return path


def test_anybodys_scores_get_the_files_name_as_their_loss(tmp_path):
    mine = written(tmp_path / "mine.csv", "case,class,metric,value\na,1,DSC,0.5\n")
    yours = written(tmp_path / "yours.csv", "\ufeffvalue,case,class,metric,loss\n,NA,1,DSC,-\n")
    scores = load_scores(path for path in (mine, yours))
    assert list(scores.columns) == list(SCORES)
    assert scores.to_numpy().tolist() == [
        ["-", "-", "mine", "-", "a", "1", "DSC", "0.5"],
        ["-", "-", "yours", "-", "NA", "1", "DSC", ""],
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case,class,value\na,1,0.5\n", ["no column 'metric'", "found: case, class, value"]),
        ("case,class,metric,value\na,1,DSC,0.5\na,2,DSC,0,5\n", ["not a table of scores"]),
        ("case,class,metric,value\na,1,DSC,0,5\na,2,DSC,0,5\n", ["more fields than the first line"]),
        ("case,class,metric,value\na,1,HD95,-3\n", ["row 2: HD95 -3 is below 0"]),
        ("case,class,metric,value\na,1,DSC,0.5\na,2,DSC,good\n", ["row 3", "'good'", "a number"]),
        ("case,class,metric,value\na,1,status,truth_emty\n", ["row 2", "did you mean 'truth_empty'"]),
        ("case,class,metric,value\na,,DSC,0.5\n", ["row 2", "column class is empty"]),
        ("case,class,metric,value\na,1,ASD_pooled,5\n", ["ASD_pooled: it is called ASSD now", "rename both"]),
        ("case,class,metric,value\na,1,DSC,0.5\na,1,DSC,0.6\n", ["scored twice", "case a, class 1"]),
        ("", ["not a table of scores"]),
        (None, ["No such file"]),
    ],
)
def test_bad_scores_are_refused_in_one_line_that_names_the_file(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    if text is not None:
        written(path, text)
    with pytest.raises(InputError) as error:
        load_scores([path])
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for word in words:
        assert word in message


def read_back(path, write):
    write(path)
    return load_scores([path])


def test_tables_of_every_kind_say_the_same(tmp_path):
    """As they are, gzipped, by spreadsheets with a decimal comma, from Windows, and by pandas."""
    rows = [
        ("d", "n", "l", "nan", 'a, "b"\né', "1", "DSC", "0.5"),
        ("d", "n", "l", "nan", "NA", "1", "DSC", ""),
    ]
    table = pd.DataFrame(rows, columns=list(SCORES))
    comma = table.assign(value=table["value"].str.replace(".", ","))
    kinds = {
        "plain.csv": table.to_csv,
        "zipped.csv.gz": table.to_csv,
        "semicolon.csv": lambda path, index: comma.to_csv(path, index=index, sep=";"),
        "tab.csv": lambda path, index: table.to_csv(path, index=index, sep="\t"),
        "windows.csv": lambda path, index: table.to_csv(
            path, index=index, encoding="utf-8-sig", lineterminator="\r\n"
        ),
        "numbers.parquet": table.assign(value=[0.5, None]).to_parquet,
    }
    for name, write in kinds.items():
        found = read_back(tmp_path / name, lambda path, write=write: write(path, index=False))
        assert found.to_numpy().tolist() == table.to_numpy().tolist(), name
    lone = read_back(
        tmp_path / "mine.csv.gz", lambda path: table.drop(columns="loss").to_csv(path, index=False)
    )
    assert set(lone["loss"]) == {"mine"}
    (tmp_path / "old.csv").write_bytes(table.to_csv(index=False).encode("latin-1"))
    with pytest.raises(
        InputError, match=r"old\.csv: not a table of scores in CSV: not in UTF-8; save it as such"
    ):
        load_scores([tmp_path / "old.csv"])


def test_two_files_that_claim_the_same_scores_are_refused(tmp_path):
    (tmp_path / "b").mkdir()
    files = [
        written(tmp_path / name, "case,class,metric,value\na,1,DSC,0.5\n") for name in ("s.csv", "b/s.csv")
    ]
    with pytest.raises(InputError, match="scored twice"):
        load_scores(files)
    with pytest.raises(InputError, match="no file given"):
        load_scores([])


def test_scores_from_memory_may_hold_numbers_and_none():
    row = {"dataset": "d", "network": "n", "loss": "l", "seed": 0, "case": "a", "class": 1, "metric": "DSC"}
    frame = pd.DataFrame([row | {"value": 0.25}, row | {"case": "b", "value": None}])
    checked = check_scores(frame)
    assert checked["value"].tolist() == ["0.25", ""]
    assert checked["seed"].tolist() == ["0", "0"]
    assert check_scores(checked).equals(checked)


def test_histories_are_checked_too():
    assert check_histories(pd.DataFrame()).empty
    row = ("d", "n", "l", 0, 1, 10, "train", "loss", "oops")
    columns = ["dataset", "network", "loss", "seed", "epoch", "step", "split", "name", "value"]
    with pytest.raises(InputError, match=r"row 2: value 'oops' is no number"):
        check_histories(pd.DataFrame([row], columns=columns))
    with pytest.raises(InputError, match="no column 'split'"):
        check_histories(pd.DataFrame([row], columns=columns).drop(columns="split"))


def test_a_score_that_stands_there_twice_is_told_by_its_row(tmp_path):
    file = tmp_path / "twice.csv"
    file.write_text("case,class,metric,value\na,x,DSC,0.5\nb,x,DSC,0.5\na,x,DSC,0.6\n")
    with pytest.raises(InputError, match=r"twice\.csv: row 4: scored twice: .*case a"):
        load_scores([file])


def test_percentages_are_told_by_their_row(tmp_path):
    file = tmp_path / "percent.csv"
    file.write_text("case,class,metric,value\na,x,HD95,50\na,x,DSC,87.5\n")
    with pytest.raises(
        InputError, match=r"row 3: DSC 87\.5 is not within 0 and 1; divide percentages by 100"
    ):
        load_scores([file])
