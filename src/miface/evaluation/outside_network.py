"""dlib's face recogniser as a PyTorch network: the same weights and answers, ten times as fast.

The wheel `dlib-bin` is built without BLAS and holds the interpreter's lock: 0.1 s a face, on one
core. The file of its weights is simple, and the network is a residual one of 29 convolutions
(D. E. King, "High quality face recognition with deep metric learning", 2017).
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SIDE = 150
"""Height and width of an aligned face, in pixels."""

# What the network was trained with: the mean colour, and the unit of grey values.
_MEAN_COLOUR, _UNIT = (122.782, 117.001, 104.298), 256.0
# Channels of the residual blocks; a negative number halves height and width first.
_BLOCKS = (32, 32, 32, -64, 64, 64, 64, -128, 128, 128, -256, 256, 256, -256)


class _Reader:
    """Walks the tensors of dlib's serialised network, input to output."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def _integer(self) -> int:
        # A control byte (its low bits count the bytes, its high bit is the sign), then the bytes.
        count = self.data[self.at] & 0x0F
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + count], "little")
        self.at += 1 + count
        return value

    def tensor(self, layer: bytes, skip: int = 0) -> NDArray[np.float32]:
        """Give the parameters of the next layer of a type, flat; `skip` integers stand before."""
        at = self.data.find(bytes([1, len(layer)]) + layer, self.at)
        if at < 0:
            raise ValueError(f"no further layer {layer.decode()} in the file of weights")
        self.at = at + 2 + len(layer)
        for _ in range(skip):
            self._integer()
        version, *shape = (self._integer() for _ in range(5))
        if version != 2:
            raise ValueError(f"tensor format {version}, expected 2")
        count = int(np.prod(shape))
        values = np.frombuffer(self.data, "<f4", count, self.at)
        self.at += 4 * count
        return values


class OutsideNetwork(nn.Module):
    """The network: aligned grey faces in, points in a space of 128 dimensions out.

    Parameters
    ----------
    path
        ``dlib_face_recognition_resnet_model_v1.dat``.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        reader = _Reader(path.read_bytes())
        stem = _read_convolution(reader, 3, 32, 7, 2)
        self.stem = _on_grey(stem)
        blocks: list[nn.Module] = []
        channels = 32
        for width in _BLOCKS:
            blocks.append(_Block(reader, channels, abs(width), 2 if width < 0 else 1))
            channels = abs(width)
        self.blocks = nn.Sequential(*blocks)
        weights = reader.tensor(b"fc_2", skip=2)  # after its counts of outputs and of inputs
        self.output = torch.from_numpy(weights.reshape(channels, 128).copy())
        self.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, faces: Tensor) -> Tensor:
        """Map grey faces [n, 150, 150] in 0 to 255 to points [n, 128]."""
        x = faces.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        x = nn.functional.max_pool2d(torch.relu(self.stem(x)), 3, 2)
        return self.blocks(x).mean((2, 3)) @ self.output


class _Block(nn.Module):
    """Two convolutions, and the input itself added (pooled where the block halves the size)."""

    def __init__(self, reader: _Reader, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = _read_convolution(reader, inputs, outputs, 3, stride)
        self.second = _read_convolution(reader, outputs, outputs, 3, 1)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Add what lacks in channels, rows or columns on either side as zeros."""
        y = self.second(torch.relu(self.first(x)))
        if self.stride > 1:
            x = nn.functional.avg_pool2d(x, 2, 2)
            size = [max(a, b) for a, b in zip(x.shape, y.shape, strict=True)]
            x, y = _padded(x, size), _padded(y, size)
        return torch.relu(x + y)


def _padded(x: Tensor, size: list[int]) -> Tensor:
    missing = [(0, wanted - there) for wanted, there in zip(size, x.shape, strict=True)]
    return nn.functional.pad(x, [side for pair in missing[:0:-1] for side in pair])


def _read_convolution(
    reader: _Reader, inputs: int, outputs: int, side: int, stride: int
) -> nn.Conv2d:
    """Read a convolution and the fixed gain and offset that follow it, as one convolution."""
    values = reader.tensor(b"con_4")
    count = outputs * inputs * side * side
    gain, offset = reader.tensor(b"affine_").reshape(2, outputs)
    layer = nn.Conv2d(inputs, outputs, side, stride, side // 2 if stride == 1 else 0)
    weight = values[:count].reshape(outputs, inputs, side, side) * gain[:, None, None, None]
    layer.weight = nn.Parameter(torch.from_numpy(weight))
    layer.bias = nn.Parameter(torch.from_numpy(values[count:] * gain + offset))
    return layer


def _on_grey(layer: nn.Conv2d) -> nn.Conv2d:
    """Give the first layer on grey values in 0 to 255 instead of three scaled colours."""
    assert layer.bias is not None
    side = layer.kernel_size
    grey = nn.Conv2d(1, layer.out_channels, (side[0], side[1]), (2, 2))
    mean = torch.tensor(_MEAN_COLOUR)[:, None, None]
    grey.weight = nn.Parameter(layer.weight.detach().sum(1, keepdim=True) / _UNIT)
    shift = (layer.weight.detach() * mean / _UNIT).sum((1, 2, 3))
    grey.bias = nn.Parameter(layer.bias.detach() - shift)
    return grey
