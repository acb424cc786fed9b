//! The HTTP client: a running dodb instead of a folder. Not here: what is asked of it.

use std::io::Read;
use std::time::Duration;

use ureq::{Agent, Body, RequestBuilder};

use crate::cost::Cost;
use crate::error::{Error, Result};

/// A database behind a URL.
pub struct Client {
    agent: Agent,
    base: String,
    database: String,
    /// The header that shows the token; none is sent without one.
    token: Option<String>,
}

/// An answer that is not an error.
pub struct Reply {
    /// What it cost.
    pub cost: Cost,
    /// Why there was nothing to do, if that is so.
    pub note: Option<String>,
    /// The body, still arriving.
    pub body: Box<dyn Read + Send>,
}

impl Client {
    /// Names a server and one of its databases. Asks nothing yet.
    ///
    /// # Errors
    /// Not an address of HTTP.
    pub fn new(url: &str, database: &str, token: Option<&str>) -> Result<Client> {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Error::Usage(format!(
                "--url {url:?} is not an address like http://127.0.0.1:8123"
            )));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .build();
        Ok(Client {
            agent: Agent::new_with_config(config),
            base: url.trim_end_matches('/').to_owned(),
            database: database.to_owned(),
            token: token.map(|token| format!("Bearer {token}")),
        })
    }

    /// Runs a statement, which data may follow in `body`.
    ///
    /// # Errors
    /// The server's own, or that it does not answer.
    pub fn sql(&self, body: &[u8], format: &str) -> Result<Reply> {
        let url = format!("{}/?database={}&default_format={format}", self.base, self.database);
        self.reply(self.signed(self.agent.post(&url)).send(body))
    }

    /// Reads a path.
    ///
    /// # Errors
    /// As [`Client::sql`].
    pub fn get(&self, path: &str) -> Result<Reply> {
        let url = format!("{}{path}?database={}", self.base, self.database);
        self.reply(self.signed(self.agent.get(&url)).call())
    }

    /// Posts nothing to a path. Such requests take their time, after which workerd closes the
    /// connection without having said so: it is not used again.
    ///
    /// # Errors
    /// As [`Client::sql`].
    pub fn post(&self, path: &str) -> Result<Reply> {
        let url = format!("{}{path}?database={}", self.base, self.database);
        let request = self.signed(self.agent.post(&url)).header("connection", "close");
        self.reply(request.send_empty())
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", token),
            None => request,
        }
    }

    fn reply(&self, answer: Result<http::Response<Body>, ureq::Error>) -> Result<Reply> {
        let failed = |message: String| Error::Http { url: self.base.clone(), message };
        let response = answer.map_err(|e| failed(format!("no answer: {e}; is dodb running?")))?;
        let (parts, body) = response.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
        let cost = Cost::of_header(header("x-dodb-cost"));
        let note = header("x-dodb-note").map(str::to_owned);
        let mut reader: Box<dyn Read + Send> = Box::new(body.into_reader());
        if parts.status.is_success() {
            return Ok(Reply { cost, note, body: reader });
        }
        const MESSAGE_BYTES_MAX: u64 = 64 << 10;
        let mut message = Vec::new();
        // What arrived of the message is better than nothing.
        let _ = reader.by_ref().take(MESSAGE_BYTES_MAX).read_to_end(&mut message);
        let message = String::from_utf8_lossy(&message);
        Err(failed(format!("status {}: {}", parts.status.as_u16(), message.trim_end())))
    }
}

impl Reply {
    /// The whole body as text.
    pub fn text(mut self) -> Result<String> {
        let mut text = String::new();
        self.body
            .read_to_string(&mut text)
            .map_err(|e| Error::Failed(format!("the answer broke off: {e}")))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// A server that answers one request of a connection, and lets the connection go at the next.
    fn answers_once(requests: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming().take(requests) {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
                let _ = lines.next();
            }
        });
        url
    }

    #[test]
    fn a_connection_that_was_closed_meanwhile_is_not_used_again() {
        let client = Client::new(&answers_once(3), "default", None).unwrap();
        for _ in 0..3 {
            assert_eq!(client.post("/v1/flush").unwrap().text().unwrap(), "{}");
        }
    }
}
