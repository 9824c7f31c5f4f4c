#!/usr/bin/env python3
"""Writes teacher.json: a shared layer with three towers that learns from labels and from a saved model, in PyTorch (python teacher.py, needs torch).

Distillation as written by Hinton, Vinyals and Dean (2015): tau^2 times the divergence of the student's probability from the teacher's, both under
the temperature. The cross-entropy that is recorded differs from it by the teacher's entropy alone, which the gradients show. The second task is
conditional on the first, and its probability is the product; the third is a number, and learns by the squared error.
"""
import json, pathlib, torch
import torch.nn.functional as F
from distill import mean, tower
from reference import D, Recorder, linear

B, TAU, SHARE, HIDDEN, TASKS = 9, 1.7, 0.35, 3, 3


def losses(logits, labels, weights, said, divergence):
    z = logits
    odds = [z[0], torch.logit(torch.sigmoid(z[0]) * torch.sigmoid(z[1]))]
    found = []
    for t in range(2):
        hard = F.binary_cross_entropy(torch.sigmoid(odds[t]), labels[:, t], reduction="none")
        soft = torch.sigmoid(said[:, t] / TAU)
        distance = F.binary_cross_entropy_with_logits(odds[t] / TAU, soft, reduction="none")
        if divergence:
            distance = distance - F.binary_cross_entropy(soft, soft, reduction="none")
        found.append((1 - SHARE) * mean(hard, weights[:, t]) + SHARE * TAU**2 * mean(distance, weights[:, t]))
    hard, soft = (z[2] - torch.log1p(labels[:, 2])) ** 2, (z[2] - said[:, 2]) ** 2
    found.append((1 - SHARE) * mean(hard, weights[:, 2]) + SHARE * mean(soft, weights[:, 2]))
    return torch.stack(found)


def main():
    p = Recorder(37)
    x = (torch.rand(B, D, generator=p.gen) * 2 - 1).requires_grad_()
    labels = torch.randint(0, 2, (B, TASKS), generator=p.gen).double()
    labels[:, 1] *= labels[:, 0]
    labels[:, 2] = torch.rand(B, generator=p.gen) * 9
    weights = torch.rand(B, TASKS, generator=p.gen) + 0.5
    weights[3, 0] = weights[5, 1] = weights[7, 2] = 0.0  # rows without a label
    said = torch.rand(B, TASKS, generator=p.gen) * 6 - 3
    h = torch.relu(linear(x, p("h.hidden_1.weight", 1, D, HIDDEN)[0], p("h.hidden_1.bias", 1, HIDDEN)[0]))
    logits = tower(p, "tower_each", h, TASKS)
    ours = losses(logits, labels, weights, said, False)
    theirs = torch.autograd.grad(losses(logits, labels, weights, said, True).sum(), list(p.params.values()), retain_graph=True)
    ours.sum().backward()
    for value, gradient in zip(p.params.values(), theirs):
        assert torch.allclose(value.grad, gradient, atol=1e-12)
    tensor = lambda t: dict(shape=list(t.shape), data=t.detach().flatten().tolist())
    golden = dict(x=tensor(x), labels=tensor(labels), weights=tensor(weights), logits=tensor(torch.stack(logits, 1)), losses=tensor(ours), said=tensor(said),
                  x_grad=tensor(x.grad), parameters={k: tensor(v) for k, v in p.params.items()}, gradients={k: tensor(v.grad) for k, v in p.params.items()})
    path = pathlib.Path(__file__).parent / "teacher.json"
    path.write_text(json.dumps(golden, indent=None) + "\n")
    print(path.name, golden["losses"]["data"])


if __name__ == "__main__":
    main()
