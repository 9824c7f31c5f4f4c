//! `warm_up` of `loss` and `distill`, which ends before training does.

use super::{Sink, subnets};
use crate::diagnostic::diagnostic;
use crate::hir::Model;
use crate::resolve::Names;

/// Reports a warm-up that is all of training.
pub(super) fn check(model: &Model, names: &Names<'_>, sink: &mut Sink) {
    // The search for masks has epochs of its own.
    if model.lets.iter().any(|binding| !subnets::calls(&binding.value).is_empty()) {
        return;
    }
    let train = &model.train;
    let epochs = match train.stages.is_empty() {
        true => train.epochs.value,
        false => train.stages.iter().map(|stage| stage.epochs.value).sum(),
    };
    let blocks =
        [(names.loss, "the weighting never acts"), (names.distill, "the share of the teachers never reaches `weight`")];
    for (block, then) in blocks {
        let entries = block.map_or(&[][..], |block| &block.entries);
        let Some(entry) = entries.iter().find(|entry| entry.name.text == "warm_up") else { continue };
        if entry.value.as_number().is_some_and(|warm_up| warm_up >= epochs) {
            let word = if epochs == 1.0 { "epoch" } else { "epochs" };
            sink.push(diagnostic!(
                EndlessWarmUp, entry.value.span, "training has {epochs} {word}, so that {then}";
                help: "lower `warm_up`, or raise the `epochs` of `train`"
            ));
        }
    }
}
