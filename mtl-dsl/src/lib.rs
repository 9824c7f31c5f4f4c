//! The mtl compiler: spec text in; diagnostics, IR and Rust out.
//!
//! `parse` (never fails) -> `check` (names, options, types; a model only without errors) -> `lower` -> `optimize` -> `generate`.

pub mod ast;
pub mod constructs;
pub mod diagnostic;
pub mod hir;
pub mod ir;
pub mod lower;
pub mod optimize;
pub mod schema;
pub mod source;

#[cfg(feature = "build")]
mod build_script;
mod check;
mod generate;
mod parse;
mod resolve;
mod suggest;

#[cfg(feature = "build")]
pub use build_script::build;
pub use check::check;
pub use diagnostic::{Code, Diagnostic, Severity};
pub use parse::parse;
pub use source::{Source, Span};

/// A spec without errors.
#[derive(Debug)]
pub struct Compiled {
    /// The checked model.
    pub model: hir::Model,
    /// Its primitives, after all passes.
    pub ir: ir::Model,
    /// What has no effect.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles a spec, or says everything that is wrong with it.
pub fn compile(source: &Source) -> Result<Compiled, Vec<Diagnostic>> {
    let (ast, errors) = parse(source);
    // Below, the tree is whole: names that were lost with a syntax error would only be reported as unknown.
    if !errors.is_empty() {
        return Err(errors);
    }
    let (model, warnings) = check(&ast);
    // Below, every name is resolved, every option explicit and every value typed.
    let Some(model) = model else { return Err(warnings) };
    let ir = optimize::optimize(lower::lower(&model));
    // Below, no value is a copy of another and every value is read.
    Ok(Compiled { model, ir, warnings })
}

impl Compiled {
    /// The model as Rust tokens: a module and its re-export. Names of the spec get the span that `span` gives for their place in
    /// `source`, the text that was compiled.
    pub fn tokens(&self, source: &Source, span: &dyn Fn(Span) -> proc_macro2::Span) -> proc_macro2::TokenStream {
        generate::tokens(&self.model, &self.ir, source, span)
    }

    /// The model as formatted Rust with a header that names `source`, the text that was compiled.
    pub fn rust(&self, source: &Source) -> String {
        generate::rust(&self.model, &self.ir, source)
    }
}
