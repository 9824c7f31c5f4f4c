#!/usr/bin/env python3
"""Writes weighting.json: the weights of the methods on random gradients (python weighting.py, needs numpy and torch).

Each method is written from its equation with a solver that has nothing in common with the one under test: faces of a
simplex and of a cone by enumeration, the primal problem by bisection, roots by cycles over single unknowns, gradients by
autograd.
"""
import itertools
import json
import math
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)


def faces(n):
    return (list(face) for size in range(1, n + 1) for face in itertools.combinations(range(n), size))


def shortest(points):
    """The convex combination of least norm: the best of all faces whose affine minimum lies inside."""
    n, best, found = len(points), math.inf, None
    for face in faces(n):
        p = points[face]
        # The foot of the perpendicular from 0 on the affine hull, by least squares in coordinates of the hull.
        edges = (p[1:] - p[0]).T
        x = np.linalg.lstsq(edges, -p[0], rcond=None)[0] if len(face) > 1 else np.zeros(0)
        shares = np.concatenate([[1 - x.sum()], x])
        length = np.linalg.norm(shares @ p)
        if shares.min() >= -1e-13 and length < best - 1e-14:
            best, found = length, np.zeros(n)
            found[face] = np.maximum(shares, 0)
    return found / found.sum()


def mgda(j, normalize, losses):
    norms = np.linalg.norm(j, axis=1)
    divisor = {"none": np.ones(len(j)), "l2": norms, "loss": losses, "loss_plus": losses * norms}[normalize]
    return shortest(j / divisor[:, None])


def pareto(j, floors):
    free = 1 - floors.sum()
    return floors + free * shortest(floors @ j + free * j)


def project_on_dual_cone(j, g):
    """The vector nearest to g that conflicts with no row, and its coefficients beside g: the best feasible face."""
    n = len(j)
    best, found = math.inf, np.zeros(n)
    if (j @ g).min() >= 0:
        return found
    for face in faces(n):
        x = np.linalg.lstsq(j[face].T, -g, rcond=None)[0]
        v = g + x @ j[face]
        distance = np.linalg.norm(v - g)
        if x.min() >= -1e-12 and (j @ v).min() >= -1e-9 and distance < best:
            best, found = distance, np.zeros(n)
            found[face] = x
    return found


def upgrad(j):
    n = len(j)
    return sum((np.eye(n)[t] + project_on_dual_cone(j, j[t])) / n for t in range(n))


def pcgrad(j):
    n = len(j)
    total = np.zeros(n)
    for t in range(n):
        p, w = j[t].copy(), np.eye(n)[t]
        for k in range(n):
            if k != t and p @ j[k] < 0:
                share = p @ j[k] / (j[k] @ j[k])
                p, w[k] = p - share * j[k], w[k] - share
        total += w
    return total


def gradvac(j, targets, beta, steps):
    """Weights of each of several steps on the same gradients, partners in the order of the tasks."""
    n, targets, out = len(j), targets.copy(), []
    for _ in range(steps):
        total = np.zeros(n)
        for t in range(n):
            p, w = j[t].copy(), np.eye(n)[t]
            for k in range(n):
                if k == t:
                    continue
                a, b = np.linalg.norm(p), np.linalg.norm(j[k])
                cosine, aim = p @ j[k] / (a * b), targets[t, k]
                if cosine < aim:
                    # In the plane of p and g_k: the multiple of g_k that turns p to the aim, by the angles.
                    share = a * math.sin(math.acos(cosine) - math.acos(aim)) / (b * math.sin(math.acos(aim)))
                    p, w[k] = p + share * j[k], w[k] + share
                targets[t, k] = (1 - beta) * aim + beta * cosine
            total += w
        out.append(total)
    return out


def cagrad(j, c, rescale):
    """The primal: the direction near the mean that is best for the worst task, by bisection on the worst gain.

    A gain m is possible where the point of {d : <g_t, d> >= m} nearest to g0 lies within c |g0|; the nearest point is
    found over the faces.
    """
    n = len(j)
    g0 = j.mean(0)
    radius = c * np.linalg.norm(g0)

    def nearest(m):
        best, found = math.inf, None
        need = m - j @ g0
        if need.max() <= 0:
            return 0.0, np.zeros(n)
        for face in faces(n):
            # d = g0 + sum x g over the face, with <g, d> = m on it.
            x = np.linalg.lstsq(j[face] @ j[face].T, need[face], rcond=None)[0]
            move = x @ j[face]
            length = np.linalg.norm(move)
            if x.min() >= -1e-12 and (j @ move - need).min() >= -1e-10 * (1 + abs(m)) and length < best:
                best, found = length, np.zeros(n)
                found[face] = x
        return best, found

    low = (j @ g0).min()
    high = low + radius * np.linalg.norm(j, axis=1).max() + 1e-9
    for _ in range(200):
        middle = 0.5 * (low + high)
        if nearest(middle)[0] <= radius:
            low = middle
        else:
            high = middle
    length, x = nearest(low)
    assert abs(length - radius) < 1e-7, (length, radius)
    return (np.full(n, 1 / n) + x) / {"none": 1, "square": 1 + c * c, "linear": 1 + c}[rescale]


def imtl(j):
    """The paper's form, with differences of gradients and of unit gradients."""
    n = len(j)
    if n == 1:
        return np.ones(1)
    u = j / np.linalg.norm(j, axis=1)[:, None]
    d, v = j[0] - j[1:], u[0] - u[1:]
    rest = (j[0] @ v.T) @ np.linalg.inv(d @ v.T)
    return np.concatenate([[1 - rest.sum()], rest])


def fair(j, alpha):
    """The roots of (G w)_t = w_t^(-1/alpha) by cycles over single tasks, each by bisection: no Newton step."""
    n, g = len(j), j @ j.T
    w = np.diag(g) ** (-alpha / (1 + alpha))
    for _ in range(200000):
        old = w.copy()
        for t in range(n):
            rest = g[t] @ w - g[t, t] * w[t]
            low, high = 1e-12, 1e12
            for _ in range(120):
                middle = math.sqrt(low * high)
                if g[t, t] * middle + rest > middle ** (-1 / alpha):
                    high = middle
                else:
                    low = middle
                if high / low < 1 + 1e-15:
                    break
            w[t] = math.sqrt(low * high)
        if np.abs(w / old - 1).max() < 1e-13:
            break
    return w


def aligned(j, scale):
    """Through the singular values of the gradients: the aligned ones are s U V' of J = U S V'."""
    u, s, _ = np.linalg.svd(j, full_matrices=False)
    length = {"least": s[-1], "median": sorted(s)[(len(s) - 1) // 2], "rms": math.sqrt((s**2).mean())}[scale]
    return (u * (length / s)) @ u.T @ np.full(len(j), 1 / len(j))


def gradnorm(norms, steps, alpha, rate, first):
    """Weights before each of several steps, with the gradient of the loss of the weights by autograd."""
    n, w, out = len(norms), torch.ones(len(norms)), []
    for losses in steps:
        out.append(w.tolist())
        w = w.clone().requires_grad_()
        length = w * torch.tensor(norms)
        ratio = torch.tensor(losses) / torch.tensor(first)
        target = (length.mean() * (ratio / ratio.mean()) ** alpha).detach()
        (length - target).abs().sum().backward()
        w = (w - rate * w.grad).detach().clamp(min=1e-3)
        w = w * n / w.sum()
    return out


def metabalance(norms, relax, beta):
    m, out = np.zeros(norms.shape[1]), []
    for row in norms:
        m = beta * m + (1 - beta) * row
        f = relax * m[0] / m + (1 - relax)
        f[0] = 1
        out.append(f.tolist())
    return out


def by_autograd(value, losses):
    x = torch.tensor(losses, requires_grad=True)
    value(x).backward()
    return x.grad.tolist()


def famo(losses, rate, decay):
    """Weights before each step, with torch's Adam and softmax."""
    u = torch.zeros(losses.shape[1], requires_grad=True)
    adam, out = torch.optim.Adam([u], lr=rate, weight_decay=decay), []
    for before, after in zip(losses, losses[1:]):
        z, d = torch.softmax(u, 0).detach(), torch.tensor(before) + 1e-8
        c = (z / d).sum()
        out.append(by_autograd(lambda x: (z * torch.log(x + 1e-8)).sum() / c, before))
        delta = torch.log(torch.tensor(before) + 1e-8) - torch.log(torch.tensor(after) + 1e-8)
        adam.zero_grad()
        (torch.softmax(u, 0) @ delta).backward()
        adam.step()
    return out


def uncertainty(losses, factors, rate):
    s = torch.zeros(losses.shape[1], requires_grad=True)
    adam, out = torch.optim.Adam([s], lr=rate), []
    for row in losses:
        x = torch.tensor(row, requires_grad=True)
        adam.zero_grad()
        (torch.tensor(factors) * torch.exp(-s) * x + s / 2).sum().backward()
        out.append(x.grad.tolist())
        adam.step()
    return out


def imtl_l(losses, rate):
    s = torch.zeros(losses.shape[1], requires_grad=True)
    adam, out = torch.optim.Adam([s], lr=rate), []
    for row in losses:
        x = torch.tensor(row, requires_grad=True)
        adam.zero_grad()
        (torch.exp(s) * x - s).sum().backward()
        out.append(x.grad.tolist())
        adam.step()
    return out


def dbmtl(gradients, losses, beta, sigma):
    h, out = np.zeros_like(gradients[0]), []
    for k, (g, l) in enumerate(zip(gradients, losses), 1):
        g = g / (l + 1e-8)[:, None]
        h = g + beta / k**sigma * (h - g)
        n = np.linalg.norm(h, axis=1)
        out.append((n.max() / n).tolist())
    return out


def excess(gradients, eta):
    s, w, first, out = np.zeros_like(gradients[0]), np.ones(len(gradients[0])), None, []
    for g in gradients:
        s = s + g**2
        e = (g**2 / np.sqrt(s + 1e-7)).sum(1)
        if first is None:
            first = e
        else:
            w = w * np.exp(eta * e / first)
            w = w / w.sum() * len(w)
        out.append(w.tolist())
    return out


def moco(gradients, losses):
    n = len(gradients[0])
    y, lam, out = torch.zeros(gradients[0].shape), torch.ones(n) / n, []
    for k, (g, l) in enumerate(zip(gradients, losses), 1):
        g = torch.tensor(g)
        g = g / g.norm(dim=1, keepdim=True) * torch.tensor(l)[:, None]
        y = y - 0.5 / math.sqrt(k) * (y - g)
        lam = torch.softmax(lam - 0.1 / math.sqrt(k) * (y @ y.T @ lam), 0)
        out.append(lam.tolist())
    return out


def short(value):
    """Nine digits of each number."""
    if isinstance(value, dict):
        return {k: short(v) for k, v in value.items()}
    if isinstance(value, list):
        return [short(v) for v in value]
    return float(f"{value:.9g}")


def main():
    rng = np.random.default_rng(20260101)
    cases = []
    # Wide gradients that agree and conflict, some with scales that differ; the last ones with fewer columns than rows.
    shapes = [(2, 5), (2, 3), (3, 6), (3, 4), (3, 3), (8, 20), (8, 12), (8, 9), (2, 2), (3, 2), (8, 5)]
    for index, (n, columns) in enumerate(shapes):
        full = columns >= n
        j = rng.normal(size=(n, columns)) + rng.normal(size=columns) * (0.7 if index % 2 else 0.2) + (0 if full else 1.0)
        j *= 10 ** rng.uniform(-0.5, 0.5, size=(n, 1)) if index % 3 == 0 else 1
        j = j.round(4)
        losses = rng.uniform(0.05, 2, size=n).round(4)
        floors = (rng.dirichlet(np.ones(n)) * 0.4).round(4)
        targets = rng.uniform(-0.2, 0.6, size=(n, n)).round(4)
        series = rng.uniform(0.2, 2, size=(5, n)).round(4)
        tall = [(j + 0.5 * rng.normal(size=j.shape)).round(4) for _ in range(4)]
        norms = np.linalg.norm(j, axis=1)
        open_ = np.linalg.norm(shortest(j / norms[:, None]) @ (j / norms[:, None])) > 1e-3
        expected = {
            **{f"mgda_{k}": mgda(j, k, losses).tolist() for k in ("none", "l2", "loss", "loss_plus")},
            "pe_ltr": pareto(j, floors).tolist(),
            "pcgrad": pcgrad(j).tolist(),
            "gradvac": [w.tolist() for w in gradvac(j, targets, 0.1, 3)],
            "db_mtl": dbmtl(tall, series, 0.9, 0.5),
            "excess": excess(tall, 0.05),
            "moco": moco(tall, series),
            "gradnorm": gradnorm(norms.tolist(), series.tolist(), 1.5, 0.025, losses.tolist()),
            "metabalance": metabalance(np.abs(series), 0.7, 0.9),
            "famo": famo(series, 0.025, 1e-3),
            "uncertainty": uncertainty(series, [1.0 if t % 2 == 0 else 0.5 for t in range(n)], 0.1),
            "imtl_l": imtl_l(series, 0.1),
            "gls": by_autograd(lambda x: torch.exp(torch.log(x + 1e-8).mean()), losses),
            "log": by_autograd(lambda x: torch.log(x + 1e-8).sum(), losses),
            "stch": by_autograd(
                lambda x: n * 0.5 * torch.logsumexp(torch.log((x + 1e-8) / (torch.tensor(series[0]) + 1e-8)) / 0.5, 0), losses
            ),
            "dwa": (n * torch.softmax(torch.tensor(series[1] / series[0]) / 2, 0)).tolist(),
        }
        if open_:
            expected |= {
                f"cagrad_{c}_{r}": cagrad(j, c, r).tolist() for c, r in ((0.5, "none"), (0.4, "square"), (1.2, "linear"))
            }
            expected |= {f"fairgrad_{a}": fair(j, a).tolist() for a in (0.5, 1.0, 2.0)}
        if full:
            expected |= {"upgrad": upgrad(j).tolist(), "imtl_g": imtl(j).tolist()}
            expected |= {f"aligned_{k}": aligned(j, k).tolist() for k in ("least", "median", "rms")}
        cases.append(
            {
                "tasks": n,
                "gradients": j.tolist(),
                "losses": losses.tolist(),
                "floors": floors.tolist(),
                "targets": targets.tolist(),
                "series": series.tolist(),
                "tall": [g.tolist() for g in tall],
                "expected": short(expected),
            }
        )
        print(n, columns, "open" if open_ else "closed", len(expected))
    here = pathlib.Path(__file__).parent
    text = json.dumps({"cases": cases}, separators=(",", ":"))
    (here / "weighting.json").write_text(text.replace('{"tasks"', '\n{"tasks"') + "\n")


main()
