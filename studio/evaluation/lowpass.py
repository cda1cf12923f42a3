"""The two recursive low-passes of Harvest as short responses: no signal library has to be loaded for them."""

import functools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SETTLED = 1e-18


def both_ways(sound: Floats, response: Floats) -> Floats:
    """Filtered forwards and backwards, from rest: no delay, and the squared response. Shape (n,) as `sound`."""
    once = np.convolve(sound, response)[: len(sound)]
    return np.convolve(once[::-1], response)[: len(sound)][::-1]


@functools.lru_cache(maxsize=16)
def chebyshev(order: int, ripple_db: float, cutoff: float) -> Floats:
    """Impulse response of a Chebyshev low-pass of odd `order`; `cutoff` is a part of half the sample rate."""
    spread = np.arcsinh(1 / np.sqrt(10 ** (ripple_db / 10) - 1)) / order
    return _response(-np.sinh(spread + 1j * _angles(order)), cutoff)


@functools.lru_cache(maxsize=16)
def butterworth(order: int, cutoff: float) -> Floats:
    """Impulse response of a Butterworth low-pass; `cutoff` is a part of half the sample rate."""
    return _response(-np.exp(1j * _angles(order)), cutoff)


def _angles(order: int) -> Floats:
    return np.pi * np.arange(1 - order, order, 2) / (2 * order)


def _response(poles: NDArray[np.complex128], cutoff: float) -> Floats:
    """Of an analogue low-pass with these poles and gain 1, by the bilinear transform, until it has died away."""
    warped = poles * np.tan(np.pi * cutoff / 2)
    turned = (1 + warped) / (1 - warped)
    b = np.poly(-np.ones(len(poles))) * np.real(np.prod(warped / (warped - 1)))
    a = np.real(np.poly(turned))
    length = int(np.log(SETTLED) / np.log(np.abs(turned).max())) + len(a)
    response = np.zeros(length)
    for at in range(length):
        past = response[max(0, at - len(poles)) : at][::-1]
        response[at] = (b[at] if at < len(b) else 0.0) - a[1 : 1 + len(past)] @ past
    return response
