//! Names: what each one declares.
//!
//! Afterwards every declared name is unique and can be a Rust name; what is declared a second time is left out.

use std::collections::BTreeMap;

use crate::ast::{Entry, Expect, Features, Item, Let, Model, Name, Order, Rank, Section, Task, Tower};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::parse::unknown_item_error;
use crate::schema::items::RESERVED;
use crate::source::Span;

/// The declarations of a model, in order, and their names.
pub(crate) struct Names<'a> {
    /// `features` blocks.
    pub entities: Vec<&'a Features>,
    /// Features, each with its entity.
    pub features: Vec<(usize, &'a Entry)>,
    /// Tasks.
    pub tasks: Vec<&'a Task>,
    /// Representations.
    pub lets: Vec<&'a Let>,
    /// Tower lines.
    pub towers: Vec<&'a Tower>,
    /// The `loss` block.
    pub loss: Option<&'a Section>,
    /// The `distill` block.
    pub distill: Option<&'a Section>,
    /// The `train` block.
    pub train: Option<&'a Section>,
    /// The `tune` block.
    pub tune: Option<&'a Section>,
    /// Scores.
    pub ranks: Vec<&'a Rank>,
    /// Assertions.
    pub expects: Vec<&'a Expect>,
    /// Assertions about regions.
    pub orders: Vec<&'a Order>,
    declared: BTreeMap<&'a str, (Declared, Span)>,
}

/// What a name declares: an index into the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declared {
    Entity(usize),
    Feature(usize),
    Task(usize),
    Let(usize),
    Rank(usize),
}

impl Declared {
    /// What it is, for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Declared::Entity(_) => "an entity",
            Declared::Feature(_) => "a feature",
            Declared::Task(_) => "a task",
            Declared::Let(_) => "a `let`",
            Declared::Rank(_) => "a rank",
        }
    }
}

impl<'a> Names<'a> {
    /// What a name declares, and where.
    pub fn find(&self, name: &str) -> Option<(Declared, Span)> {
        self.declared.get(name).copied()
    }

    /// The task of this name.
    pub fn task(&self, name: &str) -> Option<usize> {
        match self.find(name) {
            Some((Declared::Task(task), _)) => Some(task),
            _ => None,
        }
    }

    /// The names of the tasks.
    pub fn task_names(&self) -> impl Iterator<Item = &'a str> + use<'a, '_> {
        self.tasks.iter().map(|task| task.name.text.as_str())
    }

    /// The names of the features.
    pub fn feature_names(&self) -> impl Iterator<Item = &'a str> + use<'a, '_> {
        self.features.iter().map(|(_, entry)| entry.name.text.as_str())
    }

    /// Declares a name; false when it is taken.
    fn declare(&mut self, name: &'a Name, declared: Declared, sink: &mut Vec<Diagnostic>) -> bool {
        check_style(name, sink);
        if matches!(declared, Declared::Let(_)) && name.text.starts_with("tower_") {
            sink.push(diagnostic!(
                ReservedName, name.span, "`{}` is the name of a tower's parameters", name.text;
                help: "choose a name that does not begin with `tower_`"
            ));
        }
        // Struct names have no underscores, so names that differ in them alone would meet there.
        let same = |other: &str| other == name.text || other.replace('_', "") == name.text.replace('_', "");
        let taken = self.declared.iter().find(|(other, _)| same(other)).map(|(other, at)| (*other, *at));
        match taken {
            Some((other, (first, at))) if other == name.text => {
                sink.push(diagnostic!(
                    DuplicateName, name.span, "`{}` is declared twice", name.text;
                    label(at): "first declared here, as {}", first.noun();
                    help: "entities, features, tasks, lets and ranks share one set of names"
                ));
                false
            }
            Some((other, (_, at))) => {
                sink.push(diagnostic!(
                    DuplicateName, name.span, "`{}` and `{other}` differ in underscores alone", name.text;
                    label(at): "the other is declared here"; help: "choose names that a reader can tell apart"
                ));
                self.declared.insert(&name.text, (declared, name.span));
                true
            }
            None => {
                self.declared.insert(&name.text, (declared, name.span));
                true
            }
        }
    }
}

/// Collects the declarations of a model.
pub(crate) fn resolve<'a>(model: &'a Model, sink: &mut Vec<Diagnostic>) -> Names<'a> {
    let mut names = Names {
        entities: Vec::new(),
        features: Vec::new(),
        tasks: Vec::new(),
        lets: Vec::new(),
        towers: Vec::new(),
        loss: None,
        distill: None,
        train: None,
        tune: None,
        ranks: Vec::new(),
        expects: Vec::new(),
        orders: Vec::new(),
        declared: BTreeMap::new(),
    };
    check_model_name(&model.name, sink);
    for item in &model.items {
        match item {
            Item::Features(entity) => {
                if names.declare(&entity.name, Declared::Entity(names.entities.len()), sink) {
                    names.entities.push(entity);
                    declare_features(&mut names, entity, sink);
                }
            }
            Item::Task(task) => {
                if names.declare(&task.name, Declared::Task(names.tasks.len()), sink) {
                    names.tasks.push(task);
                }
            }
            Item::Let(binding) => {
                if names.declare(&binding.name, Declared::Let(names.lets.len()), sink) {
                    names.lets.push(binding);
                }
            }
            Item::Rank(rank) => {
                if names.declare(&rank.name, Declared::Rank(names.ranks.len()), sink) {
                    names.ranks.push(rank);
                }
            }
            Item::Tower(tower) => names.towers.push(tower),
            Item::Expect(expect) => names.expects.push(expect),
            Item::Order(order) => names.orders.push(order),
            Item::Section(section) => place_section(&mut names, section, sink),
        }
    }
    names
}

fn declare_features<'a>(names: &mut Names<'a>, entity: &'a Features, sink: &mut Vec<Diagnostic>) {
    if entity.entries.is_empty() {
        sink.push(diagnostic!(
            EmptyEntity, entity.name.span, "`{}` has no features", entity.name.text;
            help: "declare one, such as `user_id: id(vocab: auto, dim: 16)`, or leave the block out"
        ));
    }
    for entry in &entity.entries {
        if names.declare(&entry.name, Declared::Feature(names.features.len()), sink) {
            names.features.push((names.entities.len() - 1, entry));
        }
    }
}

fn place_section<'a>(names: &mut Names<'a>, section: &'a Section, sink: &mut Vec<Diagnostic>) {
    let place = match section.word.text.as_str() {
        "loss" => &mut names.loss,
        "distill" => &mut names.distill,
        "train" => &mut names.train,
        "tune" => &mut names.tune,
        word => return sink.push(unknown_item_error(word, section.word.span)),
    };
    if let Some(name) = &section.name {
        sink.push(diagnostic!(Syntax, name.span, "expected `{{`, found `{}`", name.text; help: "`{}` has no name", section.word.text));
    }
    match place {
        Some(first) => sink.push(diagnostic!(
            DuplicateBlock, section.word.span, "a second `{}` block", section.word.text;
            label(first.word.span): "the first is here"; help: "put all entries into one block"
        )),
        None => *place = Some(section),
    }
}

/// Reports a name that cannot be a Rust name, or is not written as one.
pub(crate) fn check_style(name: &Name, sink: &mut Vec<Diagnostic>) {
    let text = name.text.as_str();
    if RESERVED.contains(&text) || text == "_" {
        sink.push(
            diagnostic!(ReservedName, name.span, "`{text}` is a word of the language"; help: "choose another name"),
        );
        return;
    }
    let snake = text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('_')
        && !text.contains("__")
        && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if !snake {
        sink.push(diagnostic!(
            NameStyle, name.span, "`{text}` is not in snake case";
            help: "write `{}`; a column of another name is given by `column`", snake_case(text)
        ));
    }
}

fn check_model_name(name: &Name, sink: &mut Vec<Diagnostic>) {
    let text = name.text.as_str();
    if text == "Self" {
        sink.push(diagnostic!(ReservedName, name.span, "`{text}` is a word of Rust"; help: "choose another name"));
    } else if !text.starts_with(|first: char| first.is_ascii_uppercase()) || text.contains('_') {
        let camel: String = snake_case(text).split('_').map(capitalised).collect();
        sink.push(
            diagnostic!(NameStyle, name.span, "`{text}` is not in upper camel case"; help: "write `model {camel}`"),
        );
    }
}

/// A name in snake case: `UserId` is `user_id`.
fn snake_case(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if character == '_' || character.is_ascii_uppercase() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            if character == '_' {
                continue;
            }
        }
        out.push(character.to_ascii_lowercase());
    }
    let out = out.trim_end_matches('_').to_owned();
    if out.starts_with(|first: char| first.is_ascii_lowercase()) { out } else { format!("n{out}") }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}
