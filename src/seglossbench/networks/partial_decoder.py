"""The partial decoder of PDANet: receptive-field blocks and their aggregation, twice, with attention between."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from seglossbench.networks.resampling import max_pooled, resized
from seglossbench.networks.residual import Residual

BRANCHES = (3, 5, 7)  # the length of each branch's kernels, which lie along one axis after the other


class PartialDecoder(nn.Module):
    """(N, width, *spatial) -> (N, width, *spatial / 2). The Gaussian is trained, as released."""

    def __init__(self, dims: int, width: int, deepest: int, gaussian: Tensor) -> None:
        super().__init__()
        self.finest = nn.Sequential(*(_residual(dims, width, width) for _ in range(2)))
        self.first = _Pyramid(dims, width, deepest)
        self.gaussian = nn.Parameter(gaussian)
        self.second = _Pyramid(dims, width, deepest)

    def forward(self, x: Tensor) -> Tensor:
        """The map of the second pyramid, which sees what the first one drew attention to."""
        x = self.finest(x)
        attention, seen = self.first(x)
        attended = self.attention(attention) * seen
        result, _ = self.second(attended)
        return resized(result, [size // 2 for size in result.shape[2:]], align_corners=True)

    def attention(self, logits: Tensor) -> Tensor:
        """The multiplier (N, width, *spatial) of logits of that shape: themselves, or their surroundings if larger.

        The surroundings are scaled to 0...1 in every plane of the last two axes by itself, as released.
        """
        probability = torch.sigmoid(logits)
        padding = self.gaussian.shape[-1] // 2
        convolve = functional.conv3d if logits.ndim == 5 else functional.conv2d
        around = convolve(probability, self.gaussian, padding=padding)
        low, high = around.amin((-2, -1), keepdim=True), around.amax((-2, -1), keepdim=True)
        return torch.maximum((around - low) / (high - low + 1e-8), probability)


class _Pyramid(nn.Module):
    """Three levels of receptive-field blocks and their aggregation.

    (N, width, *spatial) -> the aggregation's map and the finest block's, both of that shape.
    """

    def __init__(self, dims: int, width: int, deepest: int) -> None:
        super().__init__()
        self.middle = _residual(dims, width, width)
        self.deepest = _residual(dims, width, deepest)
        self.fields = nn.ModuleList(
            _ReceptiveField(dims, inputs, width) for inputs in (width, width, deepest)
        )
        self.aggregate = _Aggregation(dims, width)

    def forward(self, finest: Tensor) -> tuple[Tensor, Tensor]:
        middle = self.middle(max_pooled(finest))
        deepest = self.deepest(max_pooled(middle))
        seen = [field(level) for field, level in zip(self.fields, (finest, middle, deepest), strict=True)]
        return self.aggregate(*seen), seen[0]


class _ReceptiveField(nn.Module):
    """(N, inputs, *spatial) -> (N, width, *spatial): four branches that see ever larger surroundings."""

    def __init__(self, dims: int, inputs: int, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([_residual(dims, inputs, width)])
        for length in BRANCHES:
            kernels = [[length if axis == along else 1 for axis in range(dims)] for along in range(dims)]
            blocks = [
                Residual(dims, width if number else inputs, width, "instance", kernel)
                for number, kernel in enumerate([*kernels, [1] * dims])
            ]
            self.branches.append(nn.Sequential(*blocks))
        self.merge = _residual(dims, len(self.branches) * width, width)
        self.shortcut = _residual(dims, inputs, width)

    def forward(self, x: Tensor) -> Tensor:
        merged = self.merge(torch.cat([branch(x) for branch in self.branches], dim=1))
        return torch.relu(merged + self.shortcut(x))


class _Aggregation(nn.Module):
    """Three maps, each half as large as the one before, multiplied and concatenated to one of the first's shape."""

    def __init__(self, dims: int, width: int) -> None:
        super().__init__()
        double, triple = 2 * width, 3 * width
        self.deep_to_middle, self.deep_to_fine, self.middle_to_fine, self.deep_beside = (
            _residual(dims, width, width) for _ in range(4)
        )
        self.middle_beside = _residual(dims, double, double)
        self.merge_middle = _residual(dims, double, double)
        self.merge_fine = _residual(dims, triple, triple)
        self.last = _residual(dims, triple, triple)
        convolution = nn.Conv3d if dims == 3 else nn.Conv2d
        self.head = convolution(triple, width, 3, padding=1)

    def forward(self, fine: Tensor, middle: Tensor, deep: Tensor) -> Tensor:
        deep_up = _doubled(deep)
        product_middle = self.deep_to_middle(deep_up) * middle
        product_fine = self.deep_to_fine(_doubled(deep_up)) * self.middle_to_fine(_doubled(middle)) * fine
        merged = self.merge_middle(torch.cat((product_middle, self.deep_beside(deep_up)), dim=1))
        merged = self.merge_fine(torch.cat((product_fine, self.middle_beside(_doubled(merged))), dim=1))
        result: Tensor = self.head(self.last(merged))
        return result


def _residual(dims: int, inputs: int, outputs: int) -> Residual:
    return Residual(dims, inputs, outputs, "instance")


def _doubled(x: Tensor) -> Tensor:
    return resized(x, [2 * size for size in x.shape[2:]], align_corners=True)
