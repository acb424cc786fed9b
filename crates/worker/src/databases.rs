//! The databases of a Worker, each a Durable Object. The object of `default` keeps the list of
//! their names; whether there is a database in an object, the object itself knows. Here is how
//! objects ask each other about that. Not here: what is in a database ([`crate::database`]).

use bytes::Bytes;
use dodb_engine::{Db, Usage, UsageCounts};
use dodb_query::{Databases, Error};
use dodb_server::{DEFAULT_DATABASE, check_database};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use worker::send::{SendFuture, SendWrapper};
use worker::{Env, Method, Request, RequestInit};

/// The binding of `wrangler.jsonc` to the class of Durable Objects.
pub(crate) const OBJECTS: &str = "DATABASES";
/// The paths under which objects ask each other. Nobody else may: [`crate::entry`] lets none in.
pub(crate) const ROOT: &str = "/_databases/";
/// The variable that lets a database be made when it is first asked for.
const CREATE_DATABASES: &str = "DODB_CREATE_DATABASES";

/// What an object asks of another one. A name in it is one that [`check_database`] lets pass, so
/// that it can stand in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question<'a> {
    /// Of any: be a database from now on.
    Make,
    /// Of `default`: which are on the list?
    Names,
    /// Of `default`: put it on the list.
    List(&'a str),
    /// Of `default`: put it on the list and make it.
    Create(&'a str),
}

/// What it answers, and what the answer took.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Is it new, that there is this database?
    #[serde(default)]
    is_new: bool,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    rows_read: u64,
    #[serde(default)]
    rows_written: u64,
}

/// The databases as the object of one of them knows them.
pub(crate) struct DatabaseObjects {
    env: SendWrapper<Env>,
    /// The database whose object this is, by its name.
    name: String,
    db: Db,
}

impl std::fmt::Debug for DatabaseObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatabaseObjects({})", self.name)
    }
}

impl<'a> Question<'a> {
    /// The question that is asked by a path below [`ROOT`].
    pub(crate) fn parse(path: &'a str) -> Option<Question<'a>> {
        match path.split_once('/') {
            None if path == "make" => Some(Question::Make),
            None if path == "names" => Some(Question::Names),
            Some(("list", name)) => Some(Question::List(name)),
            Some(("create", name)) => Some(Question::Create(name)),
            _ => None,
        }
    }

    fn path(self) -> String {
        match self {
            Question::Make => "make".to_owned(),
            Question::Names => "names".to_owned(),
            Question::List(name) => format!("list/{name}"),
            Question::Create(name) => format!("create/{name}"),
        }
    }
}

impl Told {
    /// Only whether it is new.
    pub(crate) fn new(is_new: bool) -> Told {
        Told { is_new, ..Told::default() }
    }

    /// The answer as a response.
    pub(crate) fn response(&self) -> Result<dodb_server::Response, Error> {
        let body = serde_json::to_vec(self).map_err(|e| Error::Unavailable(e.to_string()))?;
        Ok(http::Response::new(Bytes::from(body)))
    }
}

impl DatabaseObjects {
    pub(crate) fn new(env: &Env, name: &str, db: Db) -> DatabaseObjects {
        DatabaseObjects { env: SendWrapper(env.clone()), name: name.to_owned(), db }
    }

    /// Answers another object; this one is that of `default`.
    pub(crate) async fn answer(&self, question: Question<'_>) -> Result<Told, Error> {
        let usage = Usage::default();
        let mut told = match question {
            Question::Make => Told::default(),
            Question::Names => Told { names: self.names(&usage).await?, ..Told::default() },
            Question::List(name) => Told::new(self.db.list_database(name, &usage)?),
            Question::Create(name) => Told::new(self.create(name, &usage).await?),
        };
        (told.rows_read, told.rows_written) = (usage.rows_read(), usage.rows_written());
        Ok(told)
    }

    async fn names_here(&self, usage: &Usage) -> Result<Vec<String>, Error> {
        if self.name != DEFAULT_DATABASE {
            return Ok(ask(&self.env, DEFAULT_DATABASE, Question::Names, usage).await?.names);
        }
        let mut names = self.db.listed_databases(usage)?;
        names.push(DEFAULT_DATABASE.to_owned());
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// On the list first: if the object cannot be asked then, the same statement can be sent again.
    async fn create_here(&self, name: &str, usage: &Usage) -> Result<bool, Error> {
        check_database(name).map_err(|e| Error::Plan(e.to_string()))?;
        if self.name != DEFAULT_DATABASE {
            let told = ask(&self.env, DEFAULT_DATABASE, Question::Create(name), usage).await?;
            return Ok(told.is_new);
        }
        if name == DEFAULT_DATABASE {
            return Ok(false);
        }
        self.db.list_database(name, usage)?;
        Ok(ask(&self.env, name, Question::Make, usage).await?.is_new)
    }
}

impl Databases for DatabaseObjects {
    fn names<'a>(&'a self, usage: &'a Usage) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        SendFuture::new(self.names_here(usage)).boxed()
    }

    fn create<'a>(&'a self, name: &'a str, usage: &'a Usage) -> BoxFuture<'a, Result<bool, Error>> {
        SendFuture::new(self.create_here(name, usage)).boxed()
    }
}

/// Puts a database on the list of `default`, which is another object.
pub(crate) async fn list(env: &Env, name: &str) -> Result<(), Error> {
    ask(env, DEFAULT_DATABASE, Question::List(name), &Usage::default()).await.map(|_| ())
}

/// Is a database made when it is first asked for?
///
/// # Errors
/// The variable is set to something that says neither.
pub(crate) fn are_made_when_asked(env: &Env) -> Result<bool, dodb_server::Error> {
    let text = env.var(CREATE_DATABASES).map(|var| var.to_string()).unwrap_or_default();
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => {
            let message = format!("{CREATE_DATABASES} is 1 or 0, not {text:?}");
            Err(dodb_server::Error::Request { status: http::StatusCode::BAD_REQUEST, message })
        }
    }
}

/// Asks the object of a database; what its answer took is the usage of who asks.
async fn ask(
    env: &Env,
    object: &str,
    question: Question<'_>,
    usage: &Usage,
) -> Result<Told, Error> {
    let failed = |e: worker::Error| {
        worker::console_error!("database {object}, {question:?}: {e}");
        Error::Unavailable(format!("the database `{object}` did not answer ({e}); try again"))
    };
    let url = format!("https://dodb{ROOT}{}?database={object}", question.path());
    let mut init = RequestInit::new();
    init.with_method(Method::Post);
    let request = Request::new_with_init(&url, &init).map_err(failed)?;
    let stub = || env.durable_object(OBJECTS)?.id_from_name(object)?.get_stub();
    let mut answer = stub().map_err(failed)?.fetch_with_request(request).await.map_err(failed)?;
    let text = answer.text().await.map_err(failed)?;
    if answer.status_code() != 200 {
        return Err(Error::Unavailable(format!("the database `{object}` says: {}", text.trim())));
    }
    let told: Told = serde_json::from_str(&text)
        .map_err(|e| Error::Unavailable(format!("the database `{object}` says {text:?}: {e}")))?;
    usage.add(UsageCounts {
        rows_read: told.rows_read,
        rows_written: told.rows_written,
        ..UsageCounts::default()
    });
    Ok(told)
}
