//! The kernels' own text, compiled by the C compiler and run on fibers, against the reference: to the bit, whatever
//! runs beside.
#![cfg(feature = "emulator")]

mod problem;

use plasticity_bench_cuda::{Activation, Constraint, CudaError, Device, Engine, Load, Perturb, Shape};
use problem::{Problem, bits, fixed, hash, rational, shape, together};

fn emulator() -> Device {
    Device::Emulator(Vec::new())
}

const SCALARS: [Activation; 13] = [
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Elu,
    Activation::Celu,
    Activation::Selu,
    Activation::Gelu,
    Activation::Swish,
    Activation::Mish,
    Activation::Softplus,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Identity,
    Activation::SmoothLeaky,
];

/// Reference and emulator make the same bits of it, which are numbers and move.
fn agrees(problem: &Problem, what: &str) {
    let engine = Engine::new(&emulator(), &problem.network.shape).unwrap();
    let (ours, exact) = (problem.at(&engine.seat()), problem.by_reference());
    assert!(exact.0.iter().all(|taken| taken.loss.is_finite()), "{what}: {:?}", exact.0);
    assert_ne!(exact.1.p, problem.network.values.p, "{what}");
    assert_eq!(bits(&ours), bits(&exact), "{what}: {:?} {:?}", ours.0, exact.0);
}

#[test]
fn every_activation_gives_the_references_bits() {
    for activation in SCALARS {
        agrees(
            &Problem::new(&shape(&[37, 33, 9, 5], 6, activation), Constraint::None, 1, 6),
            &format!("{activation:?}"),
        );
    }
}

#[test]
fn every_rational_gives_the_references_bits() {
    for version in 0..5 {
        for (p, q) in [(5, 4), (1, 1), (3, 6), (9, 8)] {
            let mut problem =
                Problem::new(&shape(&[12, 40, 7, 4], 6, rational(version, p, q)), Constraint::None, 2, 6);
            if version == 4 {
                // Without poles, which end every run.
                let (places, _) = problem.network.shape.parameters();
                for set in places.iter().filter_map(|place| place.2) {
                    problem.network.values.p[set + usize::from(p) + 1..][..usize::from(q)].fill(0.01);
                }
            }
            agrees(&problem, &format!("version {version}, degrees {p} and {q}"));
        }
    }
}

#[test]
fn every_constraint_gives_the_references_bits() {
    let tail = Constraint::TailSlope { bound: 1.5, epsilon: 1e-3 };
    for (constraint, p, q) in [
        (Constraint::ProperDegree { epsilon: 1e-3 }, 4, 4),
        (tail, 5, 4),
        (Constraint::ProjectedTailSlope { bound: 0.1, epsilon: 1e-3 }, 5, 4),
        (Constraint::OutputBound { bound: 0.8 }, 5, 4),
        (Constraint::CoefficientBox, 5, 4),
        (Constraint::Lipschitz { bound: 0.9 }, 5, 4),
        (Constraint::UnitGain, 5, 4),
    ] {
        for version in 0..4 {
            let problem = Problem::new(&shape(&[12, 40, 7, 4], 6, rational(version, p, q)), constraint, 3, 8);
            agrees(&problem, &format!("{constraint:?}, version {version}"));
        }
    }
}

#[test]
fn a_projected_tail_is_held_where_it_is_steeper() {
    let (bound, epsilon) = (0.3, 1e-3);
    let constraint = Constraint::ProjectedTailSlope { bound, epsilon };
    let mut problem = Problem::new(&shape(&[12, 40, 7, 4], 6, rational(0, 5, 4)), constraint, 3, 1);
    let sets: Vec<usize> = problem.network.shape.parameters().0.iter().filter_map(|place| place.2).collect();
    // One is far beyond its bound, the other far within.
    (problem.network.values.p[sets[0] + 5], problem.network.values.p[sets[0] + 9]) = (2.0, 0.5);
    (problem.network.values.p[sets[1] + 5], problem.network.values.p[sets[1] + 9]) = (0.1, 2.0);
    agrees(&problem, "projected");
    let p = problem.by_reference().1.p;
    let most = |set: usize| (bound * (f64::from(p[set + 9]).abs() + epsilon)) as f32;
    assert_eq!(p[sets[0] + 5], most(sets[0]));
    let within = p[sets[1] + 5].abs() / most(sets[1]);
    assert!(within < 0.9, "{within}");
}

/// Inputs of 10⁵ take the way in f64; beside them are ordinary ones.
#[test]
fn what_is_far_out_gives_the_references_bits() {
    for (version, p, q) in [(0, 5, 4), (1, 3, 4), (2, 4, 3), (3, 5, 4)] {
        let mut problem =
            Problem::new(&shape(&[12, 35, 4], 6, rational(version, p, q)), Constraint::None, 4, 5);
        problem.inputs.iter_mut().step_by(3).for_each(|x| *x *= 1e5);
        agrees(&problem, &format!("version {version}"));
    }
}

#[test]
fn every_size_method_and_optimiser_gives_the_references_bits() {
    for (sizes, batch) in
        [(&[70, 3][..], 1), (&[5, 130, 3], 17), (&[33, 31, 32, 33, 2], 64), (&[8, 6, 3], 150)]
    {
        for activation in [Activation::Tanh, rational(0, 5, 4)] {
            agrees(
                &Problem::new(&shape(sizes, batch, activation), Constraint::None, 5, 4),
                &format!("{sizes:?}"),
            );
        }
    }
    for (sgd, l2_init) in [(true, false), (false, true), (true, true)] {
        let mut shape = shape(&[20, 12, 4], 5, rational(0, 3, 2));
        (shape.sgd, shape.l2_init) = (sgd, l2_init);
        agrees(&Problem::new(&shape, Constraint::None, 6, 12), &format!("sgd {sgd}, l2-init {l2_init}"));
    }
}

/// Draws of every step: numbers of fewer blocks than one, and of several.
#[test]
fn every_perturbation_gives_the_references_bits() {
    for perturb in [Perturb::Start, Perturb::Normal, Perturb::Fresh] {
        for (sizes, activation) in [
            (&[3, 2][..], Activation::Relu),
            (&[37, 33, 9, 5], Activation::Tanh),
            (&[12, 40, 7, 4], rational(3, 5, 4)),
        ] {
            let shape = Shape { perturb, ..shape(sizes, 6, activation) };
            agrees(&Problem::new(&shape, Constraint::None, 8, 9), &format!("{perturb:?}, {sizes:?}"));
        }
    }
    let shape = Shape {
        perturb: Perturb::Fresh,
        l2_init: true,
        sgd: true,
        ..shape(&[20, 12, 4], 5, Activation::Relu)
    };
    agrees(&Problem::new(&shape, Constraint::None, 9, 9), "with a penalty, and SGD");
}

#[test]
fn a_network_is_the_same_alone_and_among_others() {
    for (activation, perturb, constraint) in [
        (Activation::Relu, Perturb::Normal, Constraint::None),
        (rational(3, 5, 4), Perturb::No, Constraint::Lipschitz { bound: 0.9 }),
        (rational(0, 5, 4), Perturb::Fresh, Constraint::UnitGain),
    ] {
        let shape = Shape { perturb, ..shape(&[12, 10, 6, 4], 6, activation) };
        // As many steps as a round takes at most, and more, and fewer.
        let problems: Vec<Problem> =
            (0..17).map(|seed| Problem::new(&shape, constraint, seed, 3 + 9 * seed as usize)).collect();
        let exact: Vec<Vec<u32>> = problems.iter().map(|problem| bits(&problem.by_reference())).collect();
        for number in [1, 3, 17] {
            let engine = Engine::new(&emulator(), &shape).unwrap();
            let ours = together(&engine, &problems[..number]);
            for (seed, (ours, exact)) in ours.iter().zip(&exact).enumerate() {
                assert_eq!(&bits(ours), exact, "{activation:?}, seed {seed} among {number}");
            }
        }
        // Steps in pieces, the network taken away and brought back between them, its place another one.
        let (problem, engine) = (&problems[5], Engine::new(&emulator(), &shape).unwrap());
        let steps = problem.steps.steps.len();
        let mut taken = Vec::new();
        let mut load = problem.load();
        for (from, to) in [(0, 1), (1, 20), (20, steps)] {
            let (before, seat) = (engine.seat(), engine.seat());
            before.load(problems[2].load()).unwrap();
            seat.load(load).unwrap();
            taken.extend(seat.start(problem.part(from, to)).wait().unwrap());
            load = Load { values: seat.store().unwrap(), ..problem.load() };
        }
        assert_eq!(bits(&(taken, load.values)), exact[5]);
    }
}

/// The one that diverges keeps what it had before the step; the others do not notice.
#[test]
fn one_that_diverges_stops_alone() {
    let shape = shape(&[12, 10, 6, 4], 6, Activation::Identity);
    let mut problems: Vec<Problem> =
        (0..3).map(|seed| Problem::new(&shape, Constraint::None, seed, 30)).collect();
    problems[1].steps.steps[7].weights.step_size = 1e30;
    let exact: Vec<_> = problems.iter().map(Problem::by_reference).collect();
    assert_eq!(exact.iter().map(|(taken, _)| taken.len()).collect::<Vec<_>>(), [30, 9, 30]);
    let engine = Engine::new(&emulator(), &shape).unwrap();
    for (ours, exact) in together(&engine, &problems).iter().zip(&exact) {
        assert_eq!(bits(ours), bits(exact));
    }
}

/// What a card cannot be asked any more after a fault: every network gets the error, and nothing hangs.
#[test]
fn a_fault_ends_what_all_networks_wait_for() {
    let shape = shape(&[12, 10, 6, 4], 6, Activation::Relu);
    let engine = Engine::new(&Device::Emulator(vec!["-DEMULATED_FAULT=100".into()]), &shape).unwrap();
    let problems: Vec<Problem> =
        (0..3).map(|seed| Problem::new(&shape, Constraint::None, seed, 70)).collect();
    let loaded = std::sync::Barrier::new(3);
    let fails = |problem: &Problem| {
        let seat = engine.seat();
        seat.load(problem.load()).unwrap();
        loaded.wait();
        let stopped = seat.start(problem.part(0, 70)).wait().unwrap_err();
        let after = [seat.store().unwrap_err(), seat.start(problem.part(0, 1)).wait().unwrap_err()];
        assert!(after.iter().all(|error| *error == stopped), "{after:?}");
        stopped.to_string()
    };
    let said: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = problems.iter().map(|problem| scope.spawn(|| fails(problem))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(said.iter().all(|said| said.contains("a fault was asked for")), "{said:?}");
}

/// Every operation is rounded once, whatever the compiler does with the text.
#[test]
fn the_compilers_flags_change_no_bit() {
    let shape = shape(&[12, 40, 7, 4], 6, rational(1, 5, 4));
    let problem = Problem::new(&shape, Constraint::TailSlope { bound: 1.0, epsilon: 1e-3 }, 7, 6);
    let exact = bits(&problem.by_reference());
    for flags in [&["-O1", "-mno-fma"][..], &["-O3", "-march=native", "-funroll-loops"]] {
        if !cfg!(target_arch = "x86_64") {
            return;
        }
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let engine = Engine::new(&Device::Emulator(flags), &shape).unwrap();
        assert_eq!(bits(&problem.at(&engine.seat())), exact);
    }
}

#[test]
fn without_a_driver_it_is_said() {
    let gpu = Engine::new(&Device::Gpu(0), &shape(&[3, 2], 1, Activation::Relu));
    match gpu.map(|_| ()) {
        Ok(()) | Err(CudaError::NoDevice { .. } | CudaError::NoCompiler | CudaError::Device(_)) => {
            eprintln!("SKIPPED: there is a driver here");
        }
        Err(error) => assert_eq!(error, CudaError::NoDriver),
    }
    assert!(plasticity_bench_cuda::describe(999).is_err());
}

/// What a GPU is held against is what the kernels make here. After a change of the arithmetic that is meant, raise
/// `KERNELS` in source.rs and write the file anew: `cargo run --release -p plasticity-bench-cuda --features emulator
/// --example device -- hashes emulator`.
#[test]
fn the_kept_hashes_are_the_emulators() {
    let made = fixed().into_iter().map(|(name, problem)| {
        let engine = Engine::new(&emulator(), &problem.network.shape).unwrap();
        let ours = problem.at(&engine.seat());
        assert!(ours.0.iter().all(|taken| taken.loss.is_finite()), "{name}");
        format!("{name} {:016x}\n", hash(&ours))
    });
    assert_eq!(made.collect::<String>(), include_str!("hashes.txt"));
}

/// The same problems by the reference, whose bits they are too.
#[test]
fn the_kept_hashes_are_the_references() {
    let small = fixed().into_iter().filter(|(_, problem)| problem.network.shape.sizes[0] < 100);
    for (name, problem) in small {
        let line = format!("{name} {:016x}\n", hash(&problem.by_reference()));
        assert!(include_str!("hashes.txt").contains(&line), "{line}");
    }
}
