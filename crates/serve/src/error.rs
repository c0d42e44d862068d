//! What can go wrong with a request, in OpenAI's shape.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use strawberry_core::{ModelError, StoreError};
use strawberry_think::{PlanError, ThinkError};

/// An error as the client sees it.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// What it says.
    pub error: ErrorObject,
    /// Seconds after which the same request may succeed.
    pub retry_after: Option<u64>,
}

/// The body of an error response.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorObject,
}

/// What went wrong, in OpenAI's shape.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ErrorObject {
    /// What was wrong, where, and what to do.
    pub message: String,
    /// The class: `invalid_request_error`, `authentication_error`, `rate_limit_error`, `server_error`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// A name for programs.
    pub code: Option<String>,
}

impl ApiError {
    /// An error from its parts.
    pub fn new(status: StatusCode, kind: &str, code: Option<&str>, message: impl Into<String>) -> Self {
        ApiError {
            status,
            error: ErrorObject {
                message: message.into(),
                kind: kind.to_owned(),
                param: None,
                code: code.map(str::to_owned),
            },
            retry_after: None,
        }
    }

    /// 400: the request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_request_error", None, message)
    }

    /// 400: the field `param` is wrong.
    pub fn param(param: &str, message: impl Into<String>) -> Self {
        ApiError::invalid(message).with_param(param)
    }

    /// 404: there is no such thing.
    pub fn not_found(code: &str, message: impl Into<String>) -> Self {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some(code),
            message,
        )
    }

    /// 401: who are you?
    pub fn unauthorised(message: impl Into<String>) -> Self {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            Some("invalid_api_key"),
            message,
        )
    }

    /// 403: not from there, or not by you.
    pub fn forbidden(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::FORBIDDEN, "permission_error", None, message)
    }

    /// 429: too much; `seconds` is when to come back.
    pub fn too_many(code: &str, message: impl Into<String>, seconds: u64) -> Self {
        let mut error = ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            Some(code),
            message,
        );
        error.retry_after = Some(seconds.max(1));
        error
    }

    /// 500: a part of this program failed.
    pub fn internal(message: impl Into<String>) -> Self {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", None, message)
    }

    /// The same with the field that is wrong.
    pub fn with_param(mut self, param: &str) -> Self {
        self.error.param = Some(param.to_owned());
        self
    }

    /// The body.
    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            error: self.error.clone(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> Self {
        let message = error.to_string();
        match error {
            ModelError::InvalidRequest(_) => ApiError::invalid(message),
            ModelError::ContextOverflow { .. } => {
                let mut error = ApiError::param("messages", message);
                error.error.code = Some("context_length_exceeded".to_owned());
                error
            }
            ModelError::RateLimited(_) => ApiError::too_many("upstream_rate_limit", message, 5),
            ModelError::TimedOut(_) => ApiError::new(
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                Some("upstream_timeout"),
                message,
            ),
            ModelError::Unreachable(_) | ModelError::Unauthorised(_) | ModelError::Server(_) => {
                ApiError::new(
                    StatusCode::BAD_GATEWAY,
                    "server_error",
                    Some("upstream_error"),
                    message,
                )
            }
            ModelError::Internal(_) => ApiError::internal(message),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        ApiError::internal(error.to_string())
    }
}

impl From<PlanError> for ApiError {
    fn from(error: PlanError) -> Self {
        ApiError::param("thinking", error.to_string())
    }
}

impl From<ThinkError> for ApiError {
    fn from(error: ThinkError) -> Self {
        match error {
            ThinkError::Model(error) => error.into(),
            ThinkError::Store(error) => error.into(),
            ThinkError::NothingYet => ApiError::new(
                StatusCode::CONFLICT,
                "invalid_request_error",
                Some("stopped"),
                "the request was stopped before there was anything to answer",
            ),
        }
    }
}
