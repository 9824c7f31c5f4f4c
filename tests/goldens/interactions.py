#!/usr/bin/env python3
"""Writes the goldens of dcn, dcn_low_rank, pepnet, mtan, fwfm, masknet, masknet_serial and mran: small networks in PyTorch (python
interactions.py, needs torch).

Plain loops over tasks and layers, straight from the equations (DCN-v2: Wang et al., WWW 2021; PEPNet: Chang et al., KDD 2023; MTAN: Liu
et al., CVPR 2019; MT-FwFM: Pan et al., KDD 2019; MaskNet: Wang et al., DLP-KDD 2021; MRAN: after Zhao et al., KDD 2019).
"""
import torch
from reference import T, D, linear, norm, record, towers


def dcn(rank):
    def network(p, x, layers=2):
        h = x
        for layer in range(1, layers + 1):
            if rank:
                v = p(f"h.down_{layer}.weight", 1, D, rank)
            w, b = p(f"h.cross_{layer}.weight", 1, rank or D, D), p(f"h.cross_{layer}.bias", 1, D)
            h = x * linear(h @ v[0] if rank else h, w[0], b[0]) + h
        return towers(p, [h] * T, D, 2)

    return network


def pepnet(p, x, widths=(4, 3), hidden=3):
    def gate(path, members, member, read, width, params={}):
        if path not in params:
            params[path] = (p(f"h.{path[0]}_hidden{path[1]}.weight", members, read.shape[1], hidden), p(f"h.{path[0]}_hidden{path[1]}.bias", members, hidden),
                            p(f"h.{path[0]}{path[1]}.weight", members, hidden, width), p(f"h.{path[0]}{path[1]}.bias", members, width))
        w1, b1, w2, b2 = (param[member] for param in params[path])
        return 2 * torch.sigmoid(linear(torch.relu(linear(read, w1, b1)), w2, b2))

    domain, prior = x[:, :1], x[:, 1:3]
    embedding = gate(("domain_gate", ""), 1, 0, torch.cat([domain, x.detach()], 1), D) * x
    read = torch.cat([prior, embedding.detach()], 1)
    streams, width = [embedding] * T, D
    for layer, out in enumerate(widths, 1):
        w, b = p(f"h.hidden_{layer}.weight", T, width, out), p(f"h.hidden_{layer}.bias", T, out)
        streams = [torch.relu(linear(gate(("gate", f"_{layer}"), T, t, read, width) * streams[t], w[t], b[t])) for t in range(T)]
        width = out
    return towers(p, streams, width, 2)


def mtan(p, x, widths=(4, 3)):
    trunk, taken, width = x, None, D
    for layer, out in enumerate(widths, 1):
        w, b = p(f"h.trunk_{layer}.weight", 1, width, out), p(f"h.trunk_{layer}.bias", 1, out)
        trunk = torch.relu(linear(trunk, w[0], b[0]))
        read = [trunk] * T if taken is None else [torch.cat([trunk, taken[t]], 1) for t in range(T)]
        w1, b1 = p(f"h.mask_hidden_{layer}.weight", T, read[0].shape[1], out), p(f"h.mask_hidden_{layer}.bias", T, out)
        w2, b2 = p(f"h.mask_{layer}.weight", T, out, out), p(f"h.mask_{layer}.bias", T, out)
        mask = [torch.sigmoid(linear(torch.relu(linear(read[t], w1[t], b1[t])), w2[t], b2[t])) for t in range(T)]
        taken, width = [mask[t] * trunk for t in range(T)], out
    return towers(p, taken, width, 2)


FIELDS, WIDTH = 3, 2


def fields_of(x):
    return [x[:, f * WIDTH : (f + 1) * WIDTH] for f in range(FIELDS)]


def fwfm(p, x):
    e = fields_of(x)
    pairs = [(e[i] * e[j]).sum(1, keepdim=True) for i in range(FIELDS) for j in range(i + 1, FIELDS)]
    terms = torch.cat(e + pairs, 1)
    w, b = p("tower_each.output.weight", T, terms.shape[1], 1), p("tower_each.output.bias", T, 1)
    return torch.cat([linear(terms, w[t], b[t]) for t in range(T)], 1)


def masknet(serial):
    def network(p, x, hidden=4, blocks=2, ratio=2):
        scale, offset = p("h.embedding_norm_1.scale", FIELDS, WIDTH), p("h.embedding_norm_1.offset", FIELDS, WIDTH)
        below = torch.cat([norm(e, scale[f], offset[f]) for f, e in enumerate(fields_of(x))], 1)
        d, inner = FIELDS * WIDTH, ratio * FIELDS * WIDTH

        def layer(number, members, width):
            shapes = [("mask_hidden", d, inner), ("mask", inner, width), ("block", width, hidden)]
            maps = [(p(f"h.{part}_{number}.weight", members, a, b), p(f"h.{part}_{number}.bias", members, b)) for part, a, b in shapes]
            return maps, p(f"h.block_norm_{number}.scale", members, hidden), p(f"h.block_norm_{number}.offset", members, hidden)

        def block(params, member, below):
            ((w1, b1), (w2, b2), (w3, b3)), scale, offset = params
            mask = linear(torch.relu(linear(x, w1[member], b1[member])), w2[member], b2[member])
            return torch.relu(norm(linear(mask * below, w3[member], b3[member]), scale[member], offset[member]))

        if serial:
            for number in range(1, blocks + 1):
                below = block(layer(number, 1, below.shape[1]), 0, below)
        else:
            params = layer(1, blocks, d)
            below = torch.cat([block(params, member, below) for member in range(blocks)], 1)
        return towers(p, [below] * T, below.shape[1], 2)

    return network


def mran(p, x, dim=4, heads=2):
    def attended(part, vectors):
        """Each vector of a list of [B, dim] with what it takes from all of them, normed."""
        q, k, v = (p(f"h.{part}_{of}.weight", 1, dim, dim)[0] for of in ["queries", "keys", "values"])
        scale, offset = p(f"h.{part}_norm_1.scale", len(vectors), dim), p(f"h.{part}_norm_1.offset", len(vectors), dim)
        share, results = dim // heads, []
        for i, a in enumerate(vectors):
            parts = []
            for h in range(heads):
                cut = slice(h * share, (h + 1) * share)
                scores = torch.stack([((a @ q)[:, cut] * (b @ k)[:, cut]).sum(1) / share**0.5 for b in vectors], 1)
                weights = torch.softmax(scores, 1)
                parts.append(sum(weights[:, j : j + 1] * (b @ v)[:, cut] for j, b in enumerate(vectors)))
            results.append(norm(a + torch.cat(parts, 1), scale[i], offset[i]))
        return results

    embeddings = p("h.tasks.value", T, dim)
    w, b = p("h.fields.weight", 1, WIDTH, dim), p("h.fields.bias", 1, dim)
    fields = [linear(e, w[0], b[0]) for e in fields_of(x)]
    tasks = attended("task", [embeddings[t].expand(x.shape[0], dim) for t in range(T)])
    fields = attended("field", fields)
    align, streams = p("h.align.weight", 1, dim, dim), []
    for t in range(T):
        weights = torch.softmax(torch.stack([((tasks[t] @ align[0]) * e).sum(1) for e in fields], 1), 1)
        streams.append(torch.cat([(1 + weights[:, f : f + 1]) * e for f, e in enumerate(fields)], 1))
    return towers(p, streams, FIELDS * dim, 2)


if __name__ == "__main__":
    record("dcn", dcn(None), 11)
    record("dcn_low_rank", dcn(2), 12)
    record("pepnet", pepnet, 13)
    record("mtan", mtan, 14)
    for name, network, seed in [("fwfm", fwfm, 15), ("masknet", masknet(False), 16), ("masknet_serial", masknet(True), 17), ("mran", mran, 18)]:
        record(name, network, seed, width=FIELDS * WIDTH)
