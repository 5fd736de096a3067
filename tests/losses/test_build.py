import numpy as np
import pytest
import torch

from seglossbench.errors import InputError
from seglossbench.losses import LOSSES, TERMS, build, check_logits, register
from seglossbench.losses.loss import Weight
from seglossbench.maps import Truth

TRUTH = Truth(np.random.default_rng(0).integers(0, 3, (2, 4, 5)), 3)
LOGITS = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
GRADUAL = {"from": 1.0, "to": 0.01, "per_epoch": -0.01}


def test_a_loss_is_the_weighted_sum_of_its_terms():
    loss = build({"ce": 0.5, "rrw": {"weight": 2.0}, "focal": {"gamma": 3.0}})
    expected = {
        "ce": 0.5 * build({"ce": 1})(LOGITS, TRUTH),
        "rrw": 2 * build({"rrw": 1})(LOGITS, TRUTH),
        "focal": build({"focal": {"weight": 1, "gamma": 3}})(LOGITS, TRUTH),
    }
    torch.testing.assert_close(loss.terms(LOGITS, TRUTH), expected)
    torch.testing.assert_close(loss(LOGITS, TRUTH), sum(expected.values()))


def test_a_loss_says_which_maps_it_reads():
    assert build({"ce": 1.0, "dice": 1.0}).maps == set()
    assert build({"rrw": 1.0, "cw_ce": 1.0, "boundary": 0.1}).maps == {"rectified", "contour", "boundary"}
    assert build({"region_wise": {"map": "distance_penalty"}}).maps == {"distance_penalty"}
    assert build({"region_wise": {"map": "active_contour"}}).maps == set()


def test_fixed_weights_are_the_inverse_frequencies_of_all_that_it_trains_on():
    loss = build({"weighted_ce": {"weights": "training_set"}}, voxels_per_class=[90, 9, 1])
    given = build({"weighted_ce": {"weights": [100 / (3 * 90), 100 / (3 * 9), 100 / 3]}})
    torch.testing.assert_close(loss(LOGITS, TRUTH), given(LOGITS, TRUTH))
    of_batch = build("weighted_ce")
    assert abs(loss(LOGITS, TRUTH) - of_batch(LOGITS, TRUTH)) > 0.01


@pytest.mark.parametrize(
    ("epoch", "weight"), [(0, 1.0), (1, 0.99), (37, 0.63), (99, 0.01), (100, 0.01), (150, 0.01), (9999, 0.01)]
)
def test_weights_follow_a_schedule_of_the_epoch(epoch, weight):
    """As paper B's a = max((100 - epoch) / 100, 0.01), and 1 - a for the other term."""
    rising = {"from": 0.0, "to": 0.99, "per_epoch": 0.01}
    assert Weight(1.0, 0.01, -0.01).at(epoch) == pytest.approx(weight)
    terms = build({"ce": {"weight": GRADUAL}, "rrw": {"weight": rising}}).terms(LOGITS, TRUTH, epoch)
    torch.testing.assert_close(terms["ce"], weight * build({"ce": 1})(LOGITS, TRUTH))
    torch.testing.assert_close(terms["rrw"], (1 - weight) * build({"rrw": 1})(LOGITS, TRUTH))


def test_terms_share_one_softmax(monkeypatch):
    calls = []
    original = torch.log_softmax
    monkeypatch.setattr(
        torch, "log_softmax", lambda *args, **kwargs: calls.append(1) or original(*args, **kwargs)
    )
    build({"ce": 1, "cw_ce": 1, "separable_dice": 1, "rrw": 1, "focal": 1})(LOGITS, TRUTH)
    assert len(calls) == 1


@pytest.mark.parametrize("name", LOSSES.own)
def test_every_compound_of_the_papers_can_be_built(name):
    loss = build(name)(LOGITS, TRUTH, 10)
    assert torch.isfinite(loss)
    assert loss == build(LOSSES.load(name))(LOGITS, TRUTH, 10)


def test_a_term_is_a_loss_by_its_name():
    assert build("focal")(LOGITS, TRUTH) == build({"focal": 1.0})(LOGITS, TRUTH)


@pytest.fixture
def registry():
    """TERMS, put back as it was after the test."""
    before = dict(TERMS.things)
    yield TERMS
    TERMS.things = before


def test_a_term_of_the_user_by_decorator_or_by_hand(registry):
    def mine(prediction, truth):
        return prediction.logits.mean()

    registry.add("mine", mine)
    torch.testing.assert_close(build({"mine": 2.0})(LOGITS, TRUTH), 2 * LOGITS.mean())

    @register("squares")
    def squares(prediction, truth, *, power: float = 2.0):
        return (prediction.logits.abs() ** power).mean()

    torch.testing.assert_close(build({"squares": {"power": 4.0}})(LOGITS, TRUTH), (LOGITS**4).mean())
    with pytest.raises(InputError, match="'squares' is registered already"):
        register("squares")(mine)
    register("squares")(squares)  # once more, as from a notebook's cell


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"rww": 1.0}, r"unknown loss term 'rww'; did you mean 'rrw'\?"),
        ({"ce": "one"}, r"loss\.ce: expected a number, found 'one'"),
        ({"ce": float("nan")}, r"loss\.ce: expected a number, found nan"),
        (
            {"ce": {"weight": {"from": 1.0, "to": 0.5}}},
            r"loss\.ce\.weight: expected a number or the keys from, to, per_epoch, found {'from'",
        ),
        (
            {"ce": {"weight": GRADUAL | {"per_epoch": 0.01}}},
            r"loss\.ce\.weight: goes from 1\.0 by 0\.01, away from 0\.01",
        ),
        ({"ce": {"weight": GRADUAL | {"per_epoch": 0}}}, r"loss\.ce\.weight: goes from 1\.0 by 0\.0, away"),
        ({"focal": {"gama": 2.0}}, r"loss\.focal\.gama: unknown parameter; did you mean 'gamma'\?"),
        ({"focal": {"gamma": "two"}}, r"loss\.focal\.gamma: input should be a valid number.*found 'two'"),
        ({"focal": {"gamma": 0.5}}, "gamma of focal is 0.5"),
        ({"top_k_ce": {"percent": 0}}, r"loss\.top_k_ce\.percent: input should be greater than 0, found 0"),
        ({"dice": {"background": 1}}, r"loss\.dice\.background: expected true or false, found 1"),
        (
            {"cw_ce": {"form": "print"}},
            r"loss\.cw_ce\.form: unknown choice 'print'; did you mean 'printed'\?",
        ),
        (
            {"region_wise": {"map": "rectifid"}},
            r"loss\.region_wise\.map: unknown choice 'rectifid'; did you mean 'rectified'\?",
        ),
        ({"weighted_ce": {"weights": [1.0, 2.0]}}, "weighted_ce has 2 weights, expected 3"),
        (
            {"weighted_ce": {"weights": "training_set"}},
            "weighted_ce: weights: training_set needs a training set",
        ),
        ({"weighted_ce": {"weights": "training"}}, r"loss\.weighted_ce\.weights.*found 'training'"),
        ({}, "loss: expected names of terms and their weights, such as {ce: 1.0}, found {}"),
        (["ce"], r"loss: expected names of terms .*found \['ce'\]"),
        ("cwdc", r"unknown loss 'cwdc'; did you mean 'cwcd'\?"),
    ],
)
def test_a_bad_spec_is_named(spec, message):
    with pytest.raises(InputError, match=message):
        build(spec)(LOGITS, TRUTH)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (LOGITS[:1], r"logits have shape \(1, 3, 4, 5\), expected \(N, C, \*spatial\) = \(2, 3, 4, 5\)"),
        (LOGITS[:, :2], r"logits have shape \(2, 2, 4, 5\)"),
        (LOGITS[..., None], r"logits have shape \(2, 3, 4, 5, 1\)"),
        (LOGITS.long(), "logits have dtype torch.int64, expected a floating-point type"),
        (LOGITS.numpy(), "logits: found ndarray, expected a Tensor"),
    ],
)
def test_logits_that_do_not_fit_are_named(logits, message):
    with pytest.raises(InputError, match=message):
        build({"ce": 1.0})(logits, TRUTH)


def test_a_truth_that_is_none_is_named():
    with pytest.raises(InputError, match="truth: found Tensor, expected a Truth"):
        build({"ce": 1.0})(LOGITS, TRUTH.labels)


@pytest.mark.parametrize("name", list(TERMS))
def test_logits_that_are_nan_are_named(name):
    logits = LOGITS.clone()
    logits[0, 1, 2, 3] = float("nan")
    with pytest.raises(
        InputError, match=r"logits of shape \(2, 3, 4, 5\) hold 1 values that are NaN or infinite"
    ):
        build({name: 1.0})(logits, TRUTH)
    with pytest.raises(InputError, match="NaN or infinite"):
        check_logits(logits)
    check_logits(LOGITS)
