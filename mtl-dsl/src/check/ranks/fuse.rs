//! `fuse(mlp([16]), on: [click, like], target: buy)`: a score that is learned.

use super::super::inputs::OF_TASKS;
use super::super::{Sink, options};
use super::Scope;
use crate::ast::{BinaryOp, Call, Expr, ExprKind};
use crate::diagnostic::diagnostic;
use crate::hir::{Fusion, Number, Rank, ScoreExpr, ScoreInput, ScoreKind, TaskId, TaskKind};
use crate::resolve::Declared;
use crate::schema::functions::{FUSE, WIDEST};
use crate::suggest::did_you_mean;

impl Scope<'_> {
    /// A rank that is learned.
    pub(super) fn fused(&self, call: &Call, sink: &mut Sink) -> Option<Rank> {
        let rank = self.rank;
        let errors = sink.len();
        for name in self.locals() {
            sink.push(diagnostic!(
                MisplacedExpression, name.span, "a learned score has no parameters and no `let`"; label(call.name.span): "learned here";
                help: "a rank that reads `{}` has its own", rank.name.text
            ));
        }
        let given = options::arguments(&call.arguments, sink);
        let options = options::read(&FUSE, given, call.name.span, sink)?;
        let target = options.expr("target").and_then(|target| self.target(target, sink));
        let inputs = options.expr("on").and_then(|on| self.fused_inputs(on, sink));
        let (network, layers) = options.choice("network");
        let (widths, activation) = match network {
            "mlp" => (layers.numbers("hidden").to_vec(), layers.word("activation")),
            _ => (Vec::new(), "relu"),
        };
        for width in widths.iter().filter(|width| width.value > WIDEST as f64) {
            sink.push(diagnostic!(
                OutOfRange,
                width.span,
                "a width of a learned score must be from 1 to {WIDEST}, found {}",
                width.value
            ));
        }
        let [epochs, lr, l2] = ["epochs", "lr", "l2"].map(|name| options.number(name));
        let fusion = Fusion { target: target?, widths, activation, epochs, lr, l2 };
        let score = ScoreExpr { kind: ScoreKind::Fuse(inputs?), span: rank.score.span };
        let (name, docs) = (rank.name.clone(), rank.docs.clone());
        let checked = Rank { name, docs, params: Vec::new(), lets: Vec::new(), score, fusion: Some(fusion) };
        (sink.len() == errors).then_some(checked)
    }

    /// The task whose label is predicted.
    fn target(&self, expr: &Expr, sink: &mut Sink) -> Option<TaskId> {
        let ExprKind::Name(name) = &expr.kind else {
            let task = match &expr.kind {
                ExprKind::Conditional(task, _) => task.text.as_str(),
                _ => self.names.task_names().next().unwrap_or("click"),
            };
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`target` is a task's name, found {}", expr.describe(); help: "write `target: {task}`"
            ));
            return None;
        };
        let Some(task) = self.names.task(name) else {
            let help = did_you_mean(name, "tasks", self.names.task_names());
            sink.push(diagnostic!(UnknownTask, expr.span, "no task named `{name}`"; help: "{help}"));
            return None;
        };
        let kind = match self.inputs.tasks[task].as_ref()?.kind {
            TaskKind::Binary { .. } | TaskKind::Regression { .. } => return Some(TaskId(task)),
            TaskKind::Ordinal { .. } => "ordinal",
            TaskKind::Pairwise => "pairwise",
            TaskKind::Listwise { .. } => "listwise",
            TaskKind::Multiclass { .. } => "multiclass",
        };
        sink.push(diagnostic!(
            LossMismatch, expr.span, "`{name}` is {kind}, and a learned score predicts a probability or a number";
            label(self.names.tasks[task].name.span): "declared here"; help: "`target` is a binary task or a regression"
        ));
        None
    }

    /// What the network reads.
    fn fused_inputs(&self, expr: &Expr, sink: &mut Sink) -> Option<Vec<ScoreExpr>> {
        let ExprKind::List(items) = &expr.kind else {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`on` takes a list, found {}", expr.describe(); help: "write `on: [click, like]`"
            ));
            return None;
        };
        if !(1..=WIDEST).contains(&items.len()) {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "a learned score reads from 1 to {WIDEST} inputs, found {}", items.len();
                help: "write `on: [click, like]`"
            ));
            return None;
        }
        let mut inputs: Vec<Option<(ScoreInput, ScoreExpr)>> = Vec::new();
        for item in items {
            let found = self.fused_input(item, sink);
            let same = |(of, _): &(ScoreInput, ScoreExpr)| {
                inputs.iter().flatten().find(|(other, _)| other == of).map(|(_, first)| (*of, first.span))
            };
            if let Some((of, first)) = found.as_ref().and_then(same) {
                sink.push(diagnostic!(
                    DuplicateOption, item.span, "`{}` stands here twice", self.inputs.label(of); label(first): "first written here"
                ));
            }
            inputs.push(found);
        }
        inputs.into_iter().map(|input| input.map(|(_, expr)| expr)).collect()
    }

    /// One input, and what it is where it is missing.
    fn fused_input(&self, expr: &Expr, sink: &mut Sink) -> Option<(ScoreInput, ScoreExpr)> {
        let (of, default) = match &expr.kind {
            ExprKind::Binary(BinaryOp::Default, of, default) => {
                let Some(value) = default.as_number() else {
                    sink.push(diagnostic!(
                        WrongArgument, default.span, "the default of an input of a learned score is a number, found {}", default.describe();
                        help: "write `click ?? 0.02`"
                    ));
                    return None;
                };
                (of.as_ref(), Some(Number { value, span: default.span }))
            }
            _ => (expr, None),
        };
        let input = match &of.kind {
            ExprKind::Name(name) => match self.inputs.named(name, of.span, sink) {
                Some(found) => found?,
                None => return self.no_input(name, of, sink),
            },
            ExprKind::Conditional(task, given) => self.inputs.conditional(task, given, sink)?,
            ExprKind::Call(call) if OF_TASKS.contains(&call.name.text.as_str()) => self.inputs.call(call, sink)?,
            _ => {
                sink.push(diagnostic!(
                    WrongArgument, of.span, "`on` holds what is known of a row, found {}", of.describe();
                    help: "write inputs alone, such as `click`, `buy | click`, `rank_of(like)`, `calibrated(click)` or `price ?? 0`"
                ));
                return None;
            }
        };
        let kind = match default {
            Some(Number { value, span }) => {
                let value = ScoreExpr { kind: ScoreKind::Number(value), span };
                ScoreKind::Default(input, Box::new(value))
            }
            None => ScoreKind::Input(input),
        };
        Some((input, ScoreExpr { kind, span: expr.span }))
    }

    fn no_input<T>(&self, name: &str, expr: &Expr, sink: &mut Sink) -> Option<T> {
        if let Some((Declared::Rank(_), at)) = self.names.find(name) {
            sink.push(diagnostic!(
                WrongArgument, expr.span, "`{name}` is a rank, and a learned score reads what is known of a row"; label(at): "declared here";
                help: "name the inputs of `{name}`; a rank can read both scores"
            ));
            return None;
        }
        let numbers = self.inputs.numbers.iter().map(|number| number.name.text.as_str());
        let help = did_you_mean(name, "tasks and numbers", self.names.task_names().chain(numbers));
        sink.push(diagnostic!(UnknownName, expr.span, "no task or number named `{name}`"; help: "{help}"));
        None
    }
}
