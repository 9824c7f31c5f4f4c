//! Parameters of a rank.

use super::super::{Sink, options};
use crate::ast::{self, BinaryOp, ExprKind, Name};
use crate::diagnostic::diagnostic;
use crate::hir::Param;
use crate::resolve::{Names, check_style};
use crate::schema::Range;

/// Any number.
const REAL: Range =
    Range { whole: false, low: f64::MIN, low_included: true, high: f64::MAX, high_included: true, words: "a number" };

/// Reports the name of a parameter or part that is not free.
pub(super) fn check_name(names: &Names<'_>, name: &Name, what: &str, sink: &mut Sink) {
    check_style(name, sink);
    if let Some((declared, at)) = names.find(&name.text) {
        sink.push(diagnostic!(
            DuplicateName, name.span, "`{}` is declared twice", name.text;
            label(at): "first declared here, as {}", declared.noun(); help: "give {what} a name of its own"
        ));
    }
}

/// A parameter with its interval.
pub(super) fn check(names: &Names<'_>, param: &ast::Param, sink: &mut Sink) -> Option<Param> {
    check_name(names, &param.name, "the parameter", sink);
    let default = options::number("a default", REAL, &param.default, sink);
    let ExprKind::Binary(BinaryOp::Range, low, high) = &param.interval.kind else {
        sink.push(diagnostic!(
            WrongArgument, param.interval.span, "a parameter lies in an interval, found {}", param.interval.describe();
            help: "write `in 0.0..1.0`"
        ));
        return None;
    };
    let (low, high) = (options::number("an end", REAL, low, sink), options::number("an end", REAL, high, sink));
    let (default, low, high) = (default?, low?, high?);
    if low.value > high.value {
        sink.push(diagnostic!(
            ParamInterval, param.interval.span, "this interval is empty: {} is above {}", low.value, high.value;
            help: "write the least value first"
        ));
        return None;
    }
    if default.value < low.value || default.value > high.value {
        sink.push(diagnostic!(
            ParamInterval, default.span, "the default {} is outside {}..{}", default.value, low.value, high.value;
            label(param.interval.span): "the interval"
        ));
        return None;
    }
    Some(Param { name: param.name.clone(), docs: param.docs.clone(), default, low, high, request: param.request })
}
