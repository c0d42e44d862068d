//! Keeps an engine busy with random arrivals and cancellations and checks that no request is lost and that
//! memory stays flat: `soak MODEL [MINUTES] [ATTEMPTS]`. Prints a line of JSON every ten seconds; exits with 1
//! when a stream ended without an end or memory grew by more than a tenth after the first half.
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::FuturesUnordered;
use strawberry_core::{Control, Finish, Message, Model, ModelEvent, SampleRequest, Sampling};
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::sampler::random::uniform;

/// How a request ended.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Done(Finish),
    Dropped,
    Lost,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let model = args.first().ok_or("usage: soak MODEL [MINUTES] [ATTEMPTS]")?;
    let minutes: f64 = args.get(1).map_or(Ok(30.0), |s| s.parse())?;
    let most: usize = args.get(2).map_or(Ok(64), |s| s.parse())?;
    let options = EngineOptions {
        kv_bytes: Some(512 << 20),
        ..EngineOptions::default()
    };
    let engine = Engine::load(model.as_ref(), &options)?;
    let start = Instant::now();
    let length = Duration::from_secs_f64(minutes * 60.0);
    let mut controls: VecDeque<Control> = VecDeque::new();
    let (mut submitted, mut tokens) = (0u64, 0u64);
    let (mut done, mut cancelled, mut dropped, mut lost) = (0u64, 0u64, 0u64, 0u64);
    let (mut next_line, mut resident) = (Instant::now(), Vec::new());
    let mut live = FuturesUnordered::new();
    block_on(async {
        loop {
            let open = start.elapsed() < length;
            while open && live.len() < most {
                let dice = |what: u64| uniform(submitted, what);
                let (request, control) = request(submitted);
                // One in ten is dropped on the way, one in ten cancelled, one in ten told to answer.
                let drop_after = if dice(7) < 0.1 {
                    Some((dice(8) * 40.0) as usize)
                } else {
                    None
                };
                let mut stream = engine.sample(request);
                live.push(async move {
                    let mut count = 0;
                    let mut sampled = 0;
                    while let Some(event) = stream.next().await {
                        match event {
                            Ok(ModelEvent::Done { finish, usage }) => {
                                return (End::Done(finish), usage.completion_tokens);
                            }
                            Ok(ModelEvent::Text { tokens, .. }) => sampled += u64::from(tokens),
                            Ok(_) => {}
                            Err(error) => {
                                eprintln!("{error}");
                                return (End::Lost, sampled);
                            }
                        }
                        count += 1;
                        if drop_after.is_some_and(|n| count > n) {
                            return (End::Dropped, sampled);
                        }
                    }
                    (End::Lost, sampled)
                });
                controls.push_back(control);
                if controls.len() > most / 2 {
                    let earlier = controls.pop_front();
                    match earlier {
                        Some(control) if dice(9) < 0.1 => control.cancel(),
                        Some(control) if dice(9) < 0.2 => control.answer_now(),
                        _ => {}
                    }
                }
                submitted += 1;
            }
            let Some((end, sampled)) = live.next().await else {
                break;
            };
            tokens += sampled;
            match end {
                End::Done(Finish::Cancelled) => cancelled += 1,
                End::Done(_) => done += 1,
                End::Dropped => dropped += 1,
                End::Lost => lost += 1,
            }
            if next_line.elapsed() > Duration::from_secs(10) {
                next_line = Instant::now();
                let seconds = start.elapsed().as_secs_f64();
                resident.push(resident_mib());
                println!(
                    "{{\"seconds\": {seconds:.0}, \"submitted\": {submitted}, \"done\": {done}, \"cancelled\": {cancelled}, \"dropped\": {dropped}, \"lost\": {lost}, \"tok_s\": {:.0}, \"resident_mib\": {}}}",
                    tokens as f64 / seconds,
                    resident_mib()
                );
            }
        }
    });
    let ended = done + cancelled + dropped;
    println!("{submitted} requests, {ended} ended, {lost} lost; resident MiB over time: {resident:?}");
    let half = resident.len() / 2;
    let early = resident[..half].iter().max().copied().unwrap_or(u64::MAX);
    let late = resident[half..].iter().max().copied().unwrap_or(0);
    if lost > 0 || ended != submitted || late > early.saturating_add(early / 10) {
        return Err("requests were lost, or memory grew".into());
    }
    Ok(())
}

/// A random request: its prompt shares a system message with others, its length varies.
fn request(number: u64) -> (SampleRequest, Control) {
    let dice = |what: u64| uniform(number, what);
    let topic = ["the sea", "a fox", "prime numbers", "Rome", "rain", "bread"][(dice(1) * 6.0) as usize];
    let padding = "Think about it once more. ".repeat((dice(2) * dice(3) * 60.0) as usize);
    let control = Control::new();
    let request = SampleRequest {
        messages: vec![
            Message::system("You are a careful assistant who explains things step by step."),
            Message::user(format!("{padding}Tell me about {topic}.")),
        ],
        sampling: Sampling {
            seed: number,
            temperature: 0.8,
            top_p: if dice(4) < 0.5 { 0.95 } else { 1.0 },
            ..Sampling::default()
        },
        max_tokens: 8 + (dice(5) * 120.0) as u32,
        control: control.clone(),
        ..SampleRequest::default()
    };
    (request, control)
}

/// Memory of this process in MiB, where the system tells.
fn resident_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096 / (1 << 20)
}
