//! `mran`: attention among tasks, among fields, and of tasks to fields (after Zhao et al., KDD 2019).

use super::{Construct, Context, Reads, fields_input, number, several_fields};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{Choice, NodeId, Scale, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `mran(user, item, heads: 2, dim: 32)`.
pub static MRAN: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "mran",
    docs: "An embedding of each task and the fields each attend among themselves; then each task attends to the fields and reads them \
           scaled by 1 and its attention (after Zhao et al., \"Multiple Relational Attention Network for Multi-task Learning\", KDD \
           2019; without labels among the inputs).",
    positional: 0,
    parameters: &[
        Parameter::number("heads", Range::SIZE, 2.0, "Heads of both attentions; they divide `dim`."),
        Parameter::number("dim", Range::SIZE, 32.0, "Width of tasks and fields in the attentions."),
    ],
};

/// Fields to `each vec`: `dim` columns for each field.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    several_fields(call, sink)?;
    let [heads, dim] = ["heads", "dim"].map(|name| number(&call.options, name));
    if dim.value % heads.value != 0.0 {
        sink.push(diagnostic!(
            OutOfRange, heads.span, "{} heads do not divide a width of {}", heads.value, dim.value;
            help: "choose a `dim` that is a multiple of `heads`"
        ));
        return None;
    }
    Some(Type::EachVec(fields_input(call).0 * dim.value as usize))
}

/// All tasks of the line share the attentions: they are about each other.
fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let dim = scope.count("dim", "Width of tasks and fields.", number(&call.options, "dim"));
    let heads = scope.count("heads", "Heads of the attentions.", number(&call.options, "heads"));
    let (tasks, count) = (scope.line_tasks(), fields_input(call).0);
    let member = |task: &usize| Member { owner: Owner::Task(*task), count: None, slot: Slot::Own };
    let members: Vec<Member> = tasks.iter().map(member).collect();
    let embeddings = scope.value("tasks", &members, dim.clone(), ValueInit::Normal(0.1));
    let fields = scope.pointwise("fields", None, inputs[0].value, dim.clone(), true);
    let tasks_read = relate("task", embeddings, &heads, scope);
    let fields = relate("field", fields, &heads, scope);

    let asked = scope.pointwise("align", None, tasks_read, dim, false);
    let columns = scope.transpose("columns", fields);
    let scores = scope.mix("scores", asked, columns, Choice::All);
    let alignment = scope.softmax("alignment", scores);
    let scales = scope.affine("scales", alignment, Scale::Constant(1.0), 1.0);
    let scales = scope.reshape("scales", scales, Size::constant(tasks.len() * count));
    let repeated = scope.stack("repeated", vec![fields; tasks.len()]);
    let scaled = scope.multiply("scaled", scales, repeated);
    let value = scope.reshape("each", scaled, Size::constant(tasks.len()));
    Stream { value, tasks: Some(tasks) }
}

/// `norm(x + attention(x, x, x))`.
fn relate(part: &str, x: NodeId, heads: &Size, scope: &mut Scope) -> NodeId {
    let width = scope.shape(x).width.clone();
    let maps = ["queries", "keys", "values"]
        .map(|map| scope.pointwise(&format!("{part}_{map}"), None, x, width.clone(), false));
    let attended = scope.attention(&format!("{part}_attention"), maps, heads.clone());
    let sum = scope.add(part, vec![x, attended]);
    scope.norm(part, 1, sum)
}
