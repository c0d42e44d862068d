//! A home folder with a tiny random model in it, and the binary.

use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;
use strawberry_engine::config::Architecture;
use strawberry_engine::testing::TinyModel;
use tempfile::TempDir;

/// A fresh home with a model.
pub struct Home {
    pub dir: TempDir,
    pub model: PathBuf,
}

impl Home {
    pub fn new() -> Home {
        let dir = TempDir::new().unwrap();
        let model = dir.path().join("tiny.gguf");
        std::fs::write(&model, TinyModel::new(Architecture::Llama).gguf()).unwrap();
        Home { dir, model }
    }

    /// The binary, with this home and this model.
    pub fn strawberry(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strawberry"));
        command
            .env("STRAWBERRY_HOME", self.dir.path())
            .env("STRAWBERRY_MODEL", &self.model)
            .env_remove("STRAWBERRY_CPU")
            .timeout(std::time::Duration::from_secs(120));
        command
    }

    /// Runs the binary and reads the JSON it prints.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self
            .strawberry()
            .args(args)
            .assert()
            .success()
            .get_output()
            .stdout
            .clone();
        serde_json::from_slice(&output).unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}
