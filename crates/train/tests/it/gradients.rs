//! Gradients against finite differences, and packing against one row at a time.

use proptest::prelude::*;
use strawberry_train::network::batch::{Batch, Sequence};
use strawberry_train::network::{Gradients, Keep, Network, Scope};
use strawberry_train::ops::loss::{Divergence, divergence};

use crate::{sequences, tiny};

const LORA: Scope = Scope::Lora { rank: 4, alpha: 8.0 };

fn batch(rows: &[Sequence], network: &Network) -> Batch {
    Batch::new(&rows.iter().collect::<Vec<_>>(), network.config().vocab_size).unwrap()
}

/// Different for each target, some negative (as in reinforcement learning).
fn weights(batch: &Batch) -> Vec<f32> {
    (0..batch.targets.len())
        .map(|i| 0.5 + (i as f32 * 1.3).sin())
        .collect()
}

fn loss(network: &Network, batch: &Batch) -> f64 {
    let activations = network.forward(batch, Keep::Nothing);
    let all = network.log_probabilities(batch, &activations);
    all.iter()
        .zip(weights(batch))
        .map(|(l, w)| -f64::from(*l) * f64::from(w))
        .sum()
}

/// Moves one tensor at a time along its own gradient; the loss has to change by the gradient's square length.
fn check(network: &mut Network, gradients: &Gradients, loss: impl Fn(&Network) -> f64) {
    let all: Vec<Vec<f32>> = gradients.parts().cloned().collect();
    assert_eq!(all.len(), network.trainable().len());
    for (i, g) in all.iter().enumerate() {
        let name = network.trainable()[i].name.clone();
        let square: f64 = g.iter().map(|g| f64::from(*g).powi(2)).sum();
        assert!(square > 0.0, "{name} gets no gradient");
        // Along the gradient, and along a direction of alternating signs.
        let directions = [
            g.iter().map(|g| g / square.sqrt() as f32).collect::<Vec<f32>>(),
            g.iter()
                .enumerate()
                .map(|(j, g)| if (j / 3) % 2 == 0 { *g } else { -0.5 * g } / square.sqrt() as f32)
                .collect(),
        ];
        for direction in directions {
            let slope: f64 = direction
                .iter()
                .zip(g)
                .map(|(d, g)| f64::from(*d) * f64::from(*g))
                .sum();
            let step = 0.02;
            let mut at = |h: f32| {
                let before = network.trainable()[i].data.clone();
                for (w, d) in network.trainable_mut()[i].data.iter_mut().zip(&direction) {
                    *w += h * d;
                }
                let value = loss(network);
                network.trainable_mut()[i].data = before;
                value
            };
            // Fourth-order central difference.
            let difference = (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step)))
                / (12.0 * f64::from(step));
            let error = (difference - slope).abs() / square.sqrt().max(1e-2);
            assert!(
                error < 5e-3,
                "{name}: the loss changes by {difference}, the gradient says {slope}"
            );
        }
    }
}

fn with_busy_adapters(network: &mut Network) {
    // B starts at zero, which would hide A's gradient.
    for (i, t) in network.trainable_mut().into_iter().enumerate() {
        for (j, w) in t.data.iter_mut().enumerate() {
            *w += ((i * 31 + j) as f32 * 0.7).sin() * 0.1;
        }
    }
}

#[test]
fn every_weight_has_the_gradient_of_finite_differences() {
    for (scope, keep) in [(Scope::Full, Keep::Everything), (LORA, Keep::Inputs)] {
        let mut network = Network::load(&tiny(), scope, 1).unwrap();
        if scope == LORA {
            with_busy_adapters(&mut network);
        }
        let batch = batch(&sequences(), &network);
        assert_eq!(batch.prefix, 4);
        let mut gradients = network.gradients();
        let activations = network.forward(&batch, keep);
        network.train_on(&batch, activations, &weights(&batch), &mut gradients);
        check(&mut network, &gradients, |n| loss(n, &batch));
    }
}

#[test]
fn the_scorer_has_the_gradient_of_finite_differences() {
    let mut network = Network::load(&tiny(), LORA, 1).unwrap();
    network.add_scorer();
    with_busy_adapters(&mut network);
    let batch = batch(&sequences(), &network);
    let labels: Vec<f32> = (0..batch.targets.len()).map(|i| (i % 2) as f32).collect();
    let ones = vec![1.0; labels.len()];
    let mut gradients = network.gradients();
    let activations = network.forward(&batch, Keep::Everything);
    network.train_scorer(&batch, activations, &labels, &ones, &mut gradients);
    check(&mut network, &gradients, |n| {
        let scores = n.scores(&batch, &n.forward(&batch, Keep::Nothing));
        scores
            .iter()
            .zip(&labels)
            .map(|(s, l)| {
                let p = 1.0 / (1.0 + (-f64::from(*s)).exp());
                -if *l > 0.5 { p.ln() } else { (1.0 - p).ln() }
            })
            .sum()
    });
}

#[test]
fn divergences_have_the_gradients_of_finite_differences() {
    let vocab = 6;
    let student: Vec<f32> = (0..12).map(|i| (i as f32 * 1.7).sin()).collect();
    let teacher: Vec<f32> = (0..12).map(|i| (i as f32 * 0.9).cos() * 2.0).collect();
    let weights = [1.0, 0.5];
    for kind in [Divergence::Forward, Divergence::Reverse] {
        let value = |s: &[f32]| -> f64 {
            let all = divergence(&mut s.to_vec(), &mut teacher.clone(), vocab, &weights, kind);
            assert!(all.iter().all(|d| *d > 0.0));
            all.iter().zip(weights).map(|(d, w)| f64::from(d * w)).sum()
        };
        let mut gradient = student.clone();
        divergence(&mut gradient, &mut teacher.clone(), vocab, &weights, kind);
        for i in 0..student.len() {
            let at = |h: f32| {
                let mut moved = student.clone();
                moved[i] += h;
                value(&moved)
            };
            let difference = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((difference - f64::from(gradient[i])).abs() < 2e-4, "{kind:?} {i}");
        }
        let same = divergence(&mut student.clone(), &mut student.clone(), vocab, &weights, kind);
        assert!(same.iter().all(|d| d.abs() < 1e-6));
    }
}

#[test]
fn merged_adapters_compute_the_same() {
    let mut network = Network::load(&tiny(), LORA, 3).unwrap();
    with_busy_adapters(&mut network);
    let batch = batch(&sequences(), &network);
    let run = |n: &Network| n.log_probabilities(&batch, &n.forward(&batch, Keep::Nothing));
    let applied = run(&network);
    network.merge();
    for (a, b) in applied.iter().zip(run(&network)) {
        assert!((a - b).abs() < 1e-5 * a.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn the_loss_falls() {
    let mut network = Network::load(&tiny(), LORA, 3).unwrap();
    let batch = batch(&sequences(), &network);
    let ones = vec![1.0; batch.targets.len()];
    let mut losses = Vec::new();
    for _ in 0..30 {
        let mut gradients = network.gradients();
        let activations = network.forward(&batch, Keep::Everything);
        let all = network.train_on(&batch, activations, &ones, &mut gradients);
        losses.push(-all.iter().sum::<f32>());
        for (t, g) in network.trainable_mut().into_iter().zip(gradients.parts()) {
            t.data.iter_mut().zip(g).for_each(|(w, g)| *w -= 0.02 * g);
        }
    }
    assert!(losses[29] < 0.5 * losses[0], "{losses:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn packed_rows_compute_what_single_rows_do(
        rows in prop::collection::vec(
            (prop::collection::vec(3u32..6, 1..6), prop::collection::vec(3u32..200, 1..9)), 1..6)
    ) {
        let network = Network::load(&tiny(), Scope::Full, 1).unwrap();
        let rows: Vec<Sequence> = rows
            .into_iter()
            .map(|(prompt, completion)| Sequence {
                prompt: prompt.len(),
                tokens: [prompt, completion].concat(),
            })
            .collect();
        let run = |rows: &[Sequence]| {
            let batch = batch(rows, &network);
            let ones = vec![1.0; batch.targets.len()];
            let mut gradients = network.gradients();
            let activations = network.forward(&batch, Keep::Everything);
            let all = network.train_on(&batch, activations, &ones, &mut gradients);
            (all, gradients)
        };
        let (packed, gradients) = run(&rows);
        let mut single = Vec::new();
        let mut sums = network.gradients();
        for row in &rows {
            let (all, g) = run(std::slice::from_ref(row));
            single.extend(all);
            for (sum, g) in sums.parts_mut().zip(g.parts()) {
                sum.iter_mut().zip(g).for_each(|(s, g)| *s += g);
            }
        }
        prop_assert_eq!(packed.len(), single.len());
        for (p, s) in packed.iter().zip(&single) {
            prop_assert!((p - s).abs() < 1e-4, "{} {}", p, s);
        }
        for (p, s) in gradients.parts().zip(sums.parts()) {
            let size = s.iter().map(|x| x.abs()).fold(0.0, f32::max);
            for (p, s) in p.iter().zip(s) {
                prop_assert!((p - s).abs() < 1e-4 * size.max(1e-3), "{} {}", p, s);
            }
        }
    }
}
