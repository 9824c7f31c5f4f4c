#!/usr/bin/env python3
"""Writes aitm.json, esmm.json and dbmtl.json: small networks of dependent tasks in PyTorch (python dependent.py, needs torch).

Plain loops, straight from the equations (AITM: Xi et al., KDD 2021, section 3.3; ESMM: Ma et al., SIGIR 2018, eq. 3; DBMTL: Wang et al.,
2019, section 3).
"""
import torch
from reference import T, D, TASKS, linear, record, towers


def aitm(p, x, hidden=4, width=3):
    w1, b1 = p("h.own_1.weight", T, D, hidden), p("h.own_1.bias", T, hidden)
    w2, b2 = p("h.own_2.weight", T, hidden, width), p("h.own_2.bias", T, width)
    bottoms = [torch.relu(linear(torch.relu(linear(x, w1[t], b1[t])), w2[t], b2[t])) for t in range(T)]
    z = [bottoms[0]]
    for t in range(1, T):
        name = TASKS[t]
        wg, bg = p(f"h.{name}_transfer.weight", 1, width, width), p(f"h.{name}_transfer.bias", 1, width)
        q, k, v = (p(f"h.{name}_{part}.weight", 1, width, width)[0] for part in ("query", "key", "value"))
        passed = torch.relu(linear(z[-1], wg[0], bg[0]))
        pair = [passed, bottoms[t]]
        score = torch.stack([((u @ q) * (u @ k)).sum(1) / width**0.5 for u in pair], 1)
        weight = torch.softmax(score, 1)
        z.append(sum(weight[:, i : i + 1] * (u @ v) for i, u in enumerate(pair)))
    return towers(p, z, width, 2)


def dbmtl(p, x, hidden=4, relation=3):
    w, b = p("h.own_1.weight", T, D, hidden), p("h.own_1.bias", T, hidden)
    own = [torch.relu(linear(x, w[t], b[t])) for t in range(T)]
    found = {}
    for name, before in ((TASKS[1], []), (TASKS[0], [TASKS[1]])):  # the first task is given the second
        wide = hidden + relation * len(before)
        wr, br = p(f"h.{name}_relation_1.weight", 1, wide, relation), p(f"h.{name}_relation_1.bias", 1, relation)
        known = torch.cat([own[TASKS.index(name)]] + [found[other] for other in before], 1)
        found[name] = torch.relu(linear(known, wr[0], br[0]))
    return towers(p, [found[name] for name in TASKS], relation, 2)


def esmm(p, x):
    return towers(p, [x, x], D, 3)


def entire_space(logits, labels):
    ctr, cvr = torch.sigmoid(logits[:, 0]), torch.sigmoid(logits[:, 1])
    bce = torch.nn.functional.binary_cross_entropy
    return torch.stack([bce(ctr, labels[:, 0], reduction="none"), bce(ctr * cvr, labels[:, 1], reduction="none")], 1)


if __name__ == "__main__":
    record("aitm", aitm, 21)
    record("esmm", esmm, 22, entire_space)
    record("dbmtl", dbmtl, 23)
