//! A saved model as the teacher: against PyTorch, what each option changes, what is refused, and the command line.

use std::process::ExitCode;

use mtl_runtime::__private::burn::tensor::Tensor;
use mtl_runtime::data::{Labels, Table};
use mtl_runtime::loss::{Distill, Known, task_losses};
use mtl_runtime::model::Pass;
use mtl_runtime::{Model, Predictor, Splits, Trained, Trainer, app, mtl};
use mtl_tests::training::{config, fit, folder, splits};
use mtl_tests::{Array, assert_close, gradients_of, input, network, normal, numbers, values, with};

mtl! { model Small {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary; task second: binary given first; task third: regression(transform: log1p);
    let h = mlp(x, [3]);
    tower each = mlp(h, [2]);
    distill { teacher: [second, third, first], temperature: 1.7, weight: 0.35 }
} }

mtl! { model Big {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary; task two: binary;
    let h = mlp(x, [16]);
    tower each = mlp(h, [8]);
    train { epochs: 8, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model Pupil {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary; task two: binary;
    let h = mlp(x, [8], dropout: 0.1);
    tower each = mlp(h, [4]);
    distill { teacher: [one, two], warm_up: 1 }
    train { epochs: 3, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model Both {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary; task two: binary;
    let h = mlp(x, [8]);
    tower one = mlp(h, [4]);
    tower two = mlp(h, [5]);
    loss { weighting: cagrad }
    distill { pairs: [(one, two)], teacher: [two] }
    train { epochs: 2, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model Amounts {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: regression(loss: huber);
    tower one = mlp(x, [4]);
    distill { teacher: [one], warm_up: 1 }
    train { epochs: 3, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model BigAmounts {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: regression;
    task two: binary;
    tower each = mlp(x, [16]);
    train { epochs: 3, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model Counts {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: count;
    tower one = mlp(x, [4]);
    train { epochs: 1, batch: 64 }
} }

mtl! { model Within {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary(where: two == 1); task two: binary;
    tower each = mlp(x, [4]);
    train { epochs: 1, batch: 64 }
} }

#[derive(serde::Deserialize)]
struct Said {
    said: Array,
}

#[test]
fn distillation_agrees_with_pytorch() {
    let golden = mtl_tests::golden("teacher");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/teacher.json");
    let Said { said } = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // The golden has tasks in their order, the spec names them in another.
    let said: Vec<f32> = said.f32().chunks(3).flat_map(|row| [row[1], row[2], row[0]]).collect();
    let network = with(network::<Small>(0), |path, shape| {
        let array: &Array = &golden.parameters[path];
        assert_eq!(array.shape, shape, "{path}");
        Some(array.f32())
    });
    let distill: Distill = Small::distill(&SmallConfig::new()).expect("it distills");
    let (labels, weights) = (golden.labels.f32(), golden.weights.f32());
    let schema = Small::schema(&SmallConfig::new());
    let logits: Tensor<2> = network.forward(input::<Small>(&golden.x.f32()), &Pass::training(0, 0));
    assert_close("logits", &numbers(logits.clone()), &golden.logits.f32(), 1e-5);
    let losses = task_losses(&schema, logits.clone(), &labels, &weights);
    let known = Known { schema: &schema, labels: &labels, weights: &weights, said: &said };
    assert!(distill.teachers(&logits, &known).is_empty());
    let losses = distill.students(0.35, losses, &logits, &known);
    assert_close("losses", &numbers(losses.clone()), &golden.losses.f32(), 1e-5);
    for (path, gradient) in &gradients_of(&network, losses.sum()) {
        assert_close(path, gradient, &golden.gradients[path].f32(), 1e-5);
    }
}

/// Trains under a teacher. Without validation rows the last epoch is kept.
fn taught<M: Model, T: Model>(name: &str, teacher: &Predictor<T>, settings: &[&str]) -> Trained<M> {
    let splits = Splits { validation: Table::default(), ..splits(name) };
    let trainer = Trainer::<M>::new(config::<M>(settings), splits).teacher(teacher);
    trainer.fit().unwrap_or_else(|error| panic!("{error}"))
}

fn trained<M: Model>(trained: &Trained<M>) -> Vec<(String, Vec<f32>)> {
    values(trained.predictor.network()).into_iter().collect()
}

#[test]
fn every_option_changes_the_training() {
    let name = "teacher_options";
    let teacher = fit::<Big>(name, &[]).predictor;
    let plain = trained(&taught::<Pupil, _>(name, &teacher, &[]));
    assert_eq!(plain, trained(&taught::<Pupil, _>(name, &teacher, &[])), "the same teacher and seed");
    let changes = ["distill.temperature=3.0", "distill.weight=0.9", "distill.weight=0.0", "distill.warm_up=2"];
    for change in changes {
        assert_ne!(plain, trained(&taught::<Pupil, _>(name, &teacher, &[change])), "{change}");
    }
    let other = fit::<Big>(name, &["train.seed=3"]).predictor;
    assert_ne!(plain, trained(&taught::<Pupil, _>(name, &other, &[])), "another teacher");
    let teacher = fit::<BigAmounts>(name, &[]).predictor;
    let plain = trained(&taught::<Amounts, _>(name, &teacher, &[]));
    for change in ["distill.weight=0.9", "distill.warm_up=2"] {
        assert_ne!(plain, trained(&taught::<Amounts, _>(name, &teacher, &[change])), "{change} of numbers");
    }
    for wrong in ["distill.temperature=0.0", "distill.weight=1.5"] {
        let trainer = Trainer::<Pupil>::new(config::<Pupil>(&[wrong]), splits(name)).teacher(&other);
        assert!(trainer.fit().err().is_some_and(|error| error.to_string().contains("distill.")), "{wrong}");
    }
}

#[test]
fn a_student_orders_as_its_teacher_where_labels_say_the_opposite() {
    let name = "teacher_orders";
    let teacher = fit::<Big>(name, &[]).predictor;
    let flipped = |table: &Table, task: &str| Labels(table.numbers(task).unwrap().iter().map(|y| 1.0 - y).collect());
    let auc = |settings: &[&str]| {
        let Splits { train, test, .. } = splits(name);
        let (one, two) = (flipped(&train, "one"), flipped(&train, "two"));
        let columns = train.columns().filter(|(name, _)| !["one", "two"].contains(name));
        let columns = columns.map(|(name, column)| (name.to_owned(), column.clone()));
        let train = Table::from_columns(columns).unwrap().with_column("one", one).unwrap();
        let splits =
            Splits { train: train.with_column("two", two).unwrap(), validation: Table::default(), test: test.clone() };
        let trained = Trainer::<Pupil>::new(config::<Pupil>(settings), splits).teacher(&teacher).fit();
        let found = trained.unwrap_or_else(|error| panic!("{error}")).predictor.evaluate(&test.unwrap()).unwrap();
        found.tasks.get("one").unwrap().auc.unwrap()
    };
    let epochs = "train.epochs=12";
    let (its, labels) = (auc(&["distill.weight=1.0", epochs]), auc(&["distill.weight=0.0", epochs]));
    assert!(its > 0.85 && labels < 0.15, "{its} of the teacher, {labels} of the labels");
}

#[test]
fn a_saved_teacher_stands_beside_pairs() {
    let name = "teacher_beside";
    let teacher = fit::<Big>(name, &[]).predictor;
    let found = taught::<Both, _>(name, &teacher, &[]);
    let names: Vec<&str> = found.report.epochs[0].penalties.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["calibration.one>two", "calibration.two>one", "teacher.one>two", "teacher.two>one"]);
    let other = fit::<Big>(name, &["train.seed=3"]).predictor;
    assert_ne!(trained(&found), trained(&taught::<Both, _>(name, &other, &[])));
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one_and_has_its_teacher() {
    let name = "teacher_resume";
    let (teacher, other) = (fit::<Big>(name, &[]).predictor, fit::<Big>(name, &["train.seed=3"]).predictor);
    let file = |of: &str| folder(name).join(of);
    let run = |of: &str, stop: Option<u64>, resume: bool, teacher: Option<&Predictor<Big>>| {
        let trainer = Trainer::<Pupil>::new(config::<Pupil>(&["distill.warm_up=2"]), splits(name));
        let trainer = trainer.checkpoint(file(of)).stop_after(stop).resume(resume);
        match teacher {
            Some(teacher) => trainer.teacher(teacher).fit(),
            None => trainer.fit(),
        }
    };
    let straight = run("straight", None, false, Some(&teacher)).unwrap_or_else(|error| panic!("{error}"));
    // 7 batches an epoch: in the middle of the second.
    assert!(run("resumed", Some(10), false, Some(&teacher)).unwrap_or_else(|error| panic!("{error}")).stopped);
    let refused = |teacher| run("resumed", None, true, teacher).err().expect("it is refused").to_string();
    assert!(refused(Some(&other)).contains("its teacher was another Big"), "{}", refused(Some(&other)));
    assert!(refused(None).contains("`one`, `two` of Pupil wants a saved model"), "{}", refused(None));
    let resumed = run("resumed", None, true, Some(&teacher)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(trained(&straight), trained(&resumed));
    // What is saved serves without it.
    let loaded = Predictor::<Pupil>::load(file("resumed")).unwrap();
    assert_eq!(values(loaded.network()), values(resumed.predictor.network()));
    // The next generation learns from the last.
    let again = taught::<Pupil, _>(name, &loaded, &[]);
    assert_ne!(trained(&again), trained(&resumed));
}

#[test]
fn teachers_that_cannot_teach_are_refused() {
    let name = "teacher_wrong";
    fn refused<M: Model, T: Model>(name: &str, teacher: &Predictor<T>) -> String {
        let trained = Trainer::<M>::new(M::default_config(), splits(name)).teacher(teacher).fit();
        trained.err().expect("it is refused").to_string()
    }
    let big = fit::<Big>(name, &[]).predictor;
    let message = refused::<Big, _>(name, &big);
    assert!(message.contains("the teacher Big is given, and no task of Big learns from one"), "{message}");
    let message = refused::<Amounts, _>(name, &big);
    assert!(message.contains("has a task `one`, but one of another kind"), "{message}");
    let numbers = fit::<BigAmounts>(name, &[]).predictor;
    let message = refused::<Pupil, _>(name, &numbers);
    assert!(message.contains("says nothing that is a probability"), "{message}");
    let counts = fit::<Counts>(name, &[]).predictor;
    let message = refused::<Amounts, _>(name, &counts);
    assert!(message.contains("says nothing that is a mean"), "{message}");
    let message = refused::<Pupil, _>(name, &fit::<Within>(name, &[]).predictor);
    assert!(message.contains("predicts `one` of other rows"), "{message}");
    let message = refused::<Both, _>(name, &counts);
    assert!(message.contains("the teacher Counts has no task `two`; it has `one`"), "{message}");
    let alone = Trainer::<Amounts>::new(AmountsConfig::new(), splits(name)).fit().err().expect("it wants one");
    assert!(alone.to_string().contains("`--teacher FILE` names it, in a program `Trainer::teacher`"), "{alone}");
}

mtl! { model Narrow {
    features x { a: number(missing: mean), b: number(missing: mean) }
    task one: binary;
    tower one = mlp(x, [4]);
    distill { teacher: [one] }
    train { epochs: 2, batch: 64, optimizer: adam(lr: 0.01) }
} }

fn succeeds(code: ExitCode) -> bool {
    format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
}

fn big(arguments: &[&str]) -> bool {
    succeeds(app::<Big>().main_from([&["big"], arguments].concat()))
}

fn narrow(arguments: &[&str]) -> bool {
    succeeds(app::<Narrow>().teacher::<Big>().main_from([&["narrow"], arguments].concat()))
}

#[test]
fn the_command_line_names_the_teacher_and_reads_its_columns() {
    let folder = folder("teacher_command");
    let at = |file: &str| folder.join(file).to_string_lossy().into_owned();
    let mut csv = String::from("a,b,c,one,two\n");
    for row in normal("teacher_command", 600).chunks(3) {
        csv += &format!("{},{},{},{},1\n", row[0], row[1], row[2], u8::from(row[0] + row[1] > 0.0));
    }
    let train = at("train.csv");
    std::fs::write(&train, csv.replace(",1\n", ",0\n").replacen(",0\n", ",1\n", 50)).unwrap();
    // Validation rows need the student's columns alone.
    let validation = at("validation.csv");
    std::fs::write(&validation, "a,b,one\n0.5,0.5,1\n-0.5,-0.1,0\n").unwrap();
    let (teacher, out) = (at("big"), at("narrow"));
    assert!(big(&["train", "--train", &train, "--out", &teacher]));
    let rows = ["train", "--train", &train, "--validation", &validation, "--out", &out];
    assert!(narrow(&[&rows[..], &["--teacher", &teacher]].concat()));
    assert!(!narrow(&rows), "the spec wants a teacher");
    assert!(!narrow(&[&rows[..], &["--teacher", &at("nobody")]].concat()), "there is no such file");
    assert!(!narrow(&[&rows[..], &["--teacher", &out]].concat()), "it holds another model");
    assert!(!big(&["train", "--train", &train, "--out", &at("other"), "--teacher", &teacher]), "no task wants one");
    let mut damaged = std::fs::read(&teacher).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    std::fs::write(&teacher, damaged).unwrap();
    assert!(!narrow(&[&rows[..], &["--teacher", &teacher]].concat()), "it is damaged");
    // Without another model named, the next generation learns from a file of the same.
    let generation = at("generation");
    let again = |arguments: &[&str]| succeeds(app::<Narrow>().main_from([&["narrow"], arguments].concat()));
    assert!(again(&["train", "--train", &train, "--out", &generation, "--teacher", &out]));
    assert!(
        !again(&["train", "--train", &train, "--out", &generation, "--teacher", &out, "--resume"]),
        "it is finished"
    );
}
