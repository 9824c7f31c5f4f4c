//! The loss: how tasks' losses become one, and what training adds to them.

use super::config::Field;
use super::{Generator, ident, names};
use crate::hir::{self, Causal, DistillNumbers, LossTerm, Method, MethodOption, Weighting};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

impl Generator<'_> {
    pub(super) fn loss_fields(&self) -> Vec<Field> {
        let weights: &[hir::Number] = match &self.model.weighting {
            Weighting::Fixed(weights) => weights,
            _ => &[],
        };
        let fields = self.model.tasks.iter().zip(weights).map(|(task, weight)| Field {
            docs: format!("Weight of the loss of `{}`.", task.name.text),
            name: names::field(&task.name.text),
            ty: quote! { f64 },
            default: names::real(weight.value),
        });
        let method = match &self.model.weighting {
            Weighting::Method(method) => Some(Field {
                docs: "How weights of the tasks' losses or gradients are found.".into(),
                name: "weighting".into(),
                ty: quote! { WeightingConfig },
                default: method_default(method),
            }),
            _ => None,
        };
        fields.chain(method).chain(self.model.terms.iter().map(|term| self.term(term))).collect()
    }

    /// The numbers of what the loss adds to the tasks'.
    fn term(&self, term: &LossTerm) -> Field {
        let name = term_field(self.model, term);
        let text = |task: &hir::TaskId| &self.model.tasks[task.0].name.text;
        match term {
            LossTerm::Order { task, bound, weight } => Field {
                docs: format!("Weight of `hinge({} <= {})`.", text(task), text(bound)),
                name,
                ty: quote! { f64 },
                default: names::real(weight.value),
            },
            LossTerm::Causal { kind, task, clip, weight } => {
                let [clip, weight] = [clip, weight].map(|number| names::real(number.value));
                let (ty, default) = match kind {
                    Causal::Dcmt { counterfactual } => {
                        let counterfactual = names::real(counterfactual.value);
                        (
                            quote! { entries::DcmtConfig },
                            quote! { entries::DcmtConfig::new(#clip, #weight, #counterfactual) },
                        )
                    }
                    _ => (quote! { entries::CausalConfig }, quote! { entries::CausalConfig::new(#clip, #weight) }),
                };
                Field { docs: format!("Numbers of `{}({})`.", kind.word(), text(task)), name, ty, default }
            }
        }
    }

    /// The numbers of `distill`, where there is one.
    pub(super) fn distill_field(&self) -> Option<Field> {
        let distill = self.model.distill.as_ref()?;
        let numbers = [distill.temperature, distill.weight, distill.margin, distill.comparisons];
        let [temperature, weight, margin, comparisons] = numbers.map(|number| names::real(number.value));
        let [partners, warm_up] = [distill.partners, distill.warm_up].map(names::whole);
        let (ty, numbers) = match distill.numbers(self.model) {
            DistillNumbers::OfPairs => {
                ("DistillConfig", quote! { #temperature, #weight, #margin, #comparisons, #partners, #warm_up })
            }
            DistillNumbers::OfTeacher => ("TeacherConfig", quote! { #temperature, #weight, #warm_up }),
            DistillNumbers::OfRegressions => ("RegressionTeacherConfig", quote! { #weight, #warm_up }),
        };
        let (ty, docs) = (
            ident(ty),
            if distill.pairs.is_empty() { "What a saved model teaches tasks." } else { "What tasks teach each other." },
        );
        Some(Field {
            docs: docs.into(),
            name: "distill".into(),
            ty: quote! { entries::#ty },
            default: quote! { entries::#ty::new(#numbers) },
        })
    }

    pub(super) fn weighting_new(&self) -> TokenStream {
        match &self.model.weighting {
            Weighting::Equal | Weighting::Method(_) => quote! { Weighting::equal(TASKS.len()) },
            Weighting::Fixed(_) => {
                let names = self.model.tasks.iter().map(|task| ident(&names::field(&task.name.text)));
                quote! { Weighting::fixed(Vec::from([#(config.loss.#names),*])) }
            }
            Weighting::Uncertainty => {
                quote! { Weighting::uncertainty(init, &schema.tasks.iter().map(|task| task.kind).collect::<Vec<_>>()) }
            }
        }
    }

    /// The method that is asked for weights in each step; nothing for most models.
    pub(super) fn method_fn(&self) -> TokenStream {
        let Weighting::Method(method) = &self.model.weighting else { return TokenStream::new() };
        let config = self.own_type("Config");
        let place = match () {
            () if method.at_parameters => quote! { Place::Parameters },
            () => quote! { Place::Representation },
        };
        let scale_towers = method.scale_towers;
        quote! {
            fn method(config: &#config) -> Option<Asked<'_>> {
                Some(Asked { config: &config.loss.weighting, place: #place, scale_towers: #scale_towers })
            }
        }
    }

    /// What else the loss holds; nothing for most models.
    pub(super) fn terms_fn(&self) -> TokenStream {
        if self.model.terms.is_empty() {
            return TokenStream::new();
        }
        let config = self.own_type("Config");
        let mut heads = self.model.tasks.len() + self.further_columns()..;
        let terms = self.model.terms.iter().map(|term| {
            let field = ident(&term_field(self.model, term));
            match term {
                LossTerm::Order { task, bound, .. } => {
                    let (task, bound) = (names::whole(task.0), names::whole(bound.0));
                    quote! { Term::Order { task: #task, bound: #bound, weight: config.loss.#field } }
                }
                LossTerm::Causal { kind, task, .. } => {
                    let task = names::whole(task.0);
                    let head = kind.head().and_then(|_| heads.next()).map(names::whole);
                    let estimator = match kind {
                        Causal::Ips => quote! { Estimator::Ips },
                        Causal::Dr => quote! { Estimator::Dr { imputation: #head } },
                        Causal::Dcmt { .. } => quote! {
                            Estimator::Dcmt { opposite: #head, counterfactual: config.loss.#field.counterfactual }
                        },
                    };
                    quote! {
                        Term::Causal {
                            task: #task,
                            estimator: #estimator,
                            clip: config.loss.#field.clip,
                            weight: config.loss.#field.weight,
                        }
                    }
                }
            }
        });
        quote! { fn terms(config: &#config) -> Vec<Term> { Vec::from([#(#terms),*]) } }
    }

    /// What tasks teach each other; nothing for most models.
    pub(super) fn distill_fn(&self) -> TokenStream {
        let Some(distill) = &self.model.distill else { return TokenStream::new() };
        let config = self.own_type("Config");
        let terms = self.model.terms.iter();
        let heads = terms.filter(|term| matches!(term, LossTerm::Causal { kind, .. } if kind.head().is_some())).count();
        let first = self.model.tasks.len() + self.further_columns() + heads;
        let lessons = distill.lessons().enumerate().map(|(at, lesson)| {
            let [task, helper] = [lesson.task, lesson.helper].map(|task| names::whole(task.0));
            let score = names::whole(first + 3 * at);
            quote! { Lesson { task: #task, helper: #helper, score: #score } }
        });
        let taught = distill.teacher.iter().map(|task| names::whole(task.0));
        let numbers = distill.numbers(self.model);
        let temperature = match numbers {
            DistillNumbers::OfRegressions => quote! { 1.0 },
            _ => quote! { config.distill.temperature },
        };
        // Without pairs these decide nothing.
        let [correct, margin, comparisons, partners] = match numbers {
            DistillNumbers::OfPairs => {
                let (correct, of) = (distill.correct, quote! { config.distill });
                [quote! { #correct }, quote! { #of.margin }, quote! { #of.comparisons }, quote! { #of.partners }]
            }
            _ => [quote! { false }, quote! { 0.0 }, quote! { 1.0 }, quote! { 1 }],
        };
        quote! {
            fn distill(config: &#config) -> Option<Distill> {
                Some(Distill {
                    lessons: Vec::from([#(#lessons),*]),
                    taught: Vec::from([#(#taught),*]),
                    temperature: #temperature,
                    weight: config.distill.weight,
                    correct: #correct,
                    margin: #margin,
                    comparisons: #comparisons,
                    partners: #partners,
                    warm_up: config.distill.warm_up,
                })
            }
        }
    }

    /// The columns of logits behind the first of each task.
    fn further_columns(&self) -> usize {
        let further =
            |task: &crate::hir::Task| task.further_levels() + task.further_towers().len() + task.numbers() - 1;
        self.model.tasks.iter().map(further).sum()
    }
}

/// A method of weighting with its options, as the spec has them.
fn method_default(method: &Method) -> TokenStream {
    let kind = ident(&names::pascal(method.name));
    let options = method.options.iter().map(|(name, option)| {
        let name = ident(name);
        let value = match option {
            MethodOption::Number(None) => quote! { None },
            MethodOption::Number(Some(value)) if ["window"].contains(&name.to_string().as_str()) => {
                let value = names::whole(*value as usize);
                quote! { Some(#value) }
            }
            MethodOption::Number(Some(value)) if ["every", "first"].contains(&name.to_string().as_str()) => {
                names::whole(*value as usize).into_token_stream()
            }
            MethodOption::Number(Some(value)) => names::real(*value),
            MethodOption::Word(word) => quote! { #word.into() },
            MethodOption::Task(task) => names::whole(task.0).into_token_stream(),
            MethodOption::Each(values) => {
                let values = values.iter().map(|value| names::real(*value));
                quote! { vec![#(#values),*] }
            }
        };
        quote! { #name: #value }
    });
    let options: Vec<TokenStream> = options.collect();
    let kind = match options.is_empty() {
        true => quote! { MethodConfig::#kind },
        false => quote! { MethodConfig::#kind { #(#options),* } },
    };
    let list = |name: &str, values: &Option<Vec<f64>>| {
        values.as_ref().map(|values| {
            let (name, values) = (ident(name), values.iter().map(|value| names::real(*value)));
            quote! { .#name(vec![#(#values),*]) }
        })
    };
    let (floors, caps) = (list("with_floors", &method.floors), list("with_caps", &method.caps));
    let normalize = method.normalize.map(|word| quote! { .with_normalize(Some(#word.into())) });
    let warm_up = (method.warm_up > 0).then(|| {
        let epochs = names::whole(method.warm_up);
        quote! { .with_warm_up(#epochs) }
    });
    quote! { WeightingConfig::new(#kind) #normalize #warm_up #floors #caps }
}

/// The field of a term's numbers, which no task's weight has.
fn term_field(model: &hir::Model, term: &LossTerm) -> String {
    let text = |task: &hir::TaskId| &model.tasks[task.0].name.text;
    let plain = |term: &LossTerm| match term {
        LossTerm::Order { task, bound, .. } => format!("order_{}_{}", text(task), text(bound)),
        LossTerm::Causal { .. } => "causal".to_owned(),
    };
    let mut name = plain(term);
    let before = model.terms.iter().take_while(|other| *other != term);
    let same = before.filter(|other| plain(other) == name).count();
    name.extend(std::iter::repeat_n('_', same));
    while model.tasks.iter().any(|task| names::field(&task.name.text) == name) {
        name.push('_');
    }
    name
}
