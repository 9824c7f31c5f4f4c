#!/usr/bin/env python3
"""Writes cross_stitch.json, sluice.json, nddr.json and snr.json (python soft.py, needs torch).

Plain loops over tasks and sub-networks, from the equations: cross-stitch (Misra et al., CVPR 2016), sluice (Ruder et al., AAAI 2019), NDDR (Gao
et al., CVPR 2019, with layer norm), SNR-Trans with serving gates (Ma et al., AAAI 2019).
"""
import torch
from reference import D, T, linear, record, towers


def layer(p, path, width, out):
    w, b = p(f"{path}.weight", T, width, out), p(f"{path}.bias", T, out)
    return lambda t, x: torch.relu(linear(x, w[t], b[t]))


def cross_stitch(p, x, widths=(4, 3)):
    streams, width = [x] * T, D
    for l, out in enumerate(widths, 1):
        f, a = layer(p, f"h.hidden_{l}", width, out), p(f"h.stitch_{l}.value", T, T)
        made = [f(t, streams[t]) for t in range(T)]
        streams, width = [sum(a[s, t] * made[t] for t in range(T)) for s in range(T)], out
    return towers(p, streams, width, 2)


def sluice(p, x, width=4, layers=2, parts=2):
    streams, seen, d = [x] * T, [], D
    for l in range(1, layers + 1):
        f, alpha = layer(p, f"h.hidden_{l}", d, width), p(f"h.alpha_{l}.value", T * parts, T * parts)
        pieces = [piece for t in range(T) for piece in f(t, streams[t]).chunk(parts, 1)]
        mixed = [sum(alpha[i, j] * pieces[j] for j in range(T * parts)) for i in range(T * parts)]
        streams, d = [torch.cat(mixed[t * parts : (t + 1) * parts], 1) for t in range(T)], width
        seen.append(streams)
    beta = p("h.beta.value", T, layers)
    return towers(p, [sum(beta[t, l] * seen[l][t] for l in range(layers)) for t in range(T)], width, 2)


def nddr(p, x, widths=(4, 3)):
    streams, width = [x] * T, D
    for l, out in enumerate(widths, 1):
        f = layer(p, f"h.hidden_{l}", width, out)
        w, b = p(f"h.fusion_{l}.weight", T, T * out, out), p(f"h.fusion_{l}.bias", T, out)
        scale, offset = p(f"h.fusion_norm_{l}.scale", T, out), p(f"h.fusion_norm_{l}.offset", T, out)
        u = torch.cat([f(t, streams[t]) for t in range(T)], 1)
        norm = lambda v, t: torch.nn.functional.layer_norm(v, (out,), scale[t], offset[t], 1e-5)
        streams, width = [norm(linear(u, w[t], b[t]), t) for t in range(T)], out
    return towers(p, streams, width, 2)


def snr(p, x, widths=(4, 3), n=3):
    gate = lambda a: torch.clamp(torch.sigmoid(a) * 1.2 - 0.1, 0, 1)
    w, b = p("h.hidden_1.weight", n, D, widths[0]), p("h.hidden_1.bias", n, widths[0])
    u = [torch.relu(linear(x, w[j], b[j])) for j in range(n)]

    def route(part, u, m, width, out):
        z = gate(p(f"h.{part}_log_alpha.value", m, n))
        w, b = p(f"h.{part}.weight", n, width, m * out), p(f"h.{part}_bias.value", m, out)
        return [sum(z[i, j] * (u[j] @ w[j][:, i * out : (i + 1) * out]) for j in range(n)) + b[i] for i in range(m)]

    u = [torch.relu(v) for v in route("route_1", u, n, *widths)]
    return towers(p, route("route_tasks", u, T, widths[1], widths[1]), widths[1], 2)


if __name__ == "__main__":
    for name, network, seed in [("cross_stitch", cross_stitch, 11), ("sluice", sluice, 12), ("nddr", nddr, 13), ("snr", snr, 14)]:
        record(name, network, seed)
