//! Asks a node, over its socket.

use std::io;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{header, Method, Request};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::Serialize;
use tokio::net::UnixStream;

use super::problem::Problem;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A node, by its socket. One connection for each question.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// There is no answer, or it is a refusal.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the socket.
    #[error("no node answers at {0}: {1}")]
    Unreachable(PathBuf, io::Error),
    /// It answered something else than HTTP and JSON, or broke off.
    #[error("the node at {0} broke off: {1}")]
    Broken(PathBuf, String),
    /// The node's own word.
    #[error(transparent)]
    Refused(#[from] Problem),
}

impl Client {
    /// The node behind this socket; nothing is connected yet.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Asks for something.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Asks that something be done.
    ///
    /// # Errors
    /// [`ClientError`]
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| self.broken(error))?;
        self.ask(Method::POST, path, body.into()).await
    }

    fn broken(&self, why: impl ToString) -> ClientError {
        ClientError::Broken(self.socket.clone(), why.to_string())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let unreachable = |error| ClientError::Unreachable(self.socket.clone(), error);
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(unreachable)?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| self.broken(error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "hardfrost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| self.broken(error))?;
        let exchange = async {
            let response = sender.send_request(request).await;
            let response = response.map_err(|error| self.broken(error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
            let body = body.collect().await.map_err(|error| self.broken(error))?;
            Ok::<_, ClientError>((status, body.to_bytes()))
        };
        tokio::pin!(exchange);
        tokio::pin!(connection);
        let mut open = true;
        let (status, body) = loop {
            tokio::select! {
                done = &mut exchange => break done?,
                _closed = &mut connection, if open => open = false,
            }
        };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| self.broken(error));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(problem.into()),
            Err(_) => Err(self.broken(format!("it answered {status}"))),
        }
    }
}
