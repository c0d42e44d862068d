//! `/openapi.json`: the API's description, made from the types that parse and write it.

use axum::Json;
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::chat::request::ChatRequest;
use crate::chat::response::ChatCompletion;
use crate::completions::CompletionRequest;
use crate::embeddings::{EmbeddingList, EmbeddingRequest};
use crate::error::ErrorBody;
use crate::health::Health;
use crate::models::{ModelList, ModelObject};
use crate::requests::{RequestList, RequestObject};
use crate::responses::object::ResponseObject;
use crate::responses::request::ResponseRequest;

/// Serves the document.
pub async fn get() -> Json<Value> {
    Json(document())
}

/// One operation.
struct Operation {
    path: &'static str,
    method: &'static str,
    summary: &'static str,
    request: Option<Value>,
    /// `None`: any JSON.
    response: Option<Value>,
    streams: bool,
}

struct Schemas(SchemaGenerator, SchemaGenerator);

impl Schemas {
    /// What a client sends.
    fn sent<T: JsonSchema>(&mut self) -> Option<Value> {
        Some(json!(self.0.subschema_for::<T>()))
    }

    /// What it gets.
    fn got<T: JsonSchema>(&mut self) -> Option<Value> {
        Some(json!(self.1.subschema_for::<T>()))
    }
}

fn operations(s: &mut Schemas) -> Vec<Operation> {
    let op = |method, path, summary, request, response| Operation {
        path,
        method,
        summary,
        request,
        response,
        streams: false,
    };
    let streaming = |operation: Operation| Operation {
        streams: true,
        ..operation
    };
    vec![
        streaming(op(
            "post",
            "/v1/chat/completions",
            "Answer a conversation",
            s.sent::<ChatRequest>(),
            s.got::<ChatCompletion>(),
        )),
        streaming(op(
            "post",
            "/v1/responses",
            "Make a response",
            s.sent::<ResponseRequest>(),
            s.got::<ResponseObject>(),
        )),
        streaming(op(
            "get",
            "/v1/responses/{id}",
            "Fetch a response",
            None,
            s.got::<ResponseObject>(),
        )),
        op("delete", "/v1/responses/{id}", "Forget a response", None, None),
        op(
            "post",
            "/v1/responses/{id}/cancel",
            "Cancel a background response",
            None,
            s.got::<ResponseObject>(),
        ),
        op(
            "get",
            "/v1/responses/{id}/input_items",
            "The items a response was made from",
            None,
            None,
        ),
        streaming(op(
            "post",
            "/v1/completions",
            "Answer a prompt",
            s.sent::<CompletionRequest>(),
            None,
        )),
        op(
            "post",
            "/v1/embeddings",
            "Texts as vectors",
            s.sent::<EmbeddingRequest>(),
            s.got::<EmbeddingList>(),
        ),
        op(
            "get",
            "/v1/models",
            "The models on offer",
            None,
            s.got::<ModelList>(),
        ),
        op(
            "get",
            "/v1/models/{id}",
            "Describe a model",
            None,
            s.got::<ModelObject>(),
        ),
        op(
            "get",
            "/v1/requests",
            "Your requests in flight",
            None,
            s.got::<RequestList>(),
        ),
        op(
            "post",
            "/v1/requests/{id}/answer_now",
            "Tell a request to stop thinking and answer",
            None,
            s.got::<RequestObject>(),
        ),
        op(
            "post",
            "/v1/requests/{id}/cancel",
            "Tell a request to stop with the best answer so far",
            None,
            s.got::<RequestObject>(),
        ),
        op(
            "get",
            "/health",
            "Whether the process runs",
            None,
            s.got::<Health>(),
        ),
        op(
            "get",
            "/ready",
            "Whether it takes requests",
            None,
            s.got::<Health>(),
        ),
    ]
}

/// The OpenAPI 3.1 document.
pub fn document() -> Value {
    let settings = |sent: bool| {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        if !sent {
            settings.contract = schemars::generate::Contract::Serialize;
        }
        settings.into_generator()
    };
    let mut schemas = Schemas(settings(true), settings(false));
    let error = schemas.got::<ErrorBody>();
    let mut paths = Map::new();
    for operation in operations(&mut schemas) {
        let entry = paths
            .entry(operation.path)
            .or_insert_with(|| Value::Object(Map::new()));
        entry[operation.method] = described(&operation, &error);
    }
    let mut components = Map::new();
    components.extend(schemas.1.take_definitions(true));
    components.extend(schemas.0.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Strawberry",
            "description": "An OpenAI-compatible API that thinks before it answers",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    })
}

fn described(operation: &Operation, error: &Option<Value>) -> Value {
    let content = |schema: &Option<Value>| json!({"application/json": {"schema": schema.clone().unwrap_or_else(|| json!({}))}});
    let mut good = content(&operation.response);
    if operation.streams {
        good["text/event-stream"] = json!({"schema": {"type": "string"}});
    }
    let mut responses = json!({"200": {"description": "Good", "content": good}});
    if operation.path == "/ready" {
        responses["503"] = json!({"description": "It drains", "content": content(&operation.response)});
    }
    let statuses = [
        ("400", "The request is wrong"),
        ("401", "A key is needed"),
        ("403", "Not from there"),
        ("404", "There is no such thing"),
        ("405", "Not this method"),
        ("408", "The body came too slowly"),
        ("409", "A request with this id is in flight, or it was stopped"),
        ("413", "The body is too large"),
        ("415", "The body must be JSON"),
        ("429", "Too much: come back after Retry-After seconds"),
        ("502", "Another server failed"),
        ("504", "Another server did not answer"),
    ];
    for (status, description) in statuses {
        responses[status] = json!({"description": description, "content": content(error)});
    }
    let id = operation
        .path
        .trim_start_matches('/')
        .replace(['/', '{', '}'], "_");
    let mut out = json!({
        "operationId": format!("{}_{id}", operation.method),
        "summary": operation.summary,
        "responses": responses,
    });
    if operation.path.contains("{id}") {
        let mut parameters = vec![json!({"name": "id", "in": "path", "required": true,
            "schema": {"type": "string", "minLength": 1}})];
        if operation.method == "get" && operation.streams {
            let query = |name: &str, schema: Value| json!({"name": name, "in": "query", "schema": schema});
            parameters.push(query("stream", json!({"type": "boolean"})));
            parameters.push(query("starting_after", json!({"type": "integer", "minimum": 0})));
        }
        out["parameters"] = parameters.into();
    }
    if let Some(schema) = &operation.request {
        out["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    out
}
