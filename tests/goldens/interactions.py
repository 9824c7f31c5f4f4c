#!/usr/bin/env python3
"""Writes the goldens of dcn, dcn_low_rank, pepnet and mtan: small networks in PyTorch (python interactions.py, needs torch).

Plain loops over tasks and layers, straight from the equations (DCN-v2: Wang et al., WWW 2021; PEPNet: Chang et al., KDD 2023; MTAN: Liu
et al., CVPR 2019).
"""
import torch
from reference import T, D, linear, record, towers


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


if __name__ == "__main__":
    record("dcn", dcn(None), 11)
    record("dcn_low_rank", dcn(2), 12)
    record("pepnet", pepnet, 13)
    record("mtan", mtan, 14)
