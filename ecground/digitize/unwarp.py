"""Smooth maps between a photograph and the flat sheet: a homography and a bending surface on top of it.

The surface is a penalised uniform cubic B-spline (P-spline; Eilers and Marx 1996, doi:10.1214/ss/1038425655) fitted to
values on a rectangular grid with weights; grid data keep the normal equations small (array models, Currie, Durban and
Eilers 2006, doi:10.1111/j.1467-9868.2006.00543.x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flattening", "Surface", "fit_homography", "flatten", "linear", "project", "surface"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Surface:
    """A uniform cubic B-spline over the plane; beyond its edges it keeps the value of the edge."""

    coefficients: Array
    """`[row, column]`."""
    origin: tuple[float, float]
    """Position (x, y) of coefficient (0, 0)."""
    spacing: float
    """Distance of the knots."""

    def __call__(self, points: Array) -> Array:
        """Values at positions `[..., (x, y)]`."""
        from scipy.ndimage import map_coordinates

        origin = np.reshape(self.origin, (2,) + (1,) * (points.ndim - 1))
        at = (np.moveaxis(points, -1, 0) - origin)[::-1] / self.spacing
        out: Array = map_coordinates(self.coefficients, at, order=3, mode="nearest", prefilter=False)
        return out


def _basis(at: Array, spacing: float) -> tuple[Array, float]:
    """Cubic B-spline basis `[position, knot]` over a range of positions, and where its first knot lies."""
    count = int(np.ceil((at[-1] - at[0]) / spacing)) + 3
    first = float(at[0] + at[-1]) / 2 - spacing * (count - 1) / 2
    t = np.abs((at[:, None] - first) / spacing - np.arange(count)[None, :])
    return np.where(t < 1, 2 / 3 - t ** 2 + t ** 3 / 2, np.where(t < 2, (2 - t) ** 3 / 6, 0.0)), first


def surface(x: Array, y: Array, values: Array, weight: Array, *, spacing: float, stiffness: float) -> Surface:
    """The penalised surface through `values` `[row, column]` at `y` and `x`; weight 0 where there is none."""
    if len(x) > len(y):
        turned = surface(y, x, values.T, weight.T, spacing=spacing, stiffness=stiffness)
        return Surface(turned.coefficients.T, turned.origin[::-1], spacing)
    (by, top), (bx, left) = (_basis(axis, spacing) for axis in (y, x))
    ny, nx = by.shape[1], bx.shape[1]
    squares_y = (by[:, :, None] * by[:, None, :]).reshape(len(y), -1)
    squares_x = (bx[:, :, None] * bx[:, None, :]).reshape(len(x), -1)
    normal = (squares_y.T @ weight @ squares_x).reshape(ny, ny, nx, nx).transpose(0, 2, 1, 3).reshape(ny * nx, ny * nx)
    right = (by.T @ (weight * np.where(weight > 0, values, 0.0)) @ bx).ravel()
    slack = max(float(weight.mean()), 1e-12)
    normal = normal + slack * (stiffness * _roughness(ny, nx) + 1e-9 * np.eye(ny * nx))
    solved: Array = _solve(normal, right, 3 * nx + 3)
    return Surface(solved.reshape(ny, nx), (left, top), spacing)


@lru_cache(maxsize=16)
def _roughness(ny: int, nx: int) -> Array:
    """Quadratic form of second differences along both axes, and a thousandth of first ones to settle what is left."""
    total = np.zeros((ny * nx, ny * nx))
    for order, part in ((2, 1.0), (1, 1e-3)):
        dy, dx = (np.diff(np.eye(n), order, axis=0) if n > order else np.zeros((1, n)) for n in (ny, nx))
        total += part * (np.kron(dy.T @ dy, np.eye(nx)) + np.kron(np.eye(ny), dx.T @ dx))
    return total


def _solve(matrix: Array, right: Array, reach: int) -> Array:
    """Solution of a symmetric positive system with nothing farther than `reach` from the diagonal."""
    from scipy.linalg import solveh_banded

    reach = min(reach, len(right) - 1)
    bands = np.zeros((reach + 1, len(right)))
    for offset in range(reach + 1):
        bands[offset, :len(right) - offset] = np.diagonal(matrix, -offset)
    out: Array = solveh_banded(bands, right, lower=True, overwrite_ab=True, check_finite=False)
    return out


def project(h: Array, points: Array) -> Array:
    """Positions `[..., 2]` through a homography."""
    out = points @ h[:, :2].T + h[:, 2]
    projected: Array = out[..., :2] / out[..., 2:]
    return projected


def fit_homography(points: Array, u: Array, v: Array, weight_u: Array, weight_v: Array) -> Array:
    """The homography that gives `u` and `v` at `points` `[n, 2]`, each seen only where its weight is above 0.

    Weighted least squares on the algebraic error with points centred and scaled, then Tukey's weights.
    """
    centre, size = points.mean(axis=0), float(np.ptp(points, axis=0).max()) / 2 + 1e-9
    p = (points - centre) / size
    one = np.ones(len(p))
    scale_u, scale_v = (float(np.std(q[w > 0])) + 1e-9 for q, w in ((u, weight_u), (v, weight_v)))
    mean_u, mean_v = (float(np.mean(q[w > 0])) for q, w in ((u, weight_u), (v, weight_v)))
    un = np.where(weight_u > 0, (u - mean_u) / scale_u, 0.0)
    vn = np.where(weight_v > 0, (v - mean_v) / scale_v, 0.0)
    base, none = np.column_stack([p, one]), np.zeros((len(p), 3))
    rows = np.vstack([np.hstack([base, none, -un[:, None] * p]), np.hstack([none, base, -vn[:, None] * p])])
    goal = np.concatenate([un, vn])
    given = np.concatenate([weight_u, weight_v])
    ridge = np.diag([0.0] * 6 + [1e-4 * given.sum()] * 2)
    weight = given
    h = np.zeros(8)
    for _ in range(6):
        h = np.linalg.solve(rows.T @ (weight[:, None] * rows) + ridge + 1e-9 * np.eye(8), rows.T @ (weight * goal))
        error = np.abs(rows @ h - goal)
        limit = 6 * float(np.median(error[given > 0])) + 1e-6
        weight = given * np.clip(1 - (error / limit) ** 2, 0.0, None) ** 2
    normal = np.array([[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]])
    undo = np.array([[scale_u, 0, mean_u], [0, scale_v, mean_v], [0, 0, 1.0]])
    into = np.array([[1 / size, 0, -centre[0] / size], [0, 1 / size, -centre[1] / size], [0, 0, 1.0]])
    full: Array = undo @ normal @ into
    full /= full[2, 2]
    return full


@dataclass(frozen=True, slots=True)
class Flattening:
    """From coordinates of the grid (periods, later millimetres) to an image."""

    homography: Array
    """Image px to grid."""
    bends: tuple[Surface, Surface]
    """What is added to the homography, in grid units, over the image."""
    shifts: tuple[Surface, Surface] | None = None
    """Taken from a grid position before all else, in grid units, over the grid."""

    def image(self, grid: Array) -> Array:
        """Position in the image [px] of positions `[..., (x, y)]` on the grid."""
        if self.shifts is not None:
            grid = grid - np.stack([shift(grid) for shift in self.shifts], axis=-1)
        back = np.linalg.inv(self.homography).astype(np.float64)
        points = project(back, grid)
        for _ in range(8):
            points = project(back, grid - np.stack([one(points) for one in self.bends], axis=-1))
        return points

    def grid(self, points: Array) -> Array:
        """Position on the grid of positions in the image, without `shifts`."""
        return project(self.homography, points) + np.stack([one(points) for one in self.bends], axis=-1)

    def in_units(self, factors: tuple[float, float]) -> Flattening:
        """The same with grid coordinates multiplied by `factors`; only without `shifts`."""
        bends = [replace(one, coefficients=one.coefficients * f) for one, f in zip(self.bends, factors, strict=True)]
        return Flattening(np.diag([*factors, 1.0]) @ self.homography, (bends[0], bends[1]))

    def of_larger(self, scale: float) -> Flattening:
        """The same for the image of which this one is a copy reduced to `scale`."""
        reduce = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1.0]])
        bends = [
            Surface(one.coefficients, (_larger(one.origin[0], scale), _larger(one.origin[1], scale)),
                    one.spacing / scale)
            for one in self.bends
        ]
        return Flattening(self.homography @ reduce, (bends[0], bends[1]), self.shifts)

    def lookup(
        self, origin: tuple[float, float], step: tuple[float, float], shape: tuple[int, int],
    ) -> NDArray[np.float32]:
        """Image position of each sample of a raster on the grid: exact at every 12th, linear between."""
        every = 12
        nodes = [np.arange(-(-count // every) + 1) * every for count in shape]
        at = np.stack(np.meshgrid(origin[0] + nodes[1] * step[0], origin[1] + nodes[0] * step[1]), axis=-1)
        return linear(self.image(at), every, shape)


def _larger(at: float, scale: float) -> float:
    """Pixel position in an image of which `at` is that in a copy reduced to `scale`."""
    return (at + 0.5) / scale - 0.5


def linear(nodes: Array, every: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Values at every sample of a raster from those at every `every`-th, linear along both axes."""
    out = nodes.astype(np.float32)
    for axis, count in enumerate(shape):
        at = np.arange(count)
        low, part = at // every, ((at % every) / every).astype(np.float32)
        part = part.reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        out = out.take(low, axis) * (1 - part) + out.take(np.minimum(low + 1, out.shape[axis] - 1), axis) * part
    return out


def flatten(at: Array, u: Array, v: Array, weight_u: Array, weight_v: Array) -> Flattening:
    """A homography and bends through grid coordinates `u` and `v` at image positions `at` `[row, column, (x, y)]`."""
    points = at.reshape(-1, 2)
    u, v = np.nan_to_num(u), np.nan_to_num(v)
    seen_u, seen_v = weight_u > 0, weight_v > 0
    h = fit_homography(points, u.ravel(), v.ravel(), weight_u.ravel(), weight_v.ravel())
    flat = project(h, at)
    spacing = 1.5 * float(np.diff(at[0, :, 0]).mean()) if at.shape[1] > 1 else 64.0
    bends = []
    for axis, (value, weight, seen) in enumerate(((u, weight_u, seen_u), (v, weight_v, seen_v))):
        rest = np.where(seen, value - flat[..., axis], 0.0)
        bends.append(_robust(at[0, :, 0], at[:, 0, 1], rest, weight, spacing))
    return Flattening(h, (bends[0], bends[1]))


def _robust(x: Array, y: Array, values: Array, weight: Array, spacing: float) -> Surface:
    """A surface that follows most of the values; those off by whole periods are brought back to it, others left out."""
    points = np.stack(np.meshgrid(x, y), axis=-1)
    fit = surface(x, y, values, weight, spacing=spacing, stiffness=1.0)
    for stiffness in (0.3, 0.1, 0.03):
        off = values - fit(points)
        values = values - np.where(weight > 0, np.round(off), 0.0)
        off -= np.round(off)
        limit = 6 * float(np.median(np.abs(off[weight > 0]))) + 0.05
        kept = weight * np.clip(1 - (off / limit) ** 2, 0.0, None) ** 2
        fit = surface(x, y, values, kept, spacing=spacing, stiffness=stiffness)
    return fit
