"""What params may name, by the place of its code, ``module:attribute``, which is imported only when it is used.

So a misspelt name or parameter is told when params are read, by whoever cannot wait for torch. A new one of a kind is a
module and a line in its table here, or is added while a program runs.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from seglossbench.errors import InputError, nearest
from seglossbench.signatures import Signature, signature_at, signature_of, typed


class Registry:
    """Functions of one kind by name: ``things`` are their places, or themselves where they were added."""

    def __init__(self, kind: str, places: Mapping[str, str]) -> None:
        self.kind = kind
        self.things: dict[str, Any] = dict(places)

    def __iter__(self) -> Iterator[str]:
        return iter(self.things)

    def __contains__(self, name: object) -> bool:
        return name in self.things

    def check(self, name: str, key: str = "") -> None:
        """Raise InputError, which names ``key``, if there is nothing of that name."""
        if name not in self.things:
            where = f"{key}: " if key else ""
            raise InputError(f"{where}unknown {self.kind} {name!r}; {nearest(name, list(self))}")

    def load(self, name: str) -> Any:
        """What has that name, imported now if need be; raises InputError for an unknown name."""
        self.check(name)
        thing = self.things[name]
        if not isinstance(thing, str):
            return thing
        module, _, attribute = thing.partition(":")
        return getattr(import_module(module), attribute)

    def module(self, name: str) -> str:
        """The module that what has that name stands in; raises InputError for an unknown name."""
        self.check(name)
        return self._place(self.things[name]).rpartition(":")[0]

    def add(self, name: str, thing: Any) -> None:
        """Give ``thing`` a name, anew if it is of the same place; raises InputError if another has the name."""
        if name in self and self._place(self.things[name]) != self._place(thing):
            raise InputError(f"{self.kind} {name!r} is registered already, expected a new name")
        if self.things.get(name) != self._place(thing):  # what is in the table is found by it
            self.things[name] = thing

    @staticmethod
    def _place(thing: Any) -> str:
        return thing if isinstance(thing, str) else f"{thing.__module__}:{thing.__qualname__}"

    def describe(self) -> str:
        """Everything by name, with its parameters, their defaults and what it is, in lines."""
        lines = []
        for name in self:
            signature = self.signature(name)
            given = ", ".join(f"{key}={known.default}" for key, known in signature.parameters.items())
            lines.append(f"{name}({given})\n    {signature.summary}")
        return "\n".join(lines)

    def signature(self, name: str) -> Signature:
        """The parameters of what has that name, read without importing it; raises InputError for an unknown name."""
        self.check(name)
        thing = self.things[name]
        return signature_at(thing) if isinstance(thing, str) else signature_of(thing)

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
)
"""Loss terms: functions ``(prediction, truth, *, parameter=default, ...) -> scalar tensor``."""

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
    },
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
"""Maps of the truth: functions ``(labels (*spatial), truth) -> (*spatial) or (C, *spatial)``."""

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
)
"""Layouts of raw datasets: a ``Layout`` each."""

SPLITS = Registry(
    "split",
    {
        name: f"seglossbench.data.splits:{name}"
        for name in ("official", "alternating", "even_odd", "k_fold", "hold_out")
    }
    | {"file": "seglossbench.data.splits:from_file"},
)
"""Divisions of cases: functions ``(cases, params) -> (parts, words)``."""

PHANTOMS = Registry(
    "phantom",
    {
        "brats": "seglossbench.phantoms.brats:draw",
        "amos": "seglossbench.phantoms.amos:draw",
        "pengwin": "seglossbench.phantoms.pengwin:draw",
    },
)
"""Synthetic datasets, by the layout in which they are written: functions ``(archive, params)``."""
