//! Settings: the numbers of a configuration by dotted path, `train.optimizer.lr`.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::model::ModelConfig;

/// Every value of a configuration by its dotted path, in the order of its declaration.
pub fn settings<C: ModelConfig>(config: &C) -> Vec<(String, Value)> {
    let text = burn::config::config_to_json(config);
    let tree: Tree = serde_json::from_str(&text).expect("a configuration prints as JSON");
    let mut out = Vec::new();
    tree.flatten(String::new(), &mut out);
    out
}

/// Sets one value: `setting` is `path=value`. A path or a value that does not fit is an error that says what does.
pub fn apply_setting<C: ModelConfig>(config: &mut C, setting: &str) -> Result<()> {
    let Some((path, text)) = setting.split_once('=') else {
        return Err(Error::config(format!("`--set {setting}` has no value: write `--set name=value`")));
    };
    let (path, text) = (path.trim(), text.trim());
    let known = settings(config);
    let Some((_, old)) = known.iter().find(|(name, _)| name == path) else {
        return Err(unknown(path, &known));
    };
    let new = parse(path, text, old)?;
    let mut json = serde_json::to_value(&*config).expect("a configuration prints as JSON");
    let mut place = &mut json;
    for key in path.split('.') {
        place = match place {
            Value::Array(items) => &mut items[key.parse::<usize>().expect("a path names an item by its position")],
            other => &mut other[key],
        };
    }
    *place = new;
    *config = C::deserialize(json).map_err(|error| Error::config(format!("`{path}` cannot be `{text}`: {error}")))?;
    Ok(())
}

/// Sets numbers by paths that the configuration has.
pub(crate) fn set_numbers<'a, C: ModelConfig>(
    config: &C,
    numbers: impl IntoIterator<Item = (&'a str, f64)>,
) -> Result<C> {
    let mut json = serde_json::to_value(config).expect("a configuration prints as JSON");
    for (path, number) in numbers {
        let place = path.split('.').try_fold(&mut json, |place, key| place.get_mut(key));
        match place {
            Some(place) => *place = Value::from(number),
            None => return Err(Error::config(format!("there is no setting `{path}`"))),
        }
    }
    C::deserialize(json).map_err(|error| Error::config(format!("parameters of scores: {error}")))
}

/// The value that `text` stands for, in the place of `old`.
fn parse(path: &str, text: &str, old: &Value) -> Result<Value> {
    let plain = text.replace('_', "");
    let wrong = |what: &str| Error::config(format!("`{path}` is {what} (now {old}), and `{text}` is not"));
    let number = || plain.parse::<f64>().ok().filter(|x| x.is_finite());
    match old {
        // A width or a count that is 0 is another network, which the generated code does not hold.
        Value::Number(now) if now.is_u64() => {
            let new = plain.parse::<u64>().map_err(|_| wrong("a whole number, 0 or more"))?;
            let structural = !path.starts_with("train.");
            if structural && (new == 0) != (now.as_u64() == Some(0)) {
                let fix = "the generated network has no place for it; change the spec";
                return Err(Error::config(format!("`{path}` cannot change from {now} to {new}: {fix}")));
            }
            Ok(new.into())
        }
        Value::Number(_) => number().map(Value::from).ok_or_else(|| wrong("a number")),
        Value::Bool(_) => text.parse::<bool>().map(Value::from).map_err(|_| wrong("true or false")),
        Value::String(_) => Ok(Value::from(text)),
        _ if text == "none" => Ok(Value::Null),
        _ => Ok(plain
            .parse::<u64>()
            .map(Value::from)
            .ok()
            .or_else(|| number().map(Value::from))
            .unwrap_or(Value::from(text))),
    }
}

fn unknown(path: &str, known: &[(String, Value)]) -> Error {
    let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
    let inside: Vec<&str> = names.iter().copied().filter(|name| name.starts_with(&format!("{path}."))).collect();
    let help = if !inside.is_empty() {
        format!("it holds {}", inside.join(", "))
    } else if let Some(near) = nearest(path, &names) {
        format!("did you mean `{near}`? `describe` lists all settings")
    } else {
        "`describe` lists all settings".into()
    };
    Error::config(format!("there is no setting `{path}`; {help}"))
}

/// The name that is closest to `path`, if one is close.
pub(crate) fn nearest<'a>(path: &str, names: &[&'a str]) -> Option<&'a str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let best = names.iter().copied().min_by_key(|name| (distance(path, name), *name))?;
    if distance(path, best) <= 1 + path.len() / 4 {
        return Some(best);
    }
    names.iter().copied().find(|name| last(name) == last(path))
}

/// The Levenshtein distance of two texts.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let new = (corner + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], new);
        }
    }
    row[b.len()]
}

/// A JSON value that keeps the order of its fields.
enum Tree {
    Leaf(Value),
    Fields(Vec<(String, Tree)>),
}

impl Tree {
    fn flatten(self, path: String, out: &mut Vec<(String, Value)>) {
        match self {
            Self::Leaf(value) => out.push((path, value)),
            Self::Fields(fields) => {
                for (name, tree) in fields {
                    tree.flatten(if path.is_empty() { name } else { format!("{path}.{name}") }, out);
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_bool<E>(self, value: bool) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }
    fn visit_str<E>(self, value: &str) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }
    fn visit_unit<E>(self) -> std::result::Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(tree) = items.next_element()? {
            fields.push((fields.len().to_string(), tree));
        }
        Ok(Tree::Fields(fields))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Tree::Fields(fields))
    }
}
