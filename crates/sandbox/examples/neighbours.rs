//! Measures how much a hostile program slows a check beside it.
//!
//!     cargo run --release -p strawberry-sandbox --example neighbours [rounds [name]]
//!
//! A victim (a fixed piece of work, about 0.1 s of processor time) is timed alone and beside each hostile program,
//! in turn, on a pool of two slots. Prints, for each program, the median wall time of both and their
//! ratio, and the ratio of the shortest times, which other work on the machine disturbs less. Needs two
//! processors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strawberry_core::TestCase;
use strawberry_sandbox::{Against, CodeCheck, Language, Limits, Options, Outcome, Sandbox};

const VICTIM: &str = "x = 0\nfor i in range(1000000):\n    x = (x * 31 + i) % 1000003\nprint(x)";
const HOSTILE: [(&str, &str); 9] = [
    ("busy", "while True:\n    pass"),
    (
        "busy processes",
        "import os\nfor _ in range(4):\n    try:\n        os.fork()\n    except OSError:\n        pass\nwhile True:\n    pass",
    ),
    (
        "fork bomb",
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    ),
    (
        "thread bomb",
        "import threading\ndef f():\n    while True:\n        pass\nwhile True:\n    try:\n        threading.Thread(target=f).start()\n    except RuntimeError:\n        pass",
    ),
    (
        "memory bomb",
        "x = []\nwhile True:\n    x.append(bytearray(1 << 20))",
    ),
    (
        "memory churn",
        "import mmap\nwhile True:\n    m = mmap.mmap(-1, 128 << 20)\n    for i in range(0, 128 << 20, 4096):\n        m[i] = 1\n    m.close()",
    ),
    (
        "output flood",
        "import os\nwhile True:\n    os.write(1, b'x' * 65536)",
    ),
    (
        "disk flood",
        "import os\nwhile True:\n    with open('/tmp/f', 'wb') as f:\n        try:\n            while True:\n                f.write(bytes(1 << 20))\n        except OSError:\n            pass",
    ),
    (
        "system calls",
        "import os\nwhile True:\n    os.getppid()\n    os.stat('/tmp')",
    ),
];

fn check(sandbox: &Sandbox, code: &str) -> (Outcome, Duration) {
    let cases = vec![TestCase {
        stdin: String::new(),
        stdout: "0".into(),
    }];
    let started = Instant::now();
    let report = sandbox.check(&CodeCheck {
        language: Language::Python,
        code: code.into(),
        against: Against::Cases(cases),
    });
    (report.outcome, started.elapsed())
}

fn times(sandbox: &Sandbox, count: usize) -> Vec<f64> {
    (0..count)
        .map(|_| check(sandbox, VICTIM).1.as_secs_f64() * 1000.0)
        .collect()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(5), |a| a.parse())?;
    let limits = Limits {
        cpu: Duration::from_secs(3),
        wall: Duration::from_secs(3),
        ..Limits::default()
    };
    let sandbox = Sandbox::new(Options {
        limits,
        slots: Some(2),
        ..Options::default()
    })?;
    times(&sandbox, 3);
    println!(
        "{:<16} {:>9} {:>9} {:>7} {:>10}",
        "hostile", "alone ms", "beside ms", "ratio", "min ratio"
    );
    let only = std::env::args().nth(2);
    for (name, code) in HOSTILE
        .into_iter()
        .filter(|(name, _)| only.as_deref().is_none_or(|o| o == *name))
    {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            alone.extend(times(&sandbox, 4));
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        check(&sandbox, code);
                    }
                });
                std::thread::sleep(Duration::from_millis(100));
                beside.extend(times(&sandbox, 4));
                stop.store(true, Ordering::Relaxed);
            });
        }
        let (a, b) = (median(&mut alone), median(&mut beside));
        println!(
            "{name:<16} {a:>9.1} {b:>9.1} {:>7.2} {:>10.2}",
            b / a,
            beside[0] / alone[0]
        );
    }
    Ok(())
}
