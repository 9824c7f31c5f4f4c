//! What a score reads of a row: predictions, calibrated ones, positions, numbers.

use super::Sink;
use crate::ast::{Argument, Call, Expr, ExprKind, Name};
use crate::diagnostic::diagnostic;
use crate::hir::{Predicted, ScoreInput, ScoreNumber, Task, TaskId, TaskKind};
use crate::resolve::{Declared, Names};
use crate::source::Span;
use crate::suggest::did_you_mean;

/// The functions whose argument is a task and not a value.
pub(super) const OF_TASKS: [&str; 2] = ["rank_of", "calibrated"];

/// What inputs are made of.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub names: &'a Names<'a>,
    pub tasks: &'a [Option<Task>],
    pub numbers: &'a [ScoreNumber],
    /// Whether rows have a request.
    pub grouped: bool,
}

/// The prediction of a task.
pub(super) const fn plain(task: usize) -> ScoreInput {
    ScoreInput::Prediction(Predicted { task: TaskId(task), conditional: false })
}

impl Inputs<'_> {
    /// A task or a number; none where the name is neither. Reports a feature that is no number.
    pub fn named(&self, name: &str, span: Span, sink: &mut Sink) -> Option<Option<ScoreInput>> {
        match self.names.find(name) {
            Some((Declared::Task(task), _)) => Some(self.number_of(task, span, sink)),
            Some((Declared::Feature(feature), at)) => {
                let kind = self.names.features[feature].1.value.as_call().map(|(kind, _)| kind.text);
                if kind.as_deref() != Some("number") {
                    let kind = kind.map_or_else(String::new, |kind| format!(", but of kind `{kind}`"));
                    sink.push(diagnostic!(
                        WrongArgument, span, "`{name}` is no number{kind}"; label(at): "declared here";
                        help: "a score reads tasks and `number` features"
                    ));
                    return Some(None);
                }
                Some(self.numbers.iter().position(|number| number.name.text == name).map(ScoreInput::Number))
            }
            _ => None,
        }
    }

    /// The prediction of a task. Reports one of several classes.
    fn number_of(&self, task: usize, span: Span, sink: &mut Sink) -> Option<ScoreInput> {
        let declared = &self.names.tasks[task].name;
        if matches!(self.tasks[task].as_ref().map(|task| &task.kind), Some(TaskKind::Multiclass { .. })) {
            let name = &declared.text;
            sink.push(diagnostic!(
                LossMismatch, span, "`{name}` is one of several classes, and a score is made of numbers";
                label(declared.span): "declared here";
                help: "declare a task for the class that the score reads: `task {name}_is_2: binary(label: {name} == 2);`"
            ));
            return None;
        }
        Some(plain(task))
    }

    /// `buy | click`.
    pub fn conditional(&self, task: &Name, given: &Name, sink: &mut Sink) -> Option<ScoreInput> {
        let task = chained(self.names, self.tasks, task, given, sink)?;
        Some(ScoreInput::Prediction(Predicted { task, conditional: true }))
    }

    /// `rank_of(click)`, `rank_of(buy | click)` or `calibrated(click)`.
    pub fn called(&self, function: &Name, of: &Name, given: Option<&Name>, sink: &mut Sink) -> Option<ScoreInput> {
        if !OF_TASKS.contains(&function.text.as_str()) {
            let help = did_you_mean(&function.text, "functions of tasks", OF_TASKS);
            sink.push(diagnostic!(
                UnknownFunction, function.span, "no function of tasks is named `{}`", function.text; help: "{help}"
            ));
            return None;
        }
        let of_task = match given {
            Some(given) => self.conditional(of, given, sink)?,
            None => match self.names.task(&of.text) {
                Some(task) => self.number_of(task, of.span, sink)?,
                None => {
                    let help = did_you_mean(&of.text, "tasks", self.names.task_names());
                    sink.push(diagnostic!(UnknownTask, of.span, "no task named `{}`", of.text; help: "{help}"));
                    return None;
                }
            },
        };
        let ScoreInput::Prediction(predicted) = of_task else { return None };
        if function.text == "rank_of" {
            if !self.grouped {
                sink.push(diagnostic!(
                    MissingGroup, function.span, "`rank_of` is a place within a request, and nothing says which rows are one";
                    help: "name the column whose values are requests: `train {{ group_by: request_id }}`"
                ));
                return None;
            }
            return Some(ScoreInput::Position(predicted));
        }
        if let Some(given) = given {
            sink.push(diagnostic!(
                WrongArgument, of.span.to(given.span), "calibration is of the probability of a task";
                help: "write `calibrated({})`", of.text
            ));
            return None;
        }
        let task = self.tasks[predicted.task.0].as_ref()?;
        let at = task.name.span;
        if !matches!(task.kind, TaskKind::Binary { .. }) {
            sink.push(diagnostic!(
                WrongArgument, of.span, "`{}` is no probability", of.text; label(at): "declared here";
                help: "`calibrated` is of a binary task"
            ));
            return None;
        }
        if task.calibration.is_none() {
            sink.push(diagnostic!(
                MissingOption, of.span, "nothing says how `{}` is calibrated", of.text; label(at): "declared here";
                help: "declare it, as in `task {}: binary(calibrate: platt)`, or read `{}` itself", of.text, of.text
            ));
            return None;
        }
        Some(ScoreInput::Calibrated(predicted.task))
    }

    /// A call of `rank_of` or `calibrated`.
    pub fn call(&self, call: &Call, sink: &mut Sink) -> Option<ScoreInput> {
        let plain = match call.arguments.as_slice() {
            [Argument { name: None, value, .. }] => Some(value),
            _ => None,
        };
        match plain.map(|value| (&value.kind, value.span)) {
            Some((ExprKind::Name(text), span)) => {
                self.called(&call.name, &Name { text: text.clone(), span }, None, sink)
            }
            Some((ExprKind::Conditional(task, given), _)) => self.called(&call.name, task, Some(given), sink),
            _ => {
                sink.push(diagnostic!(
                    WrongArgument, call.name.span, "`{}` is of one task", call.name.text;
                    help: "write `{}(click)`", call.name.text
                ));
                None
            }
        }
    }

    /// The input that an argument is about: `click: 0.5`, `buy | click: 0.1`, `rank_of(click): 3`.
    pub fn argument(&self, argument: &Argument, sink: &mut Sink) -> Option<ScoreInput> {
        let Some(name) = &argument.name else {
            sink.push(diagnostic!(
                ExpectArguments, argument.value.span, "a prediction has a name"; help: "write `task: value`"
            ));
            return None;
        };
        match (&argument.function, &argument.given) {
            (Some(function), given) => self.called(function, name, given.as_ref(), sink),
            (None, Some(given)) => self.conditional(name, given, sink),
            (None, None) => self.named(&name.text, name.span, sink).unwrap_or_else(|| {
                self.unknown(&name.text, name.span, sink);
                None
            }),
        }
    }

    /// The input that an expression is.
    pub fn expr(&self, expr: &Expr, sink: &mut Sink) -> Option<ScoreInput> {
        match &expr.kind {
            ExprKind::Name(name) => self.named(name, expr.span, sink).unwrap_or_else(|| {
                self.unknown(name, expr.span, sink);
                None
            }),
            ExprKind::Conditional(task, given) => self.conditional(task, given, sink),
            ExprKind::Call(call) if OF_TASKS.contains(&call.name.text.as_str()) => self.call(call, sink),
            _ => {
                sink.push(diagnostic!(
                    WrongArgument, expr.span, "a score rises or falls in predictions, found {}", expr.describe();
                    help: "write `increasing in click, like;`"
                ));
                None
            }
        }
    }

    fn unknown(&self, name: &str, span: Span, sink: &mut Sink) {
        let help = did_you_mean(name, "tasks", self.names.task_names());
        sink.push(diagnostic!(UnknownTask, span, "no task named `{name}`"; help: "{help}"));
    }

    /// The probabilities that bound one from above, near ones first: those of the tasks that it is given, directly or not.
    pub fn before(&self, input: ScoreInput) -> impl Iterator<Item = ScoreInput> + use<'_> {
        let given = |TaskId(task): TaskId| self.tasks[task].as_ref().and_then(|task| task.given);
        let first = match input {
            ScoreInput::Prediction(Predicted { task, conditional: false }) => given(task),
            _ => None,
        };
        // A circle of tasks is reported elsewhere.
        let chain = std::iter::successors(first, move |task| given(*task)).take(self.tasks.len());
        chain.map(|TaskId(task)| plain(task))
    }

    /// As it is written.
    pub fn label(&self, input: ScoreInput) -> String {
        label(self.names, self.numbers, input)
    }
}

/// The task of `a | b`, where `a` is given `b`.
fn chained(names: &Names<'_>, tasks: &[Option<Task>], task: &Name, given: &Name, sink: &mut Sink) -> Option<TaskId> {
    let find = |name: &Name, sink: &mut Sink| {
        let found = names.task(&name.text);
        if found.is_none() {
            let help = did_you_mean(&name.text, "tasks", names.task_names());
            sink.push(diagnostic!(UnknownTask, name.span, "no task named `{}`", name.text; help: "{help}"));
        }
        found
    };
    let (at, other) = (find(task, sink), find(given, sink));
    let (at, other) = (at?, other?);
    let chained = tasks[at].as_ref()?.given;
    if chained == Some(TaskId(other)) {
        return Some(TaskId(at));
    }
    let problem = diagnostic!(
        NotConditional, task.span.to(given.span), "`{}` is not given `{}`", task.text, given.text;
        label(names.tasks[at].name.span): "declared here"
    );
    sink.push(match chained {
        Some(TaskId(parent)) => problem.help(format!("write `{} | {}`", task.text, names.tasks[parent].name.text)),
        None => {
            problem.help(format!("declare `task {}: ... given {};`, or write `{}`", task.text, given.text, task.text))
        }
    });
    None
}

/// An input as it is written: `buy | click`, `rank_of(click)`.
pub(super) fn label(names: &Names<'_>, numbers: &[ScoreNumber], input: ScoreInput) -> String {
    let predicted = |Predicted { task, conditional }: Predicted| {
        let task = names.tasks[task.0];
        match (&task.given, conditional) {
            (Some(given), true) => format!("{} | {}", task.name.text, given.text),
            _ => task.name.text.clone(),
        }
    };
    match input {
        ScoreInput::Prediction(of) => predicted(of),
        ScoreInput::Calibrated(task) => format!("calibrated({})", names.tasks[task.0].name.text),
        ScoreInput::Position(of) => format!("rank_of({})", predicted(of)),
        ScoreInput::Number(number) => numbers[number].name.text.clone(),
    }
}

/// Where an argument's name stands.
pub(super) fn place(argument: &Argument) -> Span {
    let name = argument.name.as_ref().map_or(argument.value.span, |name| name.span);
    argument.function.as_ref().map_or(name, |function| function.span.to(name))
}
