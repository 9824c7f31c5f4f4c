//! Cut graphs give the whole gradient: with equal weights a step is the plain one, whatever the sharing and wherever it is cut, embeddings
//! included.

// A warm-up that never ends is the point here.
#![allow(deprecated)]

use mtl_runtime::{Model, mtl};
use mtl_tests::training::fit;
use mtl_tests::{assert_close, trained_values};

/// The same network under the plain sum, and under a method that is never asked and so has equal weights, at both places.
macro_rules! three {
    ($plain:ident, $representation:ident, $parameters:ident: $($body:tt)*) => {
        three!(@ $plain, {}, $($body)*);
        three!(@ $representation, { loss { weighting: pcgrad, warm_up: 1_000 } }, $($body)*);
        three!(@ $parameters, { loss { weighting: pcgrad, at: parameters, warm_up: 1_000 } }, $($body)*);
    };
    (@ $name:ident, { $($loss:tt)* }, $($body:tt)*) => {
        mtl! { model $name {
            features x { a: number, b: number, c: number, u: id(buckets: 20, dim: 5) }
            task one: binary;
            $($body)*
            $($loss)*
            train { batch: 70, epochs: 2, optimizer: sgd(lr: 0.1), embeddings: sgd(lr: 0.1) }
        } }
    };
}

three!(Hard, HardCut, HardAll: task two: binary; let h = mlp(x, [6, 5], dropout: 0.2); tower each = mlp(h, [3]););
three!(Beside, BesideCut, BesideAll: task two: binary; let h = mlp(x, [6]); tower one = concat(h, x); tower two = mlp(h, [3]););
three!(Mixed, MixedCut, MixedAll:
    task two: binary; let h = mmoe(x, experts: 3 * mlp([5])); tower each = mlp(concat(h, x), [3]););
three!(Chosen, ChosenCut, ChosenAll:
    task two: binary; let h = mmoe(x, experts: 4 * mlp([5]), gate: top_k(2)); tower each = mlp(h, [3]););
three!(Layered, LayeredCut, LayeredAll:
    task two: binary;
    let h = ple(x, levels: [level(shared: 2 * mlp([5]), each: 1 * mlp([5])), level(shared: 1 * mlp([4]), each: 1 * mlp([4]))]);
    tower each = mlp(h, [3]););
three!(Fused, FusedCut, FusedAll:
    task two: binary;
    let h = adatt(x, levels: [level(each: 2 * mlp([5]), shared: 1 * mlp([5])), level(each: 1 * mlp([4]), shared: 1 * mlp([4]))]);
    tower each = mlp(h, [3]););
three!(Apart, ApartCut, ApartAll:
    task two: binary; let h = mmoe(x, experts: 3 * mlp([5])); tower one = h; tower two = mlp(concat(h, x), [3]););
three!(Lent, LentCut, LentAll:
    task two: binary;
    let h = stem(x, own: own(x), levels: [level(each: 1 * mlp([4]), shared: 1 * mlp([4]))]); tower each = mlp(h, [3]););
three!(Homely, HomelyCut, HomelyAll:
    task two: binary;
    let h = home(x, categories: [[one], [two]], meta: 2 * mlp([5]), shared: 2 * mlp([4]), category: 1 * mlp([4]), each: 1 * mlp([4]), rank: 2);
    tower each = mlp(h, [3]););
three!(Stitched, StitchedCut, StitchedAll:
    task two: binary; let h = cross_stitch(x, layers: [5, 4]); tower each = h;);
three!(Sluiced, SluicedCut, SluicedAll:
    task two: binary; let h = sluice(x, layers: [4, 4], subspaces: 2, orthogonal: 0.01); tower each = mlp(h, [3]););
three!(Joined, JoinedCut, JoinedAll: task two: binary; let h = nddr(x, layers: [5, 4]); tower each = mlp(h, [3]););
three!(Tied, TiedCut, TiedAll:
    task two: binary; let h = separate(x, mlp([4]), tie: l2(0.1)); tower each = mlp(h, [3]););
three!(Routed, RoutedCut, RoutedAll:
    task two: binary; let h = snr(x, layers: [4], subnets: 2, sparsity: 0.01); tower each = mlp(h, [3]););
three!(Averaged, AveragedCut, AveragedAll:
    task two: binary; let h = snr(x, layers: [4, 3], subnets: 2, route: aver); tower each = mlp(h, [3]););
three!(Searched, SearchedCut, SearchedAll:
    features y { v: id(column: u, buckets: 7, dim: 4), w: id(column: u, buckets: 11, dim: 4) }
    task two: binary; let h = mssm(y, layers: [5, 4], sparsity: 0.001); tower each = mlp(concat(h, x), [3]););
three!(Attended, AttendedCut, AttendedAll: task two: binary; let h = mtan(x, [5, 4]); tower each = mlp(h, [3]););
three!(Related, RelatedCut, RelatedAll:
    features y { v: id(column: u, buckets: 7, dim: 4), w: id(column: u, buckets: 11, dim: 4) }
    task two: binary; let h = mran(y, heads: 2, dim: 4); tower each = mlp(concat(h, x), [3]););
three!(Gated, GatedCut, GatedAll:
    features y { v: id(column: u, buckets: 7, dim: 4), w: id(column: u, buckets: 11, dim: 4) }
    task two: binary; let h = pepnet(x, domain: v, prior: w, layers: [5, 4], gate_hidden: 3); tower each = h;);
three!(Scaled, ScaledCut, ScaledAll:
    features y { w: id(column: u, buckets: 11, dim: 4) }
    task two: binary; let h = poso(x, [5, 4], gate: w); tower each = mlp(h, [3]););
three!(Masked, MaskedCut, MaskedAll:
    task two: binary;
    let h = subnet(x, mlp([6, 5]), masks: magnitude(keep: 0.5, rounds: 1, warm_up: 1, turns: together)); tower each = mlp(h, [3]););
three!(Passed, PassedCut, PassedAll:
    task two: binary; let h = aitm(x, chain: [one, two], width: 4); tower each = h;);
three!(Bayesian, BayesianCut, BayesianAll:
    task two: binary; let g = mlp(x, [5]); let h = dbmtl(g, hidden: [4], relation: [3], relations: [two | one]); tower each = h;);
three!(Given, GivenCut, GivenAll: task two: binary given one; let h = mlp(x, [6]); tower each = mlp(h, [3]););

/// Trains both, and compares every value, tables included.
fn agree<A: Model, B: Model>(name: &str) {
    let (a, b) = (fit::<A>(name, &[]), fit::<B>(name, &[]));
    let (a, b) = (trained_values(&a.predictor), trained_values(&b.predictor));
    assert_eq!(a.len(), b.len());
    assert!(a.keys().any(|path| path.starts_with("table.")));
    for (path, value) in &a {
        assert_close(&format!("{name} {path}"), &b[path], value, 2e-6);
    }
}

/// One test for each network and each place of the cut.
macro_rules! laws {
    ($($name:ident: $plain:ident, $representation:ident, $parameters:ident;)*) => {
        mod at_the_representation {
            $(#[test] fn $name() { super::agree::<super::$plain, super::$representation>(stringify!($name)); })*
        }
        mod at_parameters {
            $(#[test] fn $name() { super::agree::<super::$plain, super::$parameters>(stringify!($name)); })*
        }
    };
}

laws! {
    hard: Hard, HardCut, HardAll;
    beside: Beside, BesideCut, BesideAll;
    mmoe: Mixed, MixedCut, MixedAll;
    top_k: Chosen, ChosenCut, ChosenAll;
    ple: Layered, LayeredCut, LayeredAll;
    adatt: Fused, FusedCut, FusedAll;
    apart: Apart, ApartCut, ApartAll;
    stem: Lent, LentCut, LentAll;
    home: Homely, HomelyCut, HomelyAll;
    cross_stitch: Stitched, StitchedCut, StitchedAll;
    sluice: Sluiced, SluicedCut, SluicedAll;
    nddr: Joined, JoinedCut, JoinedAll;
    tied: Tied, TiedCut, TiedAll;
    snr: Routed, RoutedCut, RoutedAll;
    snr_aver: Averaged, AveragedCut, AveragedAll;
    mssm: Searched, SearchedCut, SearchedAll;
    mtan: Attended, AttendedCut, AttendedAll;
    mran: Related, RelatedCut, RelatedAll;
    pepnet: Gated, GatedCut, GatedAll;
    poso: Scaled, ScaledCut, ScaledAll;
    subnet: Masked, MaskedCut, MaskedAll;
    aitm: Passed, PassedCut, PassedAll;
    dbmtl: Bayesian, BayesianCut, BayesianAll;
    given: Given, GivenCut, GivenAll;
}
