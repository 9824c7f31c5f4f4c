#!/usr/bin/env python3
"""Losses of tasks and their gradients, from PyTorch's own functions and distributions where it has them.

Writes losses.json (python losses.py, needs torch): logits of the model `Heads` of tests/tests/losses.rs, labels, the loss of each task and the gradient of their sum.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)

ROWS = 12
SMOOTHING, GAMMA, ALPHA, Q, POWER = 0.1, 1.0, 0.75, 0.9, 1.5

# Numbers that a 32-bit float holds exactly, so that both sides compute from the same ones.
logits = (torch.randn(ROWS, 10) * 64).round() / 64
share = (torch.rand(ROWS) * 16).round() / 16
rare = (torch.rand(ROWS) < 0.4).double()
number = (torch.randn(ROWS, 2) * 32).round() / 16
count = torch.poisson(torch.full((ROWS,), 1.5))
amount = (torch.rand(ROWS, 3) * 64).round() / 8 * (torch.rand(ROWS, 3) < 0.6)
labels = torch.stack([share, rare, *number.T, count, *amount.T], dim=1)

z = logits.clone().requires_grad_()


def focal(z, y):
    p = torch.sigmoid(z)
    return -(ALPHA * y * (1 - p) ** GAMMA * p.log() + (1 - ALPHA) * (1 - y) * p**GAMMA * (1 - p).log())


def pinball(z, y):
    return torch.maximum(Q * (y - z), (Q - 1) * (y - z))


def deviance(z, y):
    return F.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none") - (y - torch.xlogy(y, y))


def tweedie(z, y):
    mean = z.exp()
    return -y * mean ** (1 - POWER) / (1 - POWER) + mean ** (2 - POWER) / (2 - POWER)


def watch(z, y):
    happened = (y > 0).double()
    weight = torch.where(y > 0, y, torch.ones_like(y))
    return F.binary_cross_entropy_with_logits(z, happened, weight=weight, reduction="none")


def ziln(z, m, k, y):
    scale = F.softplus(k).clamp_min(1e-7**0.5)
    happened = (y > 0).double()
    density = torch.distributions.LogNormal(m, scale).log_prob(torch.where(y > 0, y, torch.ones_like(y)))
    return F.binary_cross_entropy_with_logits(z, happened, reduction="none") - happened * density


smoothed = labels[:, 0] * (1 - SMOOTHING) + SMOOTHING / 2
rows = [
    F.binary_cross_entropy_with_logits(z[:, 0], smoothed, reduction="none"),
    focal(z[:, 1], labels[:, 1]),
    (z[:, 2] - labels[:, 2]).cosh().log(),
    pinball(z[:, 3], labels[:, 3]),
    deviance(z[:, 4], labels[:, 4]),
    tweedie(z[:, 5], labels[:, 5]),
    watch(z[:, 6], labels[:, 6]),
    ziln(z[:, 7], z[:, 8], z[:, 9], labels[:, 7]),
]
losses = torch.stack([row.mean() for row in rows])
losses.sum().backward()

golden = {
    "logits": logits.flatten().tolist(),
    "labels": labels.flatten().tolist(),
    "losses": losses.tolist(),
    "gradient": z.grad.flatten().tolist(),
}
path = pathlib.Path(__file__).with_name("losses.json")
path.write_text(json.dumps(golden) + "\n")
