//! `/v1/models`.

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Serialize;
use strawberry_core::ModelInfo;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::state::AppState;

/// The models on offer.
#[derive(Serialize, JsonSchema)]
pub struct ModelList {
    /// `list`.
    pub object: &'static str,
    /// The models; the first is the default.
    pub data: Vec<ModelObject>,
}

/// One model.
#[derive(Serialize, JsonSchema)]
pub struct ModelObject {
    /// The name to ask for.
    pub id: String,
    /// `model`.
    pub object: &'static str,
    /// When the server loaded it, in seconds since the Unix epoch.
    pub created: u64,
    /// `strawberry` for a local model, `remote` for another server's.
    pub owned_by: &'static str,
    /// Context length in tokens, where known.
    pub context_length: Option<u64>,
    /// What else is known about it.
    pub info: ModelInfo,
}

fn object(state: &AppState, index: usize) -> ModelObject {
    let entry = &state.models[index];
    let info = entry.model.info();
    ModelObject {
        id: entry.id.clone(),
        object: "model",
        created: state.started_ms / 1000,
        owned_by: if info.architecture == "remote" {
            "remote"
        } else {
            "strawberry"
        },
        context_length: info.context_length,
        info,
    }
}

/// Lists the models.
pub async fn list(State(state): State<AppState>, _: Caller) -> Json<ModelList> {
    Json(ModelList {
        object: "list",
        data: (0..state.models.len()).map(|i| object(&state, i)).collect(),
    })
}

/// Describes one.
pub async fn get(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Json<ModelObject>, ApiError> {
    let index = state.model_index(Some(&id))?;
    Ok(Json(object(&state, index)))
}
