#!/usr/bin/env python3
"""Writes distill.json: CrossDistil on a shared layer with two towers, in PyTorch (python distill.py, needs torch).

Plain loops over pairs of rows, straight from the paper (Yang, Pan, Gao et al., AAAI 2022, sections 3.2 to 3.4): quadruplet ranking of the
augmented tasks, Platt scaling of detached scores, error correction, soft labels. Scaling numbers are drawn away from their start, and move
ten times as fast as they are stored.
"""
import json, math, pathlib, torch
import torch.nn.functional as F
from reference import D, T, TASKS, Recorder, linear

B, TAU, SHARE, MARGIN, HIDDEN = 11, 1.7, 0.35, -0.4, 3


def tower(p, name, h, members):
    w1, b1 = p(f"{name}.hidden_1.weight", members, HIDDEN, 2), p(f"{name}.hidden_1.bias", members, 2)
    w2, b2 = p(f"{name}.output.weight", members, 2, 1), p(f"{name}.output.bias", members, 1)
    return [linear(torch.relu(linear(h, w1[t], b1[t])), w2[t], b2[t])[:, 0] for t in range(members)]


def ranking(score, first, second, weight, counts):
    cells = []
    for a, b in ((1, 1), (1, 0), (0, 1), (0, 0)):
        rows = [i for i in range(B) if counts[i] and first[i] == a and second[i] == b]
        if rows:
            cells.append(rows)
    total = 0.0
    for better, worse in zip(cells, cells[1:]):
        terms = [(weight[i] * weight[j], F.softplus(score[j] - score[i])) for i in better for j in worse]
        total = total + sum(w * t for w, t in terms) / sum(w for w, _ in terms)
    return total


def mean(values, weight):
    return (values * weight).sum() / weight.sum()


def main():
    p = Recorder(31)
    x = (torch.rand(B, D, generator=p.gen) * 2 - 1).requires_grad_()
    labels = torch.tensor([[1, 1], [1, 0], [0, 1], [0, 0], [1, 0], [0, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]], dtype=torch.float64)
    weights = torch.rand(B, T, generator=p.gen) + 0.5
    weights[3, 0] = weights[9, 1] = 0.0  # rows without a label of one task
    h = torch.relu(linear(x, p("h.hidden_1.weight", 1, D, HIDDEN)[0], p("h.hidden_1.bias", 1, HIDDEN)[0]))
    logits = tower(p, "tower_each", h, T)
    both = (weights > 0).all(1)
    teachers, calibrations, students = [], [], []
    for t in range(T):
        name = f"tower_{TASKS[t]}_then_{TASKS[1 - t]}"
        score = tower(p, name, h, 1)[0]
        y, w = labels[:, t], weights[:, t]
        teachers.append(ranking(score, y, labels[:, 1 - t], w, both))
        raw = p(f"{name}_calibration.numbers.value", 1, 2)[0] * 10
        scaled = F.softplus(raw[0] + math.log(math.e - 1)) * score.detach() + raw[1]
        bce = F.binary_cross_entropy_with_logits
        calibrations.append(mean(bce(scaled, y, reduction="none"), w))
        margin = torch.full_like(scaled, MARGIN)
        corrected = y * torch.maximum(scaled, margin) + (1 - y) * torch.minimum(scaled, margin)
        soft = torch.sigmoid(corrected / TAU).detach()
        hard_loss = mean(bce(logits[t], y, reduction="none"), w)
        soft_loss = mean(bce(logits[t] / TAU, soft, reduction="none"), w)
        students.append((1 - SHARE) * hard_loss + SHARE * soft_loss)
    (sum(students) + sum(teachers) + sum(calibrations)).backward()
    tensor = lambda t: dict(shape=list(t.shape), data=t.detach().flatten().tolist())
    golden = dict(x=tensor(x), labels=tensor(labels), weights=tensor(weights), logits=tensor(torch.stack(logits, 1)), losses=tensor(torch.stack(students)),
                  beside=[value.item() for pair in zip(teachers, calibrations) for value in pair], x_grad=tensor(x.grad),
                  parameters={k: tensor(v) for k, v in p.params.items()}, gradients={k: tensor(v.grad) for k, v in p.params.items()})
    path = pathlib.Path(__file__).parent / "distill.json"
    path.write_text(json.dumps(golden, indent=None) + "\n")
    print(path.name, golden["losses"]["data"], golden["beside"])


if __name__ == "__main__":
    main()
