"""Exact dynamic time warping in numpy, one anti-diagonal at a time."""

import numpy as np
from numpy.typing import NDArray

Path = NDArray[np.intp]


def align(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[Path, Path, NDArray[np.float64]]:
    """The cheapest monotonic pairing of frames, from first with first to last with last.

    `one` is (n, d), `other` (m, d), both with at least one row; the cost of a pair is its Euclidean
    distance and steps are (1,1), (0,1), (1,0) with equal weights (Sakoe & Chiba, 1978, no window).
    Returns the paired indices, each of shape (k,), and the k costs. Memory: n * m * 8 bytes.
    """
    from scipy.spatial.distance import cdist

    total = cdist(one, other)
    _accumulate(total)
    rows, columns = _walk_back(total)
    costs = np.linalg.norm(one[rows] - other[columns], axis=1)
    return rows, columns, costs


def _accumulate(total: NDArray[np.float64]) -> None:
    """Turn costs into least sums, in place; cells of one anti-diagonal depend only on the two before."""
    n, m = total.shape
    np.cumsum(total[0], out=total[0])
    np.cumsum(total[:, 0], out=total[:, 0])
    if n == 1 or m == 1:
        return
    flat, step = total.reshape(-1), m - 1  # row i of diagonal k lies at k + i * (m - 1)
    for diagonal in range(2, n + m - 1):
        first, last = max(1, diagonal - m + 1), min(n - 1, diagonal - 1)
        start, stop = diagonal + first * step, diagonal + last * step + 1
        left = flat[start - 1 : stop - 1 : step]
        above = flat[start - m : stop - m : step]
        corner = flat[start - m - 1 : stop - m - 1 : step]
        flat[start:stop:step] += np.minimum(corner, np.minimum(left, above))


def _walk_back(total: NDArray[np.float64]) -> tuple[Path, Path]:
    """Follow the least sums from the end; ties go to the diagonal, then to waiting in `one`."""
    i, j = total.shape[0] - 1, total.shape[1] - 1
    pairs = [(i, j)]
    while i or j:
        if not i:
            j -= 1
        elif not j:
            i -= 1
        else:
            corner, left, above = total[i - 1, j - 1], total[i, j - 1], total[i - 1, j]
            if corner <= left and corner <= above:
                i, j = i - 1, j - 1
            elif left <= above:
                j -= 1
            else:
                i -= 1
        pairs.append((i, j))
    path = np.array(pairs[::-1], dtype=np.intp)
    return path[:, 0], path[:, 1]
