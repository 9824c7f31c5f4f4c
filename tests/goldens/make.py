#!/usr/bin/env python3
"""Writes mmoe.json and ple.json: the same small networks in PyTorch, with their parameters, logits, losses and gradients.

    python make.py          (needs torch)

The networks are written as plain loops over single experts, straight from the equations (MMoE: Ma et al., KDD 2018, eqs. 5-8; PLE: Tang et
al., RecSys 2020, eqs. 2-7), so that they share nothing with the grouped form under test. Groups are stored as [members, in, out], in f64.
"""
import json, pathlib, torch

torch.set_default_dtype(torch.float64)
B, D, TASKS = 6, 5, ["first", "second"]
T = len(TASKS)


class Recorder:
    """Parameters by path, drawn once."""

    def __init__(self, seed):
        self.gen, self.params = torch.Generator().manual_seed(seed), {}

    def __call__(self, path, *shape):
        self.params[path] = (torch.rand(shape, generator=self.gen) * 1.6 - 0.8).requires_grad_()
        return self.params[path]


def linear(x, w, b):
    return x @ w + b


def towers(p, streams, width, hidden):
    w1, b1 = p("tower_each.hidden_1.weight", T, width, hidden), p("tower_each.hidden_1.bias", T, hidden)
    w2, b2 = p("tower_each.output.weight", T, hidden, 1), p("tower_each.output.bias", T, 1)
    return torch.cat([linear(torch.relu(linear(streams[t], w1[t], b1[t])), w2[t], b2[t]) for t in range(T)], 1)


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


def record(name, network, seed):
    p = Recorder(seed)
    x = (torch.rand(B, D, generator=p.gen) * 2 - 1).requires_grad_()
    labels = torch.randint(0, 2, (B, T), generator=p.gen).double()
    weights = torch.rand(B, T, generator=p.gen) + 0.5
    weights[1, 0] = weights[4, 1] = 0.0  # rows without a label
    logits = network(p, x)
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    losses = (each * weights).sum(0) / weights.sum(0)
    losses.sum().backward()
    tensor = lambda t: dict(shape=list(t.shape), data=t.detach().flatten().tolist())
    golden = dict(x=tensor(x), labels=tensor(labels), weights=tensor(weights), logits=tensor(logits), losses=tensor(losses), x_grad=tensor(x.grad),
                  parameters={k: tensor(v) for k, v in p.params.items()}, gradients={k: tensor(v.grad) for k, v in p.params.items()})
    path = pathlib.Path(__file__).parent / f"{name}.json"
    path.write_text(json.dumps(golden, indent=None) + "\n")
    print(path.name, "losses", losses.tolist())


record("mmoe", mmoe, 1)
record("ple", ple, 2)
