import yaml

from seglossbench.drawing.looks import looks_of


def test_a_known_loss_looks_the_same_in_every_report():
    alone = looks_of(["cwcd"])["cwcd"]
    among = looks_of(["mine", "ce", "cwcd", "other"])["cwcd"]
    assert alone == among
    assert looks_of(["ce"])["ce"].colour == "#4a4f55"


def test_losses_are_told_apart_by_colour_and_dash_and_without_colour_by_mark_and_dash():
    for losses in ([f"loss {number}" for number in range(28)], ["ce", "cwcd", *"abcdefghijklmnopqrst"]):
        looks = looks_of(losses).values()
        assert len({(look.colour, look.line) for look in looks}) == len(losses)
        assert len({(look.marker, look.line) for look in looks}) == len(losses)


def test_eight_losses_have_eight_colours():
    assert len({look.colour for look in looks_of(["rrw", *"abcdefg"]).values()}) == 8


def test_no_two_losses_of_an_experiment_of_ours_look_alike(project):
    for file in (project / "experiments").glob("*.yaml"):
        losses = (yaml.safe_load(file.read_text()).get("grid") or {}).get("losses", [])
        looks = looks_of(losses).values()
        assert len({(look.colour, look.marker) for look in looks}) == len(losses), file.name
