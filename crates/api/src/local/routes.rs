//! Paths and what they ask.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hardfrost_primitives::REQUEST_BYTES_MAX;
use serde::Deserialize;

use super::backend::{Backend, Call};
use super::problem::Problem;
use super::views::{
    ApprovalView, ApproveBody, CeremonyView, ConvictionView, KeyView, NodeView, SessionView,
    StartCeremony,
};

/// Longest a question waits for its answer to change.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Asks to be answered once something is over, or after so many seconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Patience {
    #[serde(default)]
    wait: u64,
}

impl Patience {
    fn wait(&self) -> Duration {
        Duration::from_secs(self.wait).min(WAIT_MAX)
    }
}

type Answered<T> = Result<Json<T>, Problem>;

pub(super) fn router(backend: Backend) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/v1/node", get(node))
        .route("/v1/keys", get(keys))
        .route("/v1/ceremonies", get(ceremonies).post(make_key))
        .route("/v1/ceremonies/{id}", get(ceremony))
        .route("/v1/ceremonies/{id}/cancel", post(cancel_key))
        .route("/v1/approvals", post(approve))
        .route("/v1/sessions", get(sessions))
        .route("/v1/sessions/{id}", get(session))
        .route("/v1/sessions/{id}/cancel", post(cancel))
        .route("/v1/convictions", get(convictions))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(backend)
}

async fn unknown() -> Problem {
    Problem::not_found("this node has no such address")
}

async fn health() -> &'static str {
    "ok\n"
}

async fn ready(State(backend): State<Backend>) -> Response {
    match backend.ask(Call::Ready).await {
        Ok(view) => {
            let status = if view.ready {
                StatusCode::OK
            } else {
                StatusCode::SERVICE_UNAVAILABLE
            };
            (status, Json(view)).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn node(State(backend): State<Backend>) -> Answered<NodeView> {
    backend.ask(Call::Node).await.map(Json)
}

async fn keys(State(backend): State<Backend>) -> Answered<Vec<KeyView>> {
    backend.ask(Call::Keys).await.map(Json)
}

async fn ceremonies(State(backend): State<Backend>) -> Answered<Vec<CeremonyView>> {
    backend.ask(Call::Ceremonies).await.map(Json)
}

async fn make_key(
    State(backend): State<Backend>,
    body: Result<Json<StartCeremony>, JsonRejection>,
) -> Answered<CeremonyView> {
    let Json(body) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let answer = backend.ask(|answer| Call::MakeKey(body, answer)).await;
    answer.map(Json)
}

/// Waits for a step to pass, not only for the end: who asks shows how far it is.
async fn ceremony(
    State(backend): State<Backend>,
    Path(id): Path<String>,
    Query(patience): Query<Patience>,
) -> Answered<CeremonyView> {
    let found = |all: &Vec<CeremonyView>| all.iter().find(|one| one.id == id).cloned();
    let now = backend.ask(Call::Ceremonies).await?;
    let missing = || Problem::not_found("this node knows no such key generation");
    let before = found(&now).ok_or_else(missing)?;
    if before.state != "waiting" {
        return Ok(Json(before));
    }
    let moved = |all: &Vec<CeremonyView>| found(all).is_none_or(|one| one != before);
    let later = backend
        .ask_until(patience.wait(), Call::Ceremonies, moved)
        .await?;
    found(&later).map(Json).ok_or_else(missing)
}

async fn cancel_key(
    State(backend): State<Backend>,
    Path(id): Path<String>,
) -> Answered<CeremonyView> {
    let answer = backend.ask(|answer| Call::CancelKey(id, answer)).await;
    answer.map(Json)
}

async fn approve(
    State(backend): State<Backend>,
    body: Result<Json<ApproveBody>, JsonRejection>,
) -> Answered<ApprovalView> {
    let Json(body) = body.map_err(|error| Problem::invalid(error.body_text()))?;
    let answer = backend.ask(|answer| Call::Approve(body, answer)).await;
    answer.map(Json)
}

async fn sessions(State(backend): State<Backend>) -> Answered<Vec<SessionView>> {
    backend.ask(Call::Sessions).await.map(Json)
}

async fn session(
    State(backend): State<Backend>,
    Path(id): Path<String>,
    Query(patience): Query<Patience>,
) -> Answered<SessionView> {
    let call = |answer| Call::Session(id.clone(), answer);
    let over = |view: &SessionView| view.state != "signing";
    let answer = backend.ask_until(patience.wait(), call, over).await;
    answer.map(Json)
}

async fn cancel(State(backend): State<Backend>, Path(id): Path<String>) -> Answered<SessionView> {
    backend
        .ask(|answer| Call::Cancel(id, answer))
        .await
        .map(Json)
}

async fn convictions(State(backend): State<Backend>) -> Answered<Vec<ConvictionView>> {
    backend.ask(Call::Convictions).await.map(Json)
}
