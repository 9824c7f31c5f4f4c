#!/usr/bin/env python3
"""Writes adatt.json, stem.json and mmoe_top_k.json: small networks in PyTorch (python experts.py, needs torch).

Plain loops over single experts, straight from the equations (AdaTT: Li et al., KDD 2023; STEM: Su et al., AAAI 2024; sparse gates:
Shazeer et al., ICLR 2017).
"""
import torch
from reference import T, D, linear, record, towers


def group(p, path, n, a, b):
    return p(f"{path}.weight", n, a, b), p(f"{path}.bias", n, b)


def both(p, at, own, shared, a, b):
    """Own experts, then shared ones."""
    own, shared = group(p, f"{at}_own_1", own, a, b), group(p, f"{at}_shared_1", shared, a, b)
    return torch.cat([own[0], shared[0]]), torch.cat([own[1], shared[1]])


def mix(weights, experts):
    return sum(weights[:, i : i + 1] * expert for i, expert in enumerate(experts))


def adatt(p, x, levels=((2, 2, 4), (1, 1, 3))):
    streams, common, width = [x] * T, x, D
    for level, (own, shared, out) in enumerate(levels, 1):
        at, last = f"h.level_{level}", level == len(levels)
        w, b = both(p, at, T * own, shared, width, out)
        gw, gb = group(p, f"{at}_gates", T, width, T * own + shared)
        c = p(f"{at}_own_weights.value", T, own) if own > 1 else torch.ones(T, own)
        mine = [[torch.relu(linear(streams[t], w[t * own + j], b[t * own + j])) for j in range(own)] for t in range(T)]
        theirs = [torch.relu(linear(common, w[T * own + j], b[T * own + j])) for j in range(shared)]
        every = [e for experts in mine for e in experts] + theirs
        new = [mix(torch.softmax(linear(streams[t], gw[t], gb[t]), 1), every) + sum(c[t, j] * mine[t][j] for j in range(own)) for t in range(T)]
        if not last:
            sw, sb = group(p, f"{at}_shared_gate", 1, width, T * own + shared)
            sc = p(f"{at}_shared_weights.value", 1, shared) if shared > 1 else torch.ones(1, shared)
            common = mix(torch.softmax(linear(common, sw[0], sb[0]), 1), every) + sum(sc[0, j] * theirs[j] for j in range(shared))
        streams, width = new, out
    return towers(p, streams, width, 2)


def stem(p, x, levels=((1, 2, 4), (1, 1, 3)), hidden=3):
    w, b = group(p, "o.experts_1", 2, D, D)
    g = p("o.gates.weight", T, D, 2)
    out = [torch.relu(linear(x, w[e], b[e])) for e in range(2)]
    streams, common, width = [mix(torch.softmax(x @ g[t], 1), out) for t in range(T)], x, D
    for level, (own, shared, out) in enumerate(levels, 1):
        at, last, n = f"h.level_{level}", level == len(levels), T * own + shared
        w, b = both(p, at, T * own, shared, width, out)
        g1w, g1b = group(p, f"{at}_gates_1", T, width, hidden)
        g2w, g2b = group(p, f"{at}_gates", T, hidden, n)
        mine = [[torch.relu(linear(streams[t], w[t * own + j], b[t * own + j])) for j in range(own)] for t in range(T)]
        theirs = [torch.relu(linear(common, w[T * own + j], b[T * own + j])) for j in range(shared)]
        new = []
        for t in range(T):
            logits = linear(torch.relu(linear(streams[t] + common, g1w[t], g1b[t])), g2w[t], g2b[t])
            foreign = [e.detach() for s in range(T) if s != t for e in mine[s]]
            new.append(mix(torch.softmax(logits, 1), mine[t] + theirs + foreign))
        if not last:
            s1w, s1b = group(p, f"{at}_shared_gate_1", 1, width, hidden)
            s2w, s2b = group(p, f"{at}_shared_gate", 1, hidden, n)
            logits = linear(torch.relu(linear(common, s1w[0], s1b[0])), s2w[0], s2b[0])
            common = mix(torch.softmax(logits, 1), [e for experts in mine for e in experts] + theirs)
        streams, width = new, out
    return towers(p, streams, width, 2)


def mmoe_top_k(p, x, experts=4, k=2, bottom=4, width=3):
    w, b = group(p, "s.hidden_1", 1, D, bottom)
    s = torch.relu(linear(x, w[0], b[0]))
    w, b = group(p, "h.experts_1", experts, bottom, width)
    gates = p("h.gates.weight", T, D, experts)
    out = [torch.relu(linear(s, w[e], b[e])) for e in range(experts)]
    streams = []
    for t in range(T):
        logits = x @ gates[t]
        least = logits.topk(k, 1).values[:, -1:]
        streams.append(mix(torch.softmax(logits.masked_fill(logits < least, -torch.inf), 1), out))
    return towers(p, streams, width, 2)


if __name__ == "__main__":
    record("adatt", adatt, 11)
    record("stem", stem, 12)
    record("mmoe_top_k", mmoe_top_k, 13)
