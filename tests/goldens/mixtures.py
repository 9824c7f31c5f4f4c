#!/usr/bin/env python3
"""Writes mmoe.json and ple.json: small networks in PyTorch (python mixtures.py, needs torch).

They are written as plain loops over single experts, straight from the equations (MMoE: Ma et al., KDD 2018, eqs. 5-8; PLE: Tang et al.,
RecSys 2020, eqs. 2-7), so that they share nothing with the grouped form under test.
"""
import torch
from reference import T, D, linear, record, towers


def mmoe(p, x, experts=3, widths=(4, 3)):
    w1, b1 = p("h.experts_1.weight", experts, D, widths[0]), p("h.experts_1.bias", experts, widths[0])
    w2, b2 = p("h.experts_2.weight", experts, *widths), p("h.experts_2.bias", experts, widths[1])
    gates = p("h.gates.weight", T, D, experts)
    out = [torch.relu(linear(torch.relu(linear(x, w1[e], b1[e])), w2[e], b2[e])) for e in range(experts)]
    streams = []
    for t in range(T):
        g = torch.softmax(x @ gates[t], 1)
        streams.append(sum(g[:, e : e + 1] * out[e] for e in range(experts)))
    return towers(p, streams, widths[1], 2)


def ple(p, x, own=2, shared=1, widths=(4, 3)):
    task_streams, shared_stream, width = [x] * T, x, D
    for level, out_width in enumerate(widths, 1):
        last = level == len(widths)
        wo, bo = p(f"h.level_{level}.own.weight", T * own, width, out_width), p(f"h.level_{level}.own.bias", T * own, out_width)
        ws, bs = p(f"h.level_{level}.shared.weight", shared, width, out_width), p(f"h.level_{level}.shared.bias", shared, out_width)
        gates = p(f"h.level_{level}.gates.weight", T, width, own + shared)
        mine = [[torch.relu(linear(task_streams[t], wo[t * own + j], bo[t * own + j])) for j in range(own)] for t in range(T)]
        common = [torch.relu(linear(shared_stream, ws[j], bs[j])) for j in range(shared)]
        mix = lambda s, w, experts: sum(torch.softmax(s @ w, 1)[:, i : i + 1] * e for i, e in enumerate(experts))
        next_streams = [mix(task_streams[t], gates[t], mine[t] + common) for t in range(T)]
        if not last:
            gate = p(f"h.level_{level}.shared_gate.weight", 1, width, T * own + shared)
            shared_stream = mix(shared_stream, gate[0], [e for group in mine for e in group] + common)
        task_streams, width = next_streams, out_width
    return towers(p, task_streams, widths[-1], 2)


if __name__ == "__main__":
    record("mmoe", mmoe, 1)
    record("ple", ple, 2)
