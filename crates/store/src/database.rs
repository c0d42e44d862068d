//! Opening the file, transactions, and errors in words.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, Transaction};
use strawberry_core::StoreError;

use crate::schema::{APPLICATION_ID, STEPS};

/// How long a writer waits for the writers of other processes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Connections at most; SQLite has one writer at a time anyway.
const CONNECTIONS: u32 = 4;

/// Primary result codes of SQLite that are explained (sqlite.org/rescode.html).
mod code {
    pub const BUSY: u32 = 5;
    pub const READONLY: u32 = 8;
    pub const IOERR: u32 = 10;
    pub const CORRUPT: u32 = 11;
    pub const FULL: u32 = 13;
    pub const CANTOPEN: u32 = 14;
    pub const NOTADB: u32 = 26;
}

/// The store: one SQLite file. Cloning is cheap and shares the connections. Its methods run on tokio.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    pub(crate) pool: SqlitePool,
}

impl Store {
    /// Opens the store at `path`; makes the file and its folder if they are missing.
    ///
    /// # Errors
    /// When the file can't be read and written, is damaged, is no store, or was written by a newer
    /// version of the program. Such a file is left as it is.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Store, StoreError> {
        let path = path.into();
        make_folder(&path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Normal);
        prepare(&path, &options).await.map_err(|e| e.explained(&path))?;
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(BUSY_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Store { path, pool })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes all connections. Not needed for safety; the last one to close folds the write-ahead log
    /// into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that will write. It holds the file's only write lock from the start, so that
    /// it can't fail half-way because another process wrote.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|e| self.explain(e))
    }

    /// Ends a transaction.
    pub(crate) async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        transaction.commit().await.map_err(|e| self.explain(e))
    }

    pub(crate) fn explain(&self, error: sqlx::Error) -> StoreError {
        explain(&error, &self.path)
    }
}

/// Why a file can't be used.
enum OpenError {
    Sql(sqlx::Error),
    NotOurs,
    Newer(i64),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        OpenError::Sql(error)
    }
}

impl OpenError {
    fn explained(&self, path: &Path) -> StoreError {
        let file = path.display();
        match self {
            OpenError::Sql(error) => explain(error, path),
            OpenError::NotOurs => StoreError::Io(format!(
                "'{file}' is a database of another program: set STRAWBERRY_HOME to another folder"
            )),
            OpenError::Newer(version) => StoreError::NewerVersion(format!(
                "the trace store '{file}' was written by a newer version of strawberry (schema {version}; this one \
                 knows up to {}): update strawberry, or set STRAWBERRY_HOME to another folder; nothing was changed",
                STEPS.len()
            )),
        }
    }
}

/// Checks the file and brings it to today's schema.
async fn prepare(path: &Path, options: &SqliteConnectOptions) -> Result<(), OpenError> {
    let new = !path.exists();
    let mut connection = SqliteConnection::connect_with(options).await?;
    let result = check_and_migrate(&mut connection).await;
    // The error that matters is the first one.
    let closed = connection.close().await;
    result?;
    closed?;
    if new {
        restrict(path);
    }
    Ok(())
}

async fn check_and_migrate(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let (version, journal) = state(connection).await?;
    if version == STEPS.len() as i64 && journal == "wal" {
        return Ok(());
    }
    if journal != "wal" {
        set_wal(connection).await?;
    }
    // Another process may be doing the same: look again under the write lock.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (version, _) = state(&mut transaction).await?;
    let taken = usize::try_from(version).unwrap_or(0);
    for step in &STEPS[taken..] {
        sqlx::raw_sql(*step).execute(&mut *transaction).await?;
    }
    let header = format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {};",
        STEPS.len()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(header))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// The schema version and the journal mode, if the file is ours (or empty) and not newer than we are.
async fn state(connection: &mut SqliteConnection) -> Result<(i64, String), OpenError> {
    let version: i64 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut *connection)
        .await?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *connection)
        .await?;
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *connection)
        .await?;
    let objects: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *connection)
        .await?;
    let empty = objects == 0 && version == 0 && application == 0;
    if !empty && application != APPLICATION_ID {
        return Err(OpenError::NotOurs);
    }
    if version > STEPS.len() as i64 {
        return Err(OpenError::Newer(version));
    }
    Ok((version, journal))
}

/// Switches to the write-ahead log. SQLite does not wait for other processes here (its busy handler is
/// not called for this switch), so we do.
async fn set_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let started = std::time::Instant::now();
    loop {
        let switched = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL")
            .fetch_one(&mut *connection)
            .await;
        match switched {
            Err(e) if primary_code(&e) == Some(code::BUSY) && started.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            other => return other.map(|_| ()),
        }
    }
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty() && !f.exists()) else {
        return Ok(());
    };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|e| {
        StoreError::Io(format!(
            "can't make the folder '{}' for the trace store: {e}; set STRAWBERRY_HOME to a folder you can write to",
            folder.display()
        ))
    })
}

/// Traces hold what people ask: a new file is for its owner only. (SQLite gives its log the same mode.)
fn restrict(path: &Path) {
    // A failure leaves the mode to the user's umask and the folder's.
    #[cfg(unix)]
    let _ = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600));
    #[cfg(not(unix))]
    let _ = path;
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Says what went wrong with the file, and what to do.
pub(crate) fn explain(error: &sqlx::Error, path: &Path) -> StoreError {
    let file = path.display();
    let what = match primary_code(error) {
        Some(code::FULL) => {
            format!("there is no room left to write to the trace store '{file}': free some disk space")
        }
        Some(code::IOERR) => format!(
            "reading or writing the trace store '{file}' failed ({error}): check the disk and its free space"
        ),
        Some(code::CORRUPT | code::NOTADB) => format!(
            "the trace store '{file}' is damaged or is no store ({error}); it was left as it is: move it away to \
             start a new one (`sqlite3 FILE .recover` may save what it holds)"
        ),
        Some(code::READONLY | code::CANTOPEN) => format!(
            "can't write to the trace store '{file}' ({error}): make the file and its folder writable, free disk \
             space, or set STRAWBERRY_HOME to another folder"
        ),
        Some(code::BUSY) => format!(
            "another process has kept the trace store '{file}' locked for {} s: end it, or try again",
            BUSY_TIMEOUT.as_secs()
        ),
        _ => format!("the trace store '{file}' can't be used: {error}"),
    };
    StoreError::Io(what)
}
