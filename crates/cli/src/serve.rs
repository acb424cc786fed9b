//! `dodb serve`: sockets around [`dodb_server::Server`]. A request becomes a value and its response
//! is one; reading rows blocks, so it happens on threads that may. Not here: what is answered.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::serve::ListenerExt;
use bytes::Bytes;
use dodb_engine::Error as EngineError;
use dodb_server::{DEFAULT_DATABASE, ServerOptions};
use futures::TryStreamExt;
use http::{Method, StatusCode};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::ServeArgs;
use crate::data_folder::DataFolder;
use crate::databases::Databases;
use crate::error::{Error, Result};
use crate::open;

/// How long requests that are under way may still take once the server is told to stop.
const STOP_SECONDS_MAX: Duration = Duration::from_secs(30);

/// What requests need.
struct House {
    databases: Arc<Databases>,
    token: Option<String>,
}

pub fn run(args: &ServeArgs) -> Result<ExitCode> {
    let options = args.hot.options()?;
    let (objects, attach) = (args.objects.clone(), args.attach.clone());
    let folder =
        DataFolder::new(args.data.clone(), objects, attach, options, args.create_databases);
    let databases = Arc::new(Databases::new(folder));
    // So that a folder in use is told now and not to the first client.
    databases.get(DEFAULT_DATABASE)?;
    let runtime = open::runtime()?;
    let house = House { databases: databases.clone(), token: args.token.clone() };
    let served = runtime.block_on(listen(args.listen, house));
    runtime.shutdown_timeout(STOP_SECONDS_MAX);
    databases.close();
    served?;
    Ok(ExitCode::SUCCESS)
}

async fn listen(address: SocketAddr, house: House) -> Result<()> {
    let cannot = |e: std::io::Error| {
        Error::Failed(format!("cannot listen on {address}: {e}; choose another with --listen"))
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let bound = listener.local_addr().map_err(cannot)?;
    let stop = stop_signal()?;
    let mut out = std::io::stdout();
    writeln!(out, "dodb listens on http://{bound}")?;
    out.flush()?;
    let listener = listener.tap_io(|stream| {
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("TCP_NODELAY: {e}");
        }
    });
    let app = Router::new().fallback(answer).with_state(Arc::new(house));
    let (told, mut is_told) = tokio::sync::watch::channel(false);
    let graceful = async move {
        stop.await;
        tracing::info!("stopping");
        let _ = told.send(true);
    };
    let serving = async move { axum::serve(listener, app).with_graceful_shutdown(graceful).await };
    let overtime = async move {
        let stopped = is_told.wait_for(|told| *told).await.is_ok();
        match stopped {
            true => tokio::time::sleep(STOP_SECONDS_MAX).await,
            false => std::future::pending().await,
        }
    };
    tokio::select! {
        served = serving => served.map_err(|e| Error::Failed(format!("the server failed: {e}"))),
        () = overtime => {
            tracing::warn!("requests that took too long were cut off");
            Ok(())
        }
    }
}

/// Done when the process is asked to stop.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let cannot = |e: std::io::Error| Error::Failed(format!("cannot wait for signals: {e}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn answer(State(house): State<Arc<House>>, request: Request) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    // Needs no token and no database.
    if path == "/ping" {
        return dodb_server::ping().map(Body::from);
    }
    if let Some(token) = house.token.as_deref()
        && let Err(e) = dodb_server::check_token(&parts, token)
    {
        return refused(&path, &e);
    }
    let name = match dodb_server::database(&parts) {
        Ok(name) => name,
        Err(e) => return refused(&path, &e),
    };
    let body = match read_body(body, ServerOptions::default().body_bytes_max).await {
        Ok(body) => body,
        Err((status, message)) => return refusal(&path, status, &message),
    };
    let may_write = !matches!(parts.method, Method::GET | Method::HEAD);
    let request = http::Request::from_parts(parts, body);
    let work = move || {
        let database = house.databases.get(&name)?;
        let response = Handle::current().block_on(database.server.handle(request));
        if may_write {
            database.wake();
        }
        Ok::<_, Error>(response)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(response)) => response.map(Body::from),
        Ok(Err(Error::Engine(e @ EngineError::UnknownDatabase { .. }))) => {
            refused(&path, &e.into())
        }
        Ok(Err(e)) => {
            tracing::error!("{e}");
            refusal(&path, StatusCode::SERVICE_UNAVAILABLE, &e.to_string())
        }
        Err(e) => {
            tracing::error!("a request panicked: {e}");
            let message = "this request met a bug; the log of the server says more";
            refusal(&path, StatusCode::INTERNAL_SERVER_ERROR, message)
        }
    }
}

/// The whole body, if it is not too long.
async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, (StatusCode, String)> {
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::new();
    loop {
        let chunk = chunks.try_next().await;
        let Some(chunk) = chunk.map_err(|e| {
            (StatusCode::BAD_REQUEST, format!("the body of the request broke off: {e}"))
        })?
        else {
            return Ok(Bytes::from(whole));
        };
        if whole.len().saturating_add(chunk.len()) > bytes_max {
            let message = format!("the body has more than {bytes_max} bytes; send it in pieces");
            return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        whole.extend_from_slice(&chunk);
    }
}

/// An error of the sockets' side.
fn refusal(path: &str, status: StatusCode, message: &str) -> http::Response<Body> {
    refused(path, &dodb_server::Error::Request { status, message: message.to_owned() })
}

fn refused(path: &str, error: &dodb_server::Error) -> http::Response<Body> {
    dodb_server::refusal(path, error).map(Body::from)
}
