//! The weights of an independent computation on random gradients: `tests/goldens/weighting.py`.

use super::support::*;
use crate::weighting::methods::gramian::*;
use crate::weighting::methods::loss::*;
use crate::weighting::methods::vectors::*;
use crate::weighting::methods::{Matrix, Rule};

/// As much of JSON as the file has: objects, lists and numbers.
#[derive(Debug, Clone)]
enum Json {
    Number(f64),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn parse(text: &str) -> Self {
        let mut rest = text.trim();
        let value = Self::value(&mut rest);
        assert!(rest.trim().is_empty(), "more after the value");
        value
    }

    fn value(rest: &mut &str) -> Self {
        *rest = rest.trim_start();
        if rest.starts_with('[') {
            return Self::List(Self::items(rest, ']', Self::value));
        }
        if rest.starts_with('{') {
            return Self::Object(Self::items(rest, '}', |rest| {
                let (key, after) = rest.trim_start()[1..].split_once('"').expect("a key");
                *rest = after.trim_start().strip_prefix(':').expect("a value");
                (key.to_string(), Self::value(rest))
            }));
        }
        let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        *rest = after;
        Self::Number(number.trim().parse().expect("a number"))
    }

    fn items<T>(rest: &mut &str, end: char, item: impl Fn(&mut &str) -> T) -> Vec<T> {
        let mut items = Vec::new();
        *rest = rest[1..].trim_start();
        while !rest.starts_with(end) {
            items.push(item(rest));
            *rest = rest.trim_start();
            *rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        *rest = &rest[1..];
        items
    }

    fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn items_of(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { panic!("no list: {self:?}") }
    }

    fn numbers(&self) -> Vec<f64> {
        let number =
            |item: &Self| if let Self::Number(number) = item { *number } else { panic!("no number: {item:?}") };
        self.items_of().iter().map(number).collect()
    }

    fn rows(&self) -> Rows {
        self.items_of().iter().map(Self::numbers).collect()
    }
}

struct Case<'a> {
    json: &'a Json,
    place: usize,
    compared: std::cell::Cell<usize>,
}

impl Case<'_> {
    fn of(&self, key: &str) -> &Json {
        self.json.get(key).unwrap_or_else(|| panic!("case {} has no {key}", self.place))
    }

    fn compare(&self, key: &str, found: &[f64]) {
        if let Some(expected) = self.of("expected").get(key) {
            self.agree(key, found, &expected.numbers());
        }
    }

    fn compare_steps(&self, key: &str, mut found: impl FnMut(usize) -> Vec<f64>) {
        for (k, expected) in self.of("expected").get(key).expect("the steps").rows().iter().enumerate() {
            self.agree(key, &found(k), expected);
        }
    }

    fn agree(&self, key: &str, found: &[f64], expected: &[f64]) {
        assert!(agree(found, expected, 1e-6), "case {} {key}:\n{found:?}\n{expected:?}", self.place);
        self.compared.set(self.compared.get() + 1);
    }

    /// The weights of a method that need not have any.
    fn compare_gramian(&self, key: &str, method: &mut dyn Gramian) {
        let rows = self.of("gradients").rows();
        let places = (0..rows.len()).collect();
        let gram = Gram::new(Matrix::gram::<f64>(&rows), self.of("losses").numbers(), places).expect("finite");
        if self.of("expected").get(key).is_some() {
            self.compare(key, &method.weights(&gram).unwrap_or_else(|failure| panic!("{key}: {failure}")));
        }
    }
}

fn views(rows: &Rows) -> Vec<Option<&[f64]>> {
    rows.iter().map(|row| Some(row.as_slice())).collect()
}

fn gramian_methods(case: &Case<'_>, tasks: usize) {
    case.compare_gramian("mgda_none", &mut mgda(Normalize::None, false));
    case.compare_gramian("mgda_l2", &mut mgda(Normalize::L2, false));
    case.compare_gramian("mgda_loss", &mut mgda(Normalize::Loss, false));
    case.compare_gramian("mgda_loss_plus", &mut mgda(Normalize::LossPlus, false));
    case.compare_gramian("pe_ltr", &mut pareto(&case.of("floors").numbers()));
    case.compare_gramian("pcgrad", &mut pcgrad());
    case.compare_gramian("upgrad", &mut upgrad(tasks));
    case.compare_gramian("imtl_g", &mut Imtl);
    case.compare_gramian("aligned_least", &mut aligned(tasks, AlignedScale::Least));
    case.compare_gramian("aligned_median", &mut aligned(tasks, AlignedScale::Median));
    case.compare_gramian("aligned_rms", &mut aligned(tasks, AlignedScale::RootMeanSquare));
    case.compare_gramian("cagrad_0.5_none", &mut cagrad(0.5, Rescale::None));
    case.compare_gramian("cagrad_0.4_square", &mut cagrad(0.4, Rescale::Square));
    case.compare_gramian("cagrad_1.2_linear", &mut cagrad(1.2, Rescale::Linear));
    case.compare_gramian("fairgrad_0.5", &mut fairgrad(0.5));
    case.compare_gramian("fairgrad_1.0", &mut fairgrad(1.0));
    case.compare_gramian("fairgrad_1.0", &mut nash(tasks, None));
    case.compare_gramian("fairgrad_2.0", &mut fairgrad(2.0));
    let targets = case.of("targets").rows();
    let targets = Matrix::from_fn(tasks, |i, k| targets[i][k]);
    let mut vaccine = gradvac(tasks, 0.1).with_targets(targets).expect("cosines");
    let products = gram(&case.of("gradients").rows());
    case.compare_steps("gradvac", |_| vaccine.weights(&products).expect("finite"));
    let series = case.of("series").rows();
    let first = case.of("losses").numbers();
    let mut norm = gradnorm(tasks).with_first_losses(&first).expect("positive");
    case.compare_steps("gradnorm", |k| {
        let gram = Gram::new(products.matrix().clone(), series[k].clone(), (0..tasks).collect()).expect("finite");
        norm.weights(&gram).expect("positive")
    });
}

fn vector_methods(case: &Case<'_>, tasks: usize) {
    let series = case.of("series").rows();
    let tall: Vec<Rows> = case.of("tall").items_of().iter().map(Json::rows).collect();
    let columns = tall[0][0].len();
    let mut balance = MetaBalance::new(tasks, 1, MetaBalanceOptions::default()).expect("valid");
    case.compare_steps("metabalance", |k| balance.factors(0, &options(&series[k])).expect("finite"));
    let mut db = DbMtl::<f64>::new(tasks, columns, DbMtlOptions { beta: 0.9, sigma: 0.5 }).expect("valid");
    case.compare_steps("db_mtl", |k| db.weights(&views(&tall[k]), &options(&series[k])).expect("finite"));
    let mut excess = Excess::<f64>::new(tasks, columns, ExcessOptions { eta: 0.05 }).expect("valid");
    case.compare_steps("excess", |k| excess.weights(&views(&tall[k])).expect("finite"));
    let mut moco = Moco::<f64>::new(tasks, columns, MocoOptions::default()).expect("valid");
    case.compare_steps("moco", |k| moco.weights(&views(&tall[k]), &options(&series[k])).expect("finite"));
}

fn loss_methods(case: &Case<'_>, tasks: usize) {
    let series = case.of("series").rows();
    let losses = options(&case.of("losses").numbers());
    let rule = Rule::Adam { rate: 0.1, decay: 0.0 };
    let mut impartial = ImpartialLoss::new(tasks, ImpartialLossOptions { start: 0.0, rule }).expect("valid");
    case.compare_steps("imtl_l", |k| impartial.weights(&options(&series[k])).expect("positive"));
    let mut famo = Famo::new(tasks, FamoOptions::default()).expect("valid");
    case.compare_steps("famo", |k| {
        let weights = famo.weights(&options(&series[k])).expect("positive");
        famo.after_step(&options(&series[k]), &options(&series[k + 1]));
        weights
    });
    let mut stch = Tchebycheff::new(tasks, TchebycheffOptions { mu: 0.5, warm_up: 0, period: Period::Epochs });
    let stch = stch.as_mut().expect("valid");
    stch.epoch(&options(&series[0]));
    case.compare("stch", &stch.weights(&losses).expect("positive"));
    case.compare("gls", &Geometric::new(tasks).weights(&losses).expect("positive"));
    case.compare("log", &Logarithm::new(tasks).weights(&losses).expect("positive"));
    let mut dwa = Dwa::new(tasks, DwaOptions::default()).expect("valid");
    dwa.epoch(&options(&series[0]));
    dwa.epoch(&options(&series[1]));
    case.compare("dwa", &dwa.weights(&losses).expect("finite"));
}

#[test]
fn the_weights_of_an_independent_computation() {
    let json = Json::parse(include_str!("../../../../../tests/goldens/weighting.json"));
    let cases = json.get("cases").expect("cases").items_of();
    for (place, json) in cases.iter().enumerate() {
        let case = Case { json, place, compared: std::cell::Cell::new(0) };
        let tasks = case.of("gradients").items_of().len();
        gramian_methods(&case, tasks);
        vector_methods(&case, tasks);
        loss_methods(&case, tasks);
        assert!(case.compared.get() > 40, "{}", case.compared.get());
    }
}
