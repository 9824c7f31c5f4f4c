//! What tasks teach each other: CrossDistil against PyTorch, its gradients, its options, and a served network without it.

use mtl_runtime::__private::burn::tensor::Tensor;
use mtl_runtime::loss::{Distill, Known, task_losses};
use mtl_runtime::model::Pass;
use mtl_runtime::{Model, Trained, Trainer, mtl};
use mtl_tests::training::{config, fit, folder, splits};
use mtl_tests::{
    Array, assert_close, gradients, gradients_of, input, logits, network, normal, numbers, values, width, with,
};

mtl! { model Small {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary; task second: binary;
    let h = mlp(x, [3]);
    tower each = mlp(h, [2]);
    distill { pairs: [(first, second)], temperature: 1.7, weight: 0.35, margin: -0.4, partners: 1000 }
} }

mtl! { model Plain {
    features x {
        a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
    }
    task first: binary; task second: binary;
    let h = mlp(x, [3]);
    tower each = mlp(h, [2]);
} }

mtl! { model Wide {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task first: binary; task second: binary;
    let h = mlp(x, [16]);
    tower each = mlp(h, [16]);
    distill { pairs: [(first, second)] }
} }

mtl! { model Pair {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary; task two: binary;
    let h = mlp(x, [8], dropout: 0.1);
    tower each = mlp(h, [4]);
    distill { pairs: [(one, two)], warm_up: 1 }
    train { epochs: 3, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model Uncorrected {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary; task two: binary;
    let h = mlp(x, [8], dropout: 0.1);
    tower each = mlp(h, [4]);
    distill { pairs: [(one, two)], correct: false, warm_up: 1 }
    train { epochs: 3, batch: 64, optimizer: adam(lr: 0.01) }
} }

mtl! { model Balanced {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean) }
    task one: binary; task two: binary;
    let h = mlp(x, [8]);
    tower one = mlp(h, [4]);
    tower two = mlp(h, [5]);
    loss { weighting: cagrad }
    distill { pairs: [(two, one)], warm_up: 1 }
    train { epochs: 2, batch: 64, optimizer: adam(lr: 0.01) }
} }

fn of<M: Model>() -> Distill {
    M::distill(&M::default_config()).expect("it distills")
}

/// A golden with what stands beside the tasks' losses.
#[derive(serde::Deserialize)]
struct Beside {
    beside: Vec<f32>,
}

/// The parts of a training step's loss on these rows: the tasks' losses, and what stands beside them.
fn parts<M: Model>(
    network: &M,
    x: Tensor<3>,
    labels: &[f32],
    weights: &[f32],
    share: f64,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let schema = M::schema(&M::default_config());
    let logits = network.forward(x, &Pass::training(0, 0));
    let losses = task_losses(&schema, logits.clone(), labels, weights);
    let known = Known { schema: &schema, labels, weights, said: &[] };
    let teachers = of::<M>().teachers(&logits, &known);
    (of::<M>().students(share, losses, &logits, &known), teachers.into_iter().map(|(_, loss)| loss).collect())
}

#[test]
fn cross_distil_agrees_with_pytorch() {
    let golden = mtl_tests::golden("distill");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/distill.json");
    let beside: Beside = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let network = with(network::<Small>(0), |path, shape| {
        let array: &Array = &golden.parameters[path];
        assert_eq!(array.shape, shape, "{path}");
        Some(array.f32())
    });
    assert_eq!(values(&network).len(), golden.parameters.len());
    let (labels, weights) = (golden.labels.f32(), golden.weights.f32());
    assert_close("logits", &logits(&network, &golden.x.f32()), &golden.logits.f32(), 1e-5);
    let x = input::<Small>(&golden.x.f32()).require_grad();
    let (losses, teachers) = parts(&network, x.clone(), &labels, &weights, 0.35);
    assert_close("students", &numbers(losses.clone()), &golden.losses.f32(), 1e-5);
    let found: Vec<f32> = teachers.iter().flat_map(|loss| numbers(loss.clone())).collect();
    assert_close("teachers and calibrations", &found, &beside.beside, 1e-5);
    let loss = teachers.into_iter().fold(losses.sum(), |sum, loss| sum + loss);
    for (path, gradient) in &gradients_of(&network, loss) {
        assert_close(path, gradient, &golden.gradients[path].f32(), 1e-5);
    }
}

const ROWS: usize = 12;

fn labels() -> Vec<f32> {
    (0..ROWS).flat_map(|row| [f32::from(row % 2 == 0), f32::from(row % 4 < 2)]).collect()
}

fn moved(gradient: &[f32]) -> bool {
    gradient.iter().any(|slope| *slope != 0.0)
}

/// Which of a name's parameters a loss reaches.
fn reaches<M: Model>(network: &M, loss: Tensor<1>) -> Vec<String> {
    let found = gradients_of(network, loss);
    let mut blocks: Vec<String> = Vec::new();
    for (path, _) in found.iter().filter(|(_, gradient)| moved(gradient)) {
        let block = path.split('.').next().unwrap_or_default().to_owned();
        if !blocks.contains(&block) {
            blocks.push(block);
        }
    }
    blocks
}

#[test]
fn each_part_of_the_loss_trains_its_own_parameters() {
    let network = network::<Wide>(1);
    let x = || input::<Wide>(&normal("rows", ROWS * width::<Wide>()));
    let parts = || parts(&network, x(), &labels(), &[1.0; 2 * ROWS], 1.0);
    // The teachers' share alone reaches no teacher and no calibration.
    assert_eq!(reaches(&network, parts().0.sum()), ["h", "tower_each"]);
    let beside = |at: usize| reaches(&network, parts().1.remove(at));
    assert_eq!(beside(0), ["h", "tower_first_then_second"]);
    assert_eq!(beside(1), ["tower_first_then_second_calibration"]);
    assert_eq!(beside(2), ["h", "tower_second_then_first"]);
    assert_eq!(beside(3), ["tower_second_then_first_calibration"]);
}

#[test]
fn one_backward_pass_gives_the_gradients_of_steps_in_turn() {
    let network = network::<Wide>(1);
    let x = || input::<Wide>(&normal("rows", ROWS * width::<Wide>()));
    let parts = || parts(&network, x(), &labels(), &[1.0; 2 * ROWS], 0.5);
    let (students, beside) = parts();
    let together = gradients_of(&network, beside.into_iter().fold(students.sum(), |sum, loss| sum + loss));
    // Model and calibration, each with its own backward pass.
    let (students, mut beside) = parts();
    let model = gradients_of(&network, students.sum() + beside.remove(0) + beside.remove(1));
    let (_, mut beside) = parts();
    let calibration = gradients_of(&network, beside.remove(1) + beside.remove(2));
    for (path, gradient) in &together {
        let own = if path.contains("calibration") { &calibration } else { &model };
        let other = if path.contains("calibration") { &model } else { &calibration };
        assert!(!moved(&other[path]), "{path}");
        assert_close(path, gradient, &own[path], 1e-6);
    }
}

#[test]
fn without_a_share_students_have_the_gradients_of_plain_training() {
    let small = network::<Small>(1);
    let plain = with(network::<Plain>(2), |path, _| Some(values(&small)[path].clone()));
    // A start depends on the seed and the path alone.
    assert_eq!(values(&plain), values(&network::<Plain>(1)));
    let x = normal("rows", ROWS * width::<Small>());
    let expected = gradients(&plain, &x, &labels(), &[1.0; 2 * ROWS], &[1.0, 1.0]);
    let (losses, _) = parts(&small, input::<Small>(&x), &labels(), &[1.0; 2 * ROWS], 0.0);
    assert_eq!(numbers(losses.clone()), expected.losses);
    for (path, gradient) in gradients_of(&small, losses.sum()) {
        match expected.of.get(&path) {
            Some(of_plain) => assert_eq!(&gradient, of_plain, "{path}"),
            None => assert!(!moved(&gradient), "{path}"),
        }
    }
}

#[test]
fn a_served_network_has_the_columns_of_its_tasks_alone() {
    let small = network::<Small>(1);
    let x = normal("rows", ROWS * width::<Small>());
    let serving = logits(&small, &x);
    let training = numbers(small.forward(input::<Small>(&x), &Pass::training(0, 0)));
    assert_eq!((serving.len(), training.len()), (ROWS * 2, ROWS * 8));
    for (serving, training) in serving.chunks(2).zip(training.chunks(8)) {
        assert_eq!(serving, &training[..2]);
        // Calibrations start from 0, the same for each row.
        assert_eq!([training[3], training[4], training[6], training[7]], [0.0; 4]);
    }
}

/// The parameters of a network, by path.
fn trained<M: Model>(trained: &Trained<M>) -> Vec<(String, Vec<f32>)> {
    values(trained.predictor.network()).into_iter().collect()
}

#[test]
fn every_option_changes_the_training() {
    let settings = |more: &[&str]| trained(&fit::<Pair>("distill_options", more));
    let plain = settings(&[]);
    assert_eq!(plain, settings(&[]), "the same seed");
    for change in [
        "distill.temperature=3.0",
        "distill.weight=0.9",
        "distill.margin=1.0",
        "distill.comparisons=0.1",
        "distill.partners=1",
        "distill.warm_up=2",
        "train.seed=5",
    ] {
        assert_ne!(plain, settings(&[change]), "{change}");
    }
    assert_ne!(plain, trained(&fit::<Uncorrected>("distill_options", &[])), "correct: false");
    for wrong in ["distill.temperature=0.0", "distill.weight=1.5"] {
        let refused = Trainer::<Pair>::new(config::<Pair>(&[wrong]), splits("distill_wrong")).fit();
        assert!(refused.err().is_some_and(|error| error.to_string().contains("distill.")), "{wrong}");
    }
}

#[test]
fn an_epoch_reports_teachers_and_calibrations() {
    let found = fit::<Balanced>("distill_report", &[]);
    let names: Vec<&str> = found.report.epochs[0].penalties.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["calibration.one>two", "calibration.two>one", "teacher.one>two", "teacher.two>one"]);
    let loss = |epoch: usize, name: &str| *found.report.epochs[epoch].penalties.get(name).unwrap();
    for name in names {
        assert!(loss(1, name) < loss(0, name), "{name}: {} after {}", loss(1, name), loss(0, name));
    }
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one() {
    let folder = folder("distill_resume");
    let run = |file: &str, stop: Option<u64>, resume: bool| {
        Trainer::<Pair>::new(config::<Pair>(&["distill.warm_up=2"]), splits("distill_resume"))
            .checkpoint(folder.join(file))
            .stop_after(stop)
            .resume(resume)
            .fit()
            .expect("the training ends")
    };
    let straight = run("straight", None, false);
    // 7 batches an epoch: in the middle of the second.
    assert!(run("resumed", Some(10), false).stopped);
    let resumed = run("resumed", None, true);
    assert_eq!(trained(&straight), trained(&resumed));
    let losses =
        |run: &Trained<Pair>| run.report.epochs.iter().map(|epoch| epoch.penalties.clone()).collect::<Vec<_>>();
    assert_eq!(losses(&straight), losses(&resumed));
}
