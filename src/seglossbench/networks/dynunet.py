"""MONAI's DynUNet, with the outputs of its deep supervision as they are."""

import torch
from monai.networks.nets.dynunet import DynUNet


class DeepDynUNet(DynUNet):  # type: ignore[misc]  # MONAI has no types
    """A DynUNet that in training returns its logits at full resolution and those of its heads, finest first.

    MONAI's own enlarges the heads' outputs to full resolution, where the truth of a coarser scale cannot be used.
    """

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Logits (N, C, *spatial); in training a list of them, each scale coarser than the one before."""
        logits: torch.Tensor = self.output_block(self.skip_layers(image))
        return [logits, *self.heads] if self.training else logits
