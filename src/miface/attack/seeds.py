r"""The initial weights of a recogniser whose training code is known: found by their seed.

PyTorch's generator on the CPU is a Mersenne Twister that keeps 32 bits of its seed, so there are
2³² possible initial weights W₀. Training adds to a unit's W₀ something smooth, a sum of photos or
of features, and W₀ is white: without what is smooth, weights that lie side by side are the right
seed's numbers, more or less, and no other's. Few numbers of each seed are needed, and of the
twister's state only the words that these are made of (Matsumoto and Nishimura, 1998).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from miface.progress import Progress
from miface.recognisers.recogniser import Begun, Recogniser

Words = NDArray[np.uint32]
Numbers = NDArray[np.float32]

_SHIFT, _LENGTH = 397, 624  # of the twister
_CHUNK = 1 << 13  # seeds at once: what fits in a core's cache
_BITS = 24  # of a word, of which PyTorch makes a number in [0, 1)
_NUMBERS = 96  # that are compared: enough for 2³² seeds
_PAIR = 8  # PyTorch makes two normal numbers of two uniform ones that lie so far apart
_LIKELIEST = 16  # seeds that are compared by all weights
_CERTAIN = 12.0  # standard deviations of chance above which a seed is the right one


def first_words(seeds: Words, count: int) -> Words:
    """Give the first words of a Mersenne Twister for each seed: uint32 [count, n].

    At most 624 − 397 of them: later ones are made of words of the next round.
    """
    if not 0 < count <= _LENGTH - _SHIFT:
        raise ValueError(f"{count} words, expected 1 to {_LENGTH - _SHIFT}")
    early = np.empty((count + 1, len(seeds)), np.uint32)
    late = np.empty((count, len(seeds)), np.uint32)
    word = seeds.astype(np.uint32)
    for index in range(_SHIFT + count):
        if index > 0:
            word = (word ^ (word >> np.uint32(30))) * np.uint32(1812433253) + np.uint32(index)
        if index <= count:
            early[index] = word
        if index >= _SHIFT:
            late[index - _SHIFT] = word
    upper = (early[:-1] & np.uint32(0x80000000)) | (early[1:] & np.uint32(0x7FFFFFFF))
    words = late ^ (upper >> np.uint32(1)) ^ ((early[1:] & np.uint32(1)) * np.uint32(0x9908B0DF))
    words ^= words >> np.uint32(11)
    words ^= (words << np.uint32(7)) & np.uint32(0x9D2C5680)
    words ^= (words << np.uint32(15)) & np.uint32(0xEFC60000)
    words ^= words >> np.uint32(18)
    return words


def first_numbers(seeds: Words, count: int, *, normal: bool) -> Numbers:
    """Give PyTorch's first float32 numbers for each seed, up to a factor: [count, n].

    Uniform on [-0.5, 0.5), or normal, of which `count` must be a multiple of 16.
    """
    words = first_words(seeds, count) & np.uint32((1 << _BITS) - 1)
    uniform = words.astype(np.float32) * np.float32(2.0**-_BITS)
    if not normal:
        return uniform - np.float32(0.5)
    pairs = uniform.reshape(-1, 2, _PAIR, len(seeds))  # Box and Muller (1958)
    radius, angle = np.sqrt(-2 * np.log1p(-pairs[:, 0])), np.float32(2 * np.pi) * pairs[:, 1]
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return np.asarray(both.reshape(count, -1), np.float32)


def search(weights: Numbers, seeds: range, *, normal: bool = False) -> Words:
    """Find the seeds whose first numbers look most like weights, the likeliest first.

    Parameters
    ----------
    weights
        float32 [k], the first that were drawn, which lie side by side.
    seeds
        Which to try, from 0 to 2³² − 1.
    normal
        Whether they were drawn from a normal distribution, not a uniform one.
    """
    line = np.linspace(-1, 1, len(weights))
    smooth = np.linalg.qr(np.stack([line**power for power in range(4)], 1))[0]
    project = (np.eye(len(weights)) - smooth @ smooth.T).astype(np.float32)
    wanted = project @ weights
    best, score = np.zeros(0, np.uint32), np.zeros(0, np.float32)
    with Progress(-(-len(seeds) // _CHUNK), "seeds", "chunk") as progress:
        for at in range(seeds.start, seeds.stop, _CHUNK):
            some = np.arange(at, min(at + _CHUNK, seeds.stop), dtype=np.uint64).astype(np.uint32)
            numbers = first_numbers(some, len(weights), normal=normal)
            likeness = (wanted @ numbers) / np.linalg.norm(project @ numbers, axis=0)
            best, score = np.concatenate([best, some]), np.concatenate([score, likeness])
            order = np.argsort(-score, kind="stable")[:_LIKELIEST]
            best, score = best[order], score[order]
            progress.step()
    return best


@torch.no_grad()
def initial_weights(recogniser: Recogniser, seeds: range) -> tuple[int, Tensor] | None:
    """Find a seed and the weights W₀ that the first linear layer began with; None if none fits.

    Parameters
    ----------
    recogniser
        Whose training code is known: one that is `Begun`.
    seeds
        Which to try.
    """
    assert isinstance(recogniser, Begun)
    trained = recogniser.first_linear.weight.cpu()
    first = trained.flatten()[:_NUMBERS].numpy()
    certain = _CERTAIN / trained.numel() ** 0.5
    for normal in (False, True):
        for seed in search(first, seeds, normal=normal).tolist():
            begun = recogniser.begun(torch.Generator().manual_seed(seed))
            if torch.corrcoef(torch.stack([begun.flatten(), trained.flatten()]))[0, 1] > certain:
                return seed, begun.to(recogniser.first_linear.weight)
    return None
