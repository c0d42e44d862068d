//! `/v1/embeddings`.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strawberry_core::Usage;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::chat::request::Stop;
use crate::error::ApiError;
use crate::state::{AppState, now_ms};

/// Texts of one request at most.
const MOST_TEXTS: usize = 2048;

/// The request of embeddings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EmbeddingRequest {
    /// One of `/v1/models`; without it, the server's first.
    pub model: Option<String>,
    /// The texts.
    pub input: Option<Stop>,
    /// `float` or `base64` (32-bit little-endian floats).
    pub encoding_format: Option<String>,
}

/// Texts as vectors.
#[derive(Serialize, JsonSchema)]
pub struct EmbeddingList {
    /// `list`.
    pub object: &'static str,
    /// One for each text, in order.
    pub data: Vec<EmbeddingObject>,
    /// The model's name.
    pub model: String,
    /// What it cost.
    pub usage: EmbeddingUsage,
}

/// One text as a vector.
#[derive(Serialize, JsonSchema)]
pub struct EmbeddingObject {
    /// `embedding`.
    pub object: &'static str,
    /// The text's number.
    pub index: usize,
    /// The vector, of length 1.
    pub embedding: Vector,
}

/// A vector.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Vector {
    /// As numbers.
    Numbers(Vec<f32>),
    /// As base64.
    Base64(String),
}

/// What embeddings cost.
#[derive(Serialize, JsonSchema)]
pub struct EmbeddingUsage {
    /// Tokens evaluated.
    pub prompt_tokens: u64,
    /// The same.
    pub total_tokens: u64,
}

/// Embeds texts.
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(request): JsonBody<EmbeddingRequest>,
) -> Result<Json<EmbeddingList>, ApiError> {
    let texts = match request.input {
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Many(texts)) => texts,
        None => {
            return Err(ApiError::param(
                "input",
                "input is missing: give a text or a list of texts",
            ));
        }
    };
    if texts.is_empty() || texts.len() > MOST_TEXTS || texts.iter().any(String::is_empty) {
        return Err(ApiError::param(
            "input",
            format!("input takes 1 to {MOST_TEXTS} non-empty texts"),
        ));
    }
    let as_base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => {
            return Err(ApiError::param(
                "encoding_format",
                "encoding_format takes float or base64",
            ));
        }
    };
    let index = state.model_index(request.model.as_deref())?;
    let _turn = state.queue.turn().await?;
    let model = state.models[index].model.clone();
    let embedded = tokio::task::spawn_blocking(move || model.embed(&texts)).await;
    let embedded = embedded.map_err(|e| ApiError::internal(format!("embedding failed: {e}")))??;
    let usage = Usage {
        prompt_tokens: embedded.prompt_tokens,
        ..Usage::default()
    };
    let name = state.models[index].id.clone();
    state
        .store
        .add_api_usage(&caller.0, &name, now_ms(), &usage)
        .await?;
    let data = embedded
        .vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| EmbeddingObject {
            object: "embedding",
            index,
            embedding: if as_base64 {
                Vector::Base64(base64(&vector))
            } else {
                Vector::Numbers(vector)
            },
        })
        .collect();
    Ok(Json(EmbeddingList {
        object: "list",
        data,
        model: name,
        usage: EmbeddingUsage {
            prompt_tokens: usage.prompt_tokens,
            total_tokens: usage.prompt_tokens,
        },
    }))
}

fn base64(vector: &[f32]) -> String {
    use base64::Engine;
    let bytes: Vec<u8> = vector.iter().flat_map(|v| v.to_le_bytes()).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
