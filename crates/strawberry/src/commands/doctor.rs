//! `doctor`: what this machine can do.

use serde::Serialize;
use strawberry_engine::kernels::Cpu;

use crate::cli::JsonFlag;
use crate::error::CliError;
use crate::{open, out};

/// Bytes per parameter of a 4-bit model as files hold it, scales included.
const FOUR_BIT: f64 = 0.6;
/// Memory a model needs beside its weights (KV cache, activations), as a share of them, plus a constant.
const BESIDE: (f64, f64) = (0.25, 300e6);

#[derive(Serialize)]
struct Report {
    version: &'static str,
    cpu: CpuReport,
    memory: Option<Memory>,
    /// Parameters of the largest 4-bit model that fits into the memory available now.
    largest_4bit_parameters: Option<u64>,
    models: Vec<Installed>,
    data_dir: String,
    sandbox: strawberry_sandbox::Capabilities,
}

#[derive(Serialize)]
struct CpuReport {
    name: Option<String>,
    cores: usize,
    level: String,
    supported_levels: Vec<String>,
}

#[derive(Serialize, Clone, Copy)]
struct Memory {
    total_bytes: u64,
    available_bytes: u64,
}

#[derive(Serialize)]
struct Installed {
    name: String,
    bytes: u64,
    fits: Option<bool>,
}

/// Looks at the machine and prints what it found.
pub fn run(flag: JsonFlag) -> Result<(), CliError> {
    let report = look()?;
    if flag.json {
        out::json(&report)
    } else {
        print(&report)
    }
}

fn look() -> Result<Report, CliError> {
    let memory = memory();
    let need = |bytes: f64| bytes * (1.0 + BESIDE.0) + BESIDE.1;
    let models = strawberry_hub::Hub::open()
        .and_then(|hub| hub.list())
        .map_err(CliError::failure)?;
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        cpu: CpuReport {
            name: cpu_name(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            level: Cpu::from_env().map_err(CliError::usage)?.level().to_string(),
            supported_levels: Cpu::all().into_iter().map(|c| c.level().to_string()).collect(),
        },
        memory,
        largest_4bit_parameters: memory.map(|m| {
            let room = (m.available_bytes as f64 - BESIDE.1).max(0.0);
            (room / (1.0 + BESIDE.0) / FOUR_BIT) as u64
        }),
        models: models
            .into_iter()
            .map(|m| Installed {
                fits: memory.map(|have| need(m.bytes as f64) <= have.available_bytes as f64),
                name: m.name,
                bytes: m.bytes,
            })
            .collect(),
        data_dir: open::data_dir()?.display().to_string(),
        sandbox: strawberry_sandbox::capabilities(&strawberry_sandbox::Options::default()),
    })
}

fn print(report: &Report) -> Result<(), CliError> {
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    out::line(format!("strawberry {}", report.version))?;
    let cpu = &report.cpu;
    out::line(format!(
        "cpu      {}, {} cores, kernels {} (of {})",
        cpu.name.as_deref().unwrap_or(std::env::consts::ARCH),
        cpu.cores,
        cpu.level,
        cpu.supported_levels.join(", ")
    ))?;
    match report.memory {
        Some(m) => out::line(format!(
            "memory   {} of {} free",
            gib(m.available_bytes),
            gib(m.total_bytes)
        ))?,
        None => out::line("memory   unknown on this system")?,
    }
    if let Some(n) = report.largest_4bit_parameters {
        out::line(format!(
            "fits     4-bit models of up to about {:.1} billion parameters",
            n as f64 / 1e9
        ))?;
    }
    out::line(format!("data     {}", report.data_dir))?;
    if report.models.is_empty() {
        out::line("models   none yet: strawberry model pull")?;
    }
    for model in &report.models {
        let fits = match model.fits {
            Some(true) => "fits",
            Some(false) => "too big for the memory that is free",
            None => "",
        };
        out::line(format!(
            "model    {} ({:.0} MB) {fits}",
            model.name,
            model.bytes as f64 / 1e6
        ))?;
    }
    out::line(format!("sandbox\n{}", report.sandbox))
}

/// From `/proc/meminfo`; `None` where there is none.
fn memory() -> Option<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |key: &str| -> Option<u64> {
        let line = text.lines().find(|l| l.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Memory {
        total_bytes: kib("MemTotal:")? * 1024,
        available_bytes: kib("MemAvailable:")? * 1024,
    })
}

/// From `/proc/cpuinfo`; `None` where there is none.
fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
