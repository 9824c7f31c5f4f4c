"""What the goldens are made with: parameters drawn by path, towers, and the record of a network in f64.

A golden holds a small network's input, labels, parameters, logits, losses and gradients. Groups are stored as [members, in, out].
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


def norm(x, scale, offset):
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).mean(1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-5) * scale + offset


def towers(p, streams, width, hidden):
    w1, b1 = p("tower_each.hidden_1.weight", T, width, hidden), p("tower_each.hidden_1.bias", T, hidden)
    w2, b2 = p("tower_each.output.weight", T, hidden, 1), p("tower_each.output.bias", T, 1)
    return torch.cat([linear(torch.relu(linear(streams[t], w1[t], b1[t])), w2[t], b2[t]) for t in range(T)], 1)


def record(name, network, seed, losses_of=None, mean_losses=None, width=D, **more):
    p = Recorder(seed)
    x = (torch.rand(B, width, generator=p.gen) * 2 - 1).requires_grad_()
    labels = torch.randint(0, 2, (B, T), generator=p.gen).double()
    weights = torch.rand(B, T, generator=p.gen) + 0.5
    weights[1, 0] = weights[4, 1] = 0.0  # rows without a label
    logits = network(p, x)
    plain = lambda z, y: torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    if mean_losses:
        losses = mean_losses(logits, labels, weights)
    else:
        each = (losses_of or plain)(logits, labels)
        losses = (each * weights).sum(0) / weights.sum(0)
    losses.sum().backward()
    tensor = lambda t: dict(shape=list(t.shape), data=t.detach().flatten().tolist())
    golden = dict(x=tensor(x), labels=tensor(labels), weights=tensor(weights), logits=tensor(logits), losses=tensor(losses), x_grad=tensor(x.grad),
                  parameters={k: tensor(v) for k, v in p.params.items()}, gradients={k: tensor(v.grad) for k, v in p.params.items()}, **more)
    path = pathlib.Path(__file__).parent / f"{name}.json"
    path.write_text(json.dumps(golden, indent=None) + "\n")
    print(path.name, "losses", losses.tolist())
