#!/usr/bin/env python3
"""Writes dselect_k.json, home.json, home_of_one_category.json and mssm.json: small networks in PyTorch (python gates.py, needs torch).

Plain loops over single experts, straight from the equations (DSelect-k: Hazimeh et al., NeurIPS 2021; HoME: Wang et al., 2024, with layer
norm; MSSM: Ding et al., SIGIR 2021, with gates that are sure).
"""
import torch
from experts import group, mix
from reference import T, D, linear, norm, record, towers


def smooth_step(t, gamma):
    inside = -2 * t**3 / gamma**3 + 3 * t / (2 * gamma) + 0.5
    return torch.where(t <= -gamma / 2, torch.zeros_like(t), torch.where(t >= gamma / 2, torch.ones_like(t), inside))


def dselect_k(p, x, experts=3, k=2, bits=2, gamma=2.5, width=4):
    w, b = group(p, "h.experts_1", experts, D, width)
    out = [torch.relu(linear(x, w[e], b[e])) for e in range(experts)]
    codes, weights = p("h.gates_codes.weight", T, D, k * bits), p("h.gates_weights.weight", T, D, k)
    streams = []
    for t in range(T):
        step = smooth_step(x @ codes[t], gamma)
        share = torch.softmax(x @ weights[t], 1)
        gate = []
        for j in range(experts):
            q = 0
            for i in range(k):
                r = 1
                for bit in range(bits):
                    s = step[:, i * bits + bit]
                    r = r * (s if (j >> bit) & 1 else 1 - s)
                q = q + share[:, i] * r
            gate.append(q)
        streams.append(mix(torch.stack(gate, 1), out))
    return towers(p, streams, width, 2)


def sure(logits):
    """The weights of a self gate."""
    return torch.softmax(logits, 1) if logits.shape[1] > 1 else torch.sigmoid(logits)


def experts_of(p, part, inputs, count, width, rank=2):
    """For each group of experts on its input: the experts' outputs."""
    d, groups = inputs[0].shape[1], len(inputs)
    down, up = p(f"h.{part}feature_down.weight", groups, d, rank), p(f"h.{part}feature_up.weight", groups, rank, d)
    w, b = group(p, f"h.{part}experts_1", groups * count, d, width)
    scale, offset = p(f"h.{part}experts_norm_1.scale", groups * count, width), p(f"h.{part}experts_norm_1.offset", groups * count, width)
    outputs = []
    for g, v in enumerate(inputs):
        read = v * 2 * torch.sigmoid(v @ down[g] @ up[g])
        normed = [norm(linear(read, w[e], b[e]), scale[e], offset[e]) for e in range(g * count, (g + 1) * count)]
        outputs.append([z * torch.sigmoid(z) for z in normed])
    return outputs


def home(categories, meta=2, shared=1, category=2, each=1, low=4, high=3):
    def network(p, x):
        c = len(categories)
        of_all = experts_of(p, "meta_shared_", [x], meta, low)[0]
        of_category = experts_of(p, "meta_", [x] * c, meta, low)
        again, gate = p("h.meta_shared_self_gate.weight", 1, D, meta), p("h.meta_shared_gate.weight", 1, D, meta)
        z_shared = mix(torch.softmax(x @ gate[0], 1), of_all) + mix(sure(x @ again[0]), of_all)
        again, gate = p("h.meta_self_gate.weight", c, D, meta), p("h.meta_gates.weight", c, D, 2 * meta)
        z = [mix(torch.softmax(x @ gate[i], 1), of_category[i] + of_all) + mix(sure(x @ again[i]), of_category[i]) for i in range(c)]

        both = [torch.cat([z_shared, z[i]], 1) for i in range(c)]
        place = [next(i for i in range(c) if t in categories[i]) for t in range(T)]
        own = experts_of(p, "", [both[place[t]] for t in range(T)], each, high)
        of_all = experts_of(p, "shared_", [z_shared], shared, high)[0]
        of_category = experts_of(p, "category_", both, category, high)
        again, gate = p("h.self_gate.weight", T, 2 * low, each), p("h.gates.weight", T, 2 * low, each + shared + category)
        streams = []
        for t in range(T):
            v = both[place[t]]
            mixed = mix(torch.softmax(v @ gate[t], 1), own[t] + of_all + of_category[place[t]])
            streams.append(mixed + mix(sure(v @ again[t]), own[t]))
        return towers(p, streams, high, 2)

    return network


def mssm(p, x, fields=5, widths=(4, 3)):
    def gates(path, *shape):
        """Logits so far from 0 that a draw changes nothing."""
        logits = p(path, *shape)
        logits.data = torch.where(logits.data > -0.3, 40.0, -40.0)
        return torch.clamp(torch.sigmoid(logits) * 1.2 - 0.1, 0, 1)

    read = [x[:, f : f + 1] for f in range(fields)]
    w = p("h.fields.weight", T * fields, 1, widths[0])
    z, b = gates("h.fields_log_alpha.value", T, fields), p("h.fields_bias.value", T, widths[0])
    u = [torch.relu(sum(z[t, f] * (read[f] @ w[t * fields + f]) for f in range(fields)) + b[t]) for t in range(T)]
    w = p("h.cells_2.weight", T * T, *widths)
    z, b = gates("h.cells_2_log_alpha.value", T * T, widths[1]), p("h.cells_2_bias.value", T, widths[1])
    u = [torch.relu(sum(z[t * T + s] * (u[s] @ w[t * T + s]) for s in range(T)) + b[t]) for t in range(T)]
    return towers(p, u, widths[1], 2)


if __name__ == "__main__":
    record("dselect_k", dselect_k, 21)
    record("home", home([[1], [0]]), 22)
    record("home_of_one_category", home([[0, 1]]), 23)
    record("mssm", mssm, 24)
