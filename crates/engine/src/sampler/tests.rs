//! The sampler against a naive one that sorts the whole row in double precision.

use proptest::prelude::*;
use strawberry_core::Sampling;

use super::*;

/// The filtered distribution, as (token, probability), by definition.
fn naive(logits: &[f32], s: &Sampling) -> Vec<(u32, f64)> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut all: Vec<(u32, f64)> = logits
        .iter()
        .enumerate()
        .filter(|(_, x)| x.is_finite())
        .map(|(t, &x)| (t as u32, f64::from(x - max) / f64::from(s.temperature)))
        .map(|(t, x)| (t, if x < -87.0 { 0.0 } else { x.exp() }))
        .collect();
    all.sort_by(|a, b| {
        logits[b.0 as usize]
            .total_cmp(&logits[a.0 as usize])
            .then(a.0.cmp(&b.0))
    });
    if s.top_k > 0 {
        all.truncate(s.top_k as usize);
    }
    let total: f64 = all.iter().map(|p| p.1).sum();
    let mut mass = 0.0;
    let keep = all.iter().take_while(|p| {
        let more = mass < f64::from(s.top_p) * total;
        mass += p.1;
        more
    });
    let keep = keep.count().max(1);
    all.truncate(keep);
    all.retain(|p| p.1 >= f64::from(s.min_p));
    let total: f64 = all.iter().map(|p| p.1).sum();
    all.iter().map(|&(t, w)| (t, w / total)).collect()
}

fn row() -> impl Strategy<Value = Vec<f32>> {
    // Rounded logits make ties common.
    let coarse = proptest::collection::vec((-40i32..40).prop_map(|x| x as f32 / 4.0), 1..700);
    let fine = proptest::collection::vec(-20f32..20.0, 1..700);
    prop_oneof![coarse, fine]
}

fn settings() -> impl Strategy<Value = Sampling> {
    (
        prop_oneof![Just(1.0f32), 0.1f32..3.0],
        prop_oneof![Just(0u32), 1u32..60, Just(600)],
        prop_oneof![Just(1.0f32), 0.05f32..0.999],
        prop_oneof![Just(0.0f32), 0.001f32..0.5],
        any::<u64>(),
    )
        .prop_map(|(temperature, top_k, top_p, min_p, seed)| Sampling {
            temperature,
            top_k,
            top_p,
            min_p,
            seed,
            ..Sampling::default()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every draw is in the naive set, and the frequencies are the naive probabilities.
    #[test]
    fn draws_follow_the_naive_distribution(logits in row(), sampling in settings()) {
        const DRAWS: usize = 2000;
        let want = naive(&logits, &sampling);
        // A token at the very edge of a filter may fall on either side of it by rounding.
        let mut looser = sampling.clone();
        looser.top_p = (looser.top_p + 1e-5).min(1.0);
        looser.min_p *= 1.0 - 1e-5;
        let allowed = naive(&logits, &looser);
        let mut counts = vec![0usize; logits.len()];
        let mut sampler = Sampler::new(sampling, &[]);
        let mut scratch = Scratch::default();
        for _ in 0..DRAWS {
            let draw = sampler.draw(&mut logits.clone(), None, &mut scratch).unwrap();
            counts[draw.token as usize] += 1;
        }
        for (token, &n) in counts.iter().enumerate() {
            prop_assert!(n == 0 || allowed.iter().any(|p| p.0 as usize == token), "token {} is filtered", token);
        }
        for &(token, p) in &want {
            let got = counts[token as usize] as f64 / DRAWS as f64;
            let sigma = (p * (1.0 - p) / DRAWS as f64).sqrt();
            prop_assert!((got - p).abs() < 6.0 * sigma + 2e-3, "token {}: {} against {}", token, got, p);
        }
    }

    /// Log-probabilities are those of the untouched row, whatever is done to it before the draw.
    #[test]
    fn logprobs_are_of_the_untouched_row(
        logits in row(),
        sampling in settings(),
        bias in proptest::collection::vec((0u32..700, -5f32..5.0), 0..4),
    ) {
        let sampling = Sampling {
            logit_bias: bias,
            top_logprobs: Some(5),
            repetition_penalty: 1.3,
            frequency_penalty: 0.5,
            presence_penalty: 0.25,
            ..sampling
        };
        let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = logits.iter().map(|&x| f64::from(x - max).exp()).sum();
        let logprob = |t: u32| f64::from(logits[t as usize] - max) - total.ln();
        let mut sampler = Sampler::new(sampling, &[0, 1, 2, 1_000_000]);
        let mut scratch = Scratch::default();
        let mut ranked: Vec<u32> = (0..logits.len() as u32).collect();
        ranked.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b)));
        for _ in 0..8 {
            let draw = sampler.draw(&mut logits.clone(), None, &mut scratch).unwrap();
            prop_assert!((f64::from(draw.logprob.unwrap()) - logprob(draw.token)).abs() < 1e-4);
            let top: Vec<u32> = sampler.alternatives().iter().map(|a| a.0).collect();
            prop_assert_eq!(&top[..], &ranked[..ranked.len().min(5)]);
            for &(token, lp) in sampler.alternatives() {
                prop_assert!((f64::from(lp) - logprob(token)).abs() < 1e-4);
            }
        }
    }

    /// Only tokens of the mask are drawn; with an empty mask, none.
    #[test]
    fn masked_tokens_are_never_drawn(logits in row(), sampling in settings(), seed in any::<u32>()) {
        let mask: Vec<u32> = (0..logits.len().div_ceil(32) as u32).map(|i| seed.rotate_left(i) & seed).collect();
        let allowed = |t: usize| mask[t / 32] >> (t % 32) & 1 == 1;
        let mut sampler = Sampler::new(sampling, &[]);
        let mut scratch = Scratch::default();
        for _ in 0..20 {
            match sampler.draw(&mut logits.clone(), Some(&mask), &mut scratch) {
                Some(draw) => prop_assert!(allowed(draw.token as usize)),
                None => prop_assert!((0..logits.len()).all(|t| !allowed(t))),
            }
        }
    }
}

fn draws(sampling: Sampling, prompt: &[u32], logits: &[f32], n: usize) -> Vec<u32> {
    let mut sampler = Sampler::new(sampling, prompt);
    let mut scratch = Scratch::default();
    let mut next = || {
        sampler
            .draw(&mut logits.to_vec(), None, &mut scratch)
            .unwrap()
            .token
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn greedy_takes_the_first_of_the_largest() {
    let greedy = Sampling {
        temperature: 0.0,
        ..Sampling::default()
    };
    let mut logits = vec![0.0; 300];
    (logits[130], logits[299]) = (2.0, 2.0);
    assert_eq!(draws(greedy, &[], &logits, 2), [130, 130]);
}

#[test]
fn penalties_follow_their_definitions() {
    let greedy = Sampling {
        temperature: 0.0,
        ..Sampling::default()
    };
    // Each draw of a token costs it 0.4 + 1 (once): 3.0 → 1.6 → 1.2 …
    let counted = Sampling {
        frequency_penalty: 0.4,
        presence_penalty: 1.0,
        ..greedy.clone()
    };
    assert_eq!(draws(counted, &[0, 0], &[3.0, 2.0, 1.0], 4), [0, 1, 0, 0]);
    // Divided where positive, multiplied where negative; the prompt counts, as far as the window reaches.
    let repeated = Sampling {
        repetition_penalty: 2.0,
        repetition_window: 2,
        ..greedy.clone()
    };
    assert_eq!(draws(repeated.clone(), &[0], &[3.0, 2.0, 1.4], 4), [1, 0, 0, 1]);
    assert_eq!(draws(repeated, &[0, 2, 2], &[-3.0, -2.0, -1.4], 1), [1]);
    // A bias of infinity forces a token, a bias of minus infinity bans one.
    let biased = Sampling {
        logit_bias: vec![(0, f32::NEG_INFINITY), (2, f32::INFINITY), (99, 1.0)],
        ..Sampling::default()
    };
    assert_eq!(draws(biased, &[], &[3.0, 2.0, 1.0], 2), [2, 2]);
}

#[test]
fn a_row_without_finite_logits_draws_nothing() {
    let mut sampler = Sampler::new(Sampling::default(), &[]);
    for mut row in [
        vec![f32::NEG_INFINITY; 70],
        vec![f32::NAN; 70],
        vec![f32::INFINITY; 70],
    ] {
        assert_eq!(sampler.draw(&mut row, None, &mut Scratch::default()), None);
    }
}

#[test]
fn a_token_depends_on_seed_and_place_only() {
    let seeded = |seed| Sampling {
        seed,
        ..Sampling::default()
    };
    let logits: Vec<f32> = (0..1000).map(|i| (i % 17) as f32 * 0.1).collect();
    let one = draws(seeded(5), &[], &logits, 20);
    assert_eq!(one, draws(seeded(5), &[1, 2, 3], &logits, 20));
    assert_ne!(one, draws(seeded(6), &[], &logits, 20));
}
