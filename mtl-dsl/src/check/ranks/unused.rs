//! What a rank declares and its score does not read.

use super::super::Sink;
use crate::diagnostic::diagnostic;
use crate::hir::{Rank, ScoreExpr, ScoreKind};

/// Reports what the score does not read, and leaves such parts out.
pub(super) fn left_out(mut rank: Rank, sink: &mut Sink) -> Rank {
    let (mut params, mut lets) = (vec![false; rank.params.len()], vec![false; rank.lets.len()]);
    mark(&rank.score, &mut params, &mut lets);
    for at in (0..rank.lets.len()).rev() {
        if lets[at] {
            mark(&rank.lets[at].value, &mut params, &mut lets);
        }
    }
    for (param, _) in rank.params.iter().zip(params).filter(|(_, read)| !read) {
        sink.push(diagnostic!(
            UnusedParam, param.name.span, "`{}` does not read `{}`", rank.name.text, param.name.text;
            help: "use it in the score, or remove it"
        ));
    }
    for (part, _) in rank.lets.iter().zip(&lets).filter(|(_, read)| !**read) {
        sink.push(diagnostic!(
            UnusedLet, part.name.span, "`{}` does not read `{}`", rank.name.text, part.name.text;
            help: "use it in the score, or remove it"
        ));
    }
    let places: Vec<usize> =
        lets.iter().scan(0, |next, read| Some(std::mem::replace(next, *next + usize::from(*read)))).collect();
    let mut read = lets.into_iter();
    rank.lets.retain(|_| read.next().unwrap_or(true));
    let parts = rank.lets.iter_mut().map(|part| &mut part.value);
    parts.chain([&mut rank.score]).for_each(|score| renumber(score, &places));
    rank
}

/// Marks the parameters and parts that a score reads.
fn mark(score: &ScoreExpr, params: &mut [bool], lets: &mut [bool]) {
    score.visit(&mut |node| match node.kind {
        ScoreKind::Param(param) => params[param] = true,
        ScoreKind::Let(part) => lets[part] = true,
        _ => {}
    });
}

/// Puts the parts of a score at new places.
fn renumber(score: &mut ScoreExpr, places: &[usize]) {
    match &mut score.kind {
        ScoreKind::Let(part) => *part = places[*part],
        ScoreKind::Negate(operand) | ScoreKind::Default(_, operand) => renumber(operand, places),
        ScoreKind::Binary(_, left, right) => {
            renumber(left, places);
            renumber(right, places);
        }
        ScoreKind::If { left, right, then, otherwise, .. } => {
            for part in [left, right, then, otherwise] {
                renumber(part, places);
            }
        }
        ScoreKind::Call(_, arguments) => arguments.iter_mut().for_each(|argument| renumber(argument, places)),
        _ => {}
    }
}
