#!/usr/bin/env python3
"""Losses of tasks and their gradients, from PyTorch's own functions and distributions where it has them.

Writes losses.json (python losses.py, needs torch): logits of the model `Heads` of tests/tests/losses.rs, labels, the loss of each task and the gradient of their sum;
under `joint` the same of the model `Joint` of tests/tests/joint.rs, with groups and weights of rows.
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

# Losses within groups, sums of losses and classes. Columns: the tasks', the levels of both joint losses, further classes.
torch.manual_seed(6)
ROWS = 14
groups = torch.tensor([3, 8, 3, 5, 8, 3, 1, 5, 8, 3, 5, 8, 3, 5])
weights = torch.ones(ROWS, 6)
weights[:, 1] = (torch.rand(ROWS) * 4).ceil() / 2
weights[:, 4] = (torch.rand(ROWS) * 4).ceil() / 2
joint_logits = (torch.randn(ROWS, 10) * 64).round() / 64
joint_labels = torch.stack(
    [
        (torch.rand(ROWS) < 0.4).double(),
        (torch.rand(ROWS) < 0.5).double(),
        torch.randint(0, 5, (ROWS,)).double(),
        (torch.rand(ROWS) < 0.5).double(),
        (torch.randn(ROWS) * 32).round() / 16,
        torch.randint(0, 3, (ROWS,)).double(),
    ],
    dim=1,
)
x = joint_logits.clone().requires_grad_()


def mean(each, weight):
    return (each * weight).sum() / weight.sum()


def jrc(z, level, y, weight, alpha):
    classes = torch.stack([level - z / 2, level + z / 2], dim=1)
    entropy = F.cross_entropy(classes, y.long(), reduction="none")
    listed = torch.zeros_like(z)
    for group in groups.unique():
        inside = groups == group
        log = F.log_softmax(classes[inside], dim=0)
        listed[inside] = -log.gather(1, y[inside].long().unsqueeze(1)).squeeze(1)
    return mean(alpha * entropy + (1 - alpha) * listed, weight)


def bpr(score, y, weight):
    better, worse = torch.meshgrid(torch.arange(ROWS), torch.arange(ROWS), indexing="ij")
    pair = (groups[better] == groups[worse]) & (y[better] > y[worse])
    each = -F.logsigmoid(score[better] - score[worse])
    return mean(each[pair], (weight[better] * weight[worse])[pair])


def list_net(score, grade, temperature):
    lists = [groups == group for group in groups.unique() if (groups == group).sum() > 1]
    targets = [F.softmax(grade[inside] / temperature, dim=0) for inside in lists]
    return torch.stack([F.cross_entropy(score[inside], target) for inside, target in zip(lists, targets)]).mean()


y, w = joint_labels, weights
entropy = F.binary_cross_entropy_with_logits(x[:, 1], y[:, 1], reduction="none", pos_weight=torch.tensor(2.0))
joint = torch.stack(
    [
        jrc(x[:, 0], x[:, 6], y[:, 0], w[:, 0], 0.4),
        mean(entropy, w[:, 1]) + 0.3 * bpr(x[:, 1], y[:, 1], w[:, 1]) + 0.5 * jrc(x[:, 1], x[:, 7], y[:, 1], w[:, 1], 0.25),
        list_net(x[:, 2], y[:, 2], 2.0),
        bpr(x[:, 3], y[:, 3], w[:, 3]) + 0.5 * list_net(x[:, 3], y[:, 3], 1.0),
        mean((x[:, 4] - y[:, 4]) ** 2, w[:, 4]) + 0.2 * mean(F.huber_loss(x[:, 4], y[:, 4], delta=0.5, reduction="none"), w[:, 4]),
        F.cross_entropy(x[:, [5, 8, 9]], y[:, 5].long(), label_smoothing=0.1),
    ]
)
joint.sum().backward()

golden = {
    "joint": {
        "logits": joint_logits.flatten().tolist(),
        "labels": joint_labels.flatten().tolist(),
        "weights": weights.flatten().tolist(),
        "groups": groups.tolist(),
        "losses": joint.tolist(),
        "gradient": x.grad.flatten().tolist(),
    },
    "logits": logits.flatten().tolist(),
    "labels": labels.flatten().tolist(),
    "losses": losses.tolist(),
    "gradient": z.grad.flatten().tolist(),
}
path = pathlib.Path(__file__).with_name("losses.json")
path.write_text(json.dumps(golden) + "\n")
