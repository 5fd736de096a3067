from seglossbench.errors import nearest


def test_the_nearest_name_is_found_among_all_in_any_case():
    known = [f"case{number}" for number in range(1000)] + ["RegionWise"]
    assert nearest("regionwise", known).startswith("did you mean 'RegionWise'? Known: case0, case1,")
    assert nearest("REGIONWISE", known).startswith("did you mean 'RegionWise'?")
    assert nearest("RegionWise", known).endswith(", case19 and 981 more")
    assert nearest("x", ["alpha", "beta"]) == "known: alpha, beta"
    assert nearest("x", []) == "there is none"
