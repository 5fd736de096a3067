"""What params may name, by the place of its code, ``module:attribute``, which is imported only when it is used.

So a misspelt name or parameter is told when params are read, by whoever cannot wait for torch. What is ours is a module
and a line in the table of its kind. Packages add theirs as entry points of the kind's group, which are looked at only
when a name is not ours or names are listed; files of one's own add theirs (see ``plugins``), and so may a program.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, TypeVar

from seglossbench.errors import InputError, nearest
from seglossbench.modules import imported, is_file
from seglossbench.signatures import Signature, signature_at, signature_of, typed

Thing = TypeVar("Thing")


class Registry:
    """Things of one kind by name: ``things`` are their places, or themselves where a running program added them.

    A place is ``module:attribute``, where the module may be the path of a Python file. ``own`` are the names of ours,
    ``group`` is that of the entry points by which packages add theirs, and ``origins`` says who added which.
    """

    def __init__(self, kind: str, places: Mapping[str, str], group: str = "") -> None:
        self.kind = kind
        self.things: dict[str, Any] = dict(places)
        self.own = tuple(places)
        self.group = group
        self.origins: dict[str, str] = {}
        self._functions: dict[str, Any] = {}
        self._facts: dict[str, Mapping[str, Any]] = {}
        self._is_complete = not group

    def __iter__(self) -> Iterator[str]:
        self._look_for_packages()
        return iter(list(self.things))

    def __contains__(self, name: object) -> bool:
        if name not in self.things:
            self._look_for_packages()
        return name in self.things

    def check(self, name: str, key: str = "") -> None:
        """Raise InputError, which names ``key``, if there is nothing of that name."""
        if name not in self:
            where = f"{key}: " if key else ""
            raise InputError(f"{where}unknown {self.kind} {name!r}; {nearest(name, list(self))}")

    def load(self, name: str) -> Any:
        """What has that name, imported now if need be; raises InputError for an unknown name."""
        self.check(name)
        thing = self.things[name]
        if not isinstance(thing, str):
            return thing
        module, _, attribute = thing.rpartition(":")
        try:
            return getattr(imported(module), attribute)
        except AttributeError:
            raise InputError(f"{self.kind} {name!r}: {module} has no {attribute}") from None

    def module(self, name: str) -> str:
        """The module, or the file, that what has that name stands in; raises InputError for an unknown name."""
        self.check(name)
        return self._place(name).rpartition(":")[0]

    def add(self, name: str, thing: Any, made_of: Any = None, **facts: Any) -> None:
        """Give ``thing``, or what was ``made_of`` it, a name, anew if it is of the same place.

        ``facts`` are what is to be known of it. Raises InputError if another has the name.
        """
        made_of = thing if made_of is None else made_of
        if name in self and not _are_one(self._place(name), _place_of(made_of)):
            raise InputError(f"{self.kind} {name!r} is registered already, expected a new name")
        if not isinstance(self.things.get(name), str):  # what is in the table is found by it
            self.things[name] = thing
            self._functions[name] = made_of
            self._facts[name] = facts

    def register(self, name: str, **facts: Any) -> Callable[[Thing], Thing]:
        """A decorator that gives what it stands above a name; ``facts`` are what is to be known of it."""

        def add(thing: Thing) -> Thing:
            self.add(name, thing, **facts)
            return thing

        return add

    def add_place(self, name: str, place: str, origin: str) -> None:
        """Give what stands at a place a name; raises InputError that names both origins if the name is taken."""
        if name in self.things and not _are_one(self._place(name), place):
            holder = self.origins.get(name, "seglossbench" if name in self.own else "this program")
            raise InputError(
                f"{origin}: {self.kind} {name!r} is already that of {holder}; give it another name"
            )
        self.things[name] = place
        self.origins[name] = origin

    def forget(self, origin: str) -> None:
        """Take back all that an origin added."""
        for name in [name for name, known in self.origins.items() if known == origin]:
            del self.things[name], self.origins[name]

    def _look_for_packages(self) -> None:
        if self._is_complete:
            return
        self._is_complete = True
        for entry in entry_points(group=self.group):
            origin = f"package {entry.dist.name} {entry.dist.version}" if entry.dist else "a package"
            self.add_place(entry.name, entry.value.replace(" ", ""), origin)

    def _place(self, name: str) -> str:
        thing = self.things[name]
        return thing if isinstance(thing, str) else _place_of(self._functions.get(name, thing))

    def describe(self) -> str:
        """Everything by name, with its parameters, their defaults and what it is, in lines."""
        lines = []
        for name in self:
            signature = self.signature(name)
            given = ", ".join(
                f"{key}={known.default}" if known.default else key
                for key, known in signature.parameters.items()
            )
            by = f" [{self.origins[name]}]" if name in self.origins else ""
            lines.append(f"{name}({given}){by}\n    {signature.summary}")
        return "\n".join(lines)

    def signature(self, name: str) -> Signature:
        """The parameters of what has that name, read without importing it; raises InputError for an unknown name."""
        self.check(name)
        thing = self.things[name]
        return (
            signature_at(thing)
            if isinstance(thing, str)
            else signature_of(self._functions.get(name, thing), self._facts.get(name, {}))
        )

    def typed(self, name: str, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Parameters as their types ask for; raises InputError naming, below ``key``, what is unknown or wrong."""
        known = self.signature(name).parameters
        for parameter in given:
            if parameter not in known:
                raise InputError(f"{key}.{parameter}: unknown parameter; {nearest(parameter, list(known))}")
        return {
            parameter: typed(value, known[parameter].type, f"{key}.{parameter}")
            for parameter, value in given.items()
        }


def _place_of(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _are_one(place: str, other: str) -> bool:
    """Whether two places are the same; what a file holds says only the file's name as its module."""
    return _without_folder(place) == _without_folder(other)


def _without_folder(place: str) -> str:
    module, _, attribute = place.rpartition(":")
    if is_file(module):
        module = module.replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    return f"{module}:{attribute}"


TERMS = Registry(
    "loss term",
    {
        "ce": "seglossbench.losses.distribution:cross_entropy",
        "weighted_ce": "seglossbench.losses.distribution:weighted_cross_entropy",
        "focal": "seglossbench.losses.distribution:focal",
        "top_k_ce": "seglossbench.losses.distribution:top_k_cross_entropy",
        "dice": "seglossbench.losses.region:dice",
        "dice_pooled": "seglossbench.losses.region:dice_pooled",
        "generalised_dice": "seglossbench.losses.region:generalised_dice",
        "tversky": "seglossbench.losses.region:tversky",
        "mcc": "seglossbench.losses.region:matthews",
        "cw_ce": "seglossbench.losses.contour:contour_weighted_ce",
        "separable_dice": "seglossbench.losses.contour:separable_dice",
        "region_wise": "seglossbench.losses.region_wise:region_wise",
        "rrw": "seglossbench.losses.region_wise:rectified_region_wise",
        "boundary": "seglossbench.losses.region_wise:boundary",
        "distmap_dice": "seglossbench.losses.distance:distance_penalised_dice",
        "hausdorff_dt": "seglossbench.losses.distance:hausdorff_dt",
        "log_hausdorff_dt": "seglossbench.losses.distance:log_hausdorff_dt",
    },
    "seglossbench.terms",
)
"""Loss terms: functions ``(prediction, truth, *, parameter=default, ...) -> scalar tensor``."""

LOSSES = Registry(
    "compound loss",
    {
        name: f"seglossbench.params.compounds:{name}"
        for name in (
            *("ce_dice", "dice_focal", "cwcd", "cwcd_printed", "ce_dice_pooled"),
            *("rrw_ce", "rrw_dice", "boundary_ce", "boundary_dice"),
            *("rrw_ce_gradual", "rrw_dice_gradual", "boundary_ce_gradual", "boundary_dice_gradual"),
        )
    },
    "seglossbench.losses",
)
"""Compound losses: mappings of terms to their weights, as params have them."""

ARCHITECTURES = Registry(
    "architecture",
    {
        "UNet": "seglossbench.networks.unet:unet",
        "AttentionUnet": "seglossbench.networks.attention_unet:attention_unet",
        "VNet": "seglossbench.networks.vnet:vnet",
        "DynUNet": "seglossbench.networks.dynunet:dynunet",
        "SegResNet": "seglossbench.networks.segresnet:segresnet",
        "SegResNetDS": "seglossbench.networks.segresnet_ds:segresnet_ds",
        "UNETR": "seglossbench.networks.unetr:unetr",
        "SwinUNETR": "seglossbench.networks.swin_unetr:swin_unetr",
        "u_net_a": "seglossbench.networks.u_net_a:u_net_a",
        "pdanet": "seglossbench.networks.pdanet:pdanet",
        "pdanet_released": "seglossbench.networks.pdanet:pdanet_released",
        "deeplab_v3_plus": "seglossbench.networks.deeplab_v3_plus:deeplab_v3_plus",
        "slim_unetr": "seglossbench.networks.slim_unetr:slim_unetr",
        "nn_former": "seglossbench.networks.nn_former:nn_former",
        "ux_net_3d": "seglossbench.networks.ux_net_3d:ux_net_3d",
        "rep_ux_net": "seglossbench.networks.rep_ux_net:rep_ux_net",
        "med_next": "seglossbench.networks.med_next:med_next",
        "nnunet_planned": "seglossbench.networks.nnunet_planned:nnunet_planned",
    },
    "seglossbench.architectures",
)
"""Architectures: functions ``(spatial_dims, in_channels, out_channels, *, option=default, ...) -> nn.Module``."""

MAPS = Registry(
    "map",
    {
        "contour": "seglossbench.maps.contour:contour_of",
        "rectified": "seglossbench.maps.distance:rectified_of",
        "distance_penalty": "seglossbench.maps.distance:distance_penalty_of",
        "boundary": "seglossbench.maps.distance:boundary_of",
    },
)
"""Maps of the truth: functions ``(labels (N, *spatial), truth) -> (N, *spatial) or (N, C, *spatial)``, of tensors."""

STORED_MAPS = Registry(
    "stored map",
    {
        "contours": "seglossbench.maps.contour:contours_to_store",
        "distances": "seglossbench.maps.distance:distances_to_store",
    },
)
"""What is stored of the maps of whole volumes: functions ``(labels (*spatial), spacing_mm) -> arrays by name``."""

LAYOUTS = Registry(
    "layout",
    {  # layout: auto takes the first that fits, so a special one stands before the general one
        name: f"seglossbench.data.layouts.{name}:LAYOUT"
        for name in (
            *("amos", "msd_brain_tumour", "nnunet", "pengwin", "acdc", "kits", "brats", "topomortar"),
            "patient_folders",
        )
    },
    "seglossbench.layouts",
)
"""Layouts of raw datasets: a ``Layout`` each."""

SPLITS = Registry(
    "split",
    {
        name: f"seglossbench.data.splits:{name}"
        for name in ("official", "alternating", "even_odd", "k_fold", "hold_out")
    }
    | {"file": "seglossbench.data.splits:from_file"},
    "seglossbench.splits",
)
"""Divisions of cases: functions ``(cases, params) -> (parts, words)``."""

PHANTOMS = Registry(
    "phantom",
    {
        "brats": "seglossbench.phantoms.brats:draw",
        "amos": "seglossbench.phantoms.amos:draw",
        "pengwin": "seglossbench.phantoms.pengwin:draw",
        "discs": "seglossbench.phantoms.discs:draw",
    },
)
"""Synthetic datasets, by the layout they are written in or a name of their own: functions ``(archive, params)``."""

WRITTEN_AS = {"discs": "nnunet"}
"""The layout of phantoms that have a name of their own."""

METRICS = Registry(
    "metric",
    {
        name: f"seglossbench.evaluation.overlap:{name}"
        for name in ("DSC", "IoU", "sensitivity", "precision", "RVD", "TP", "FP", "FN")
    }
    | {
        name: f"seglossbench.evaluation.surface:{name}"
        for name in (
            *(
                "HD",
                "HD95_pooled",
                "HD95_max_directed",
                "HD95_prediction_to_truth",
                "HD95_truth_to_prediction",
            ),
            *("ASSD", "MASD", "ASD", "ASD_truth_to_prediction"),
            *("truth_surface_voxels", "prediction_surface_voxels"),
        )
    },
    "seglossbench.metrics",
)
"""Metrics: functions ``(comparison) -> number or None``; ``vocabulary.metrics`` has their words."""

FORMATS = Registry(
    "format of published scores",
    {"topomortar": "seglossbench.data.published:read_topomortar"},
    "seglossbench.formats",
)
"""Formats of published scores: functions ``(folder, dataset) -> columns SCORES``."""

PARTS = Registry(
    "part of a report",
    {
        name: f"seglossbench.reporting.parts.{name}:{name}"
        for name in (
            *("answers", "glance", "classes", "differences", "ranks", "gains", "case_by_case", "groups"),
            *(
                "sensitivity",
                "dials",
                "convergence",
                "stability",
                "predictions",
                "datasets",
                "runs",
                "provenance",
                "cite",
            ),
        )
    },
    "seglossbench.parts",
)
"""Parts of a report's page, in their order: functions ``(Source) -> Part``, or None where there is nothing to say."""

ALL = (TERMS, LOSSES, ARCHITECTURES, LAYOUTS, SPLITS, METRICS, FORMATS, PARTS)
"""The kinds that are open to packages and to files of one's own."""
