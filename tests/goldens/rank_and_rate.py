#!/usr/bin/env python3
"""Writes rank_and_rate.json: a small network in PyTorch (python rank_and_rate.py, needs torch).

Plain loops, straight from the equations (Rank and Rate: Hadash, Sar Shalom and Osadchy, RecSys 2018; BPR: Rendle et al., UAI 2009, within
groups of rows).
"""
import torch
from reference import linear, record

GROUPS = [7, 3, 7, 3, 7, 3]


def rank_and_rate(p, x, dim=3, width=2):
    user, item = x[:, :2], x[:, 2:]
    one = lambda name, inputs, wide: linear(inputs, p(f"{name}.weight", 1, inputs.shape[1], wide)[0], p(f"{name}.bias", 1, wide)[0])
    u, q, d = one("p.hidden_1", user, dim), one("q.hidden_1", item, dim), one("d.hidden_1", item, dim)
    w, b = p("tower_second.tied_1.weight", 1, dim, width)[0], p("tower_second.tied_1.bias", 1, width)[0]
    rank = [u[i].dot(q[i]) for i in range(len(x))]
    offset = p("tower_second.bias.value", 1, 1)[0, 0]
    rate = [torch.tanh(u[i] @ w + b).dot(torch.tanh((q[i] + d[i]) @ w + b)) + offset for i in range(len(x))]
    return torch.stack([torch.stack(rank), torch.stack(rate)], 1)


def losses(logits, labels, weights):
    total, weight = 0.0, 0.0
    for i in range(len(GROUPS)):
        for j in range(len(GROUPS)):
            if GROUPS[i] == GROUPS[j] and labels[i, 0] == 1 and labels[j, 0] == 0:
                pair = weights[i, 0] * weights[j, 0]
                total, weight = total - pair * torch.log(torch.sigmoid(logits[i, 0] - logits[j, 0])), weight + pair
    square = (logits[:, 1] - labels[:, 1]) ** 2
    return torch.stack([total / weight, (square * weights[:, 1]).sum() / weights[:, 1].sum()])


if __name__ == "__main__":
    record("rank_and_rate", rank_and_rate, 35, mean_losses=losses, groups=GROUPS)
