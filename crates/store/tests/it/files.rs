//! Files that can't be used, and disks that are full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use strawberry_core::{Message, StoreError, TraceStore};
use strawberry_store::Store;

use crate::{events, run, started, store};

async fn sql(path: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Opening fails, names the file and leaves it as it is.
async fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).unwrap();
    let error = Store::open(path).await.unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    error
}

#[tokio::test]
async fn a_newer_store_is_left_alone() {
    let (_folder, store) = store().await;
    store.append(&run("r"), &started(1, "?")).await.unwrap();
    store.close().await;
    sql(store.path(), "PRAGMA user_version = 99").await;
    let error = refused(store.path()).await;
    assert!(
        matches!(&error, StoreError::NewerVersion(m) if m.contains("schema 99") && m.contains("update")),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.db");
    // What version 1 wrote for two chats, one without messages.
    sql(
        &path,
        r#"PRAGMA application_id = 0x53545257; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
        CREATE TABLE runs (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE conversations (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time_ms INTEGER NOT NULL,
            title TEXT NOT NULL, effort TEXT) STRICT;
        CREATE TABLE messages (conversation INTEGER NOT NULL REFERENCES conversations (key) ON DELETE CASCADE,
            seq INTEGER NOT NULL, run TEXT, json TEXT NOT NULL, PRIMARY KEY (conversation, seq)) STRICT;
        INSERT INTO conversations VALUES (1, 'c', 5, 'Hello', 'high'), (2, 'd', 6, '', NULL);
        INSERT INTO messages VALUES (1, 0, NULL, '{"role":"user","content":"Hello"}'),
            (1, 1, 'r', '{"role":"assistant","content":"Hi"}');"#,
    )
    .await;
    let store = Store::open(&path).await.unwrap();
    let again = [Message::user("Again")];
    store.add_messages("c", 7, None, None, &again).await.unwrap();
    let said = store.load_conversation("c").await.unwrap().unwrap();
    let said: Vec<_> = said.iter().map(|m| m.content.as_str()).collect();
    assert_eq!(said, ["Hello", "Hi", "Again"]);
    assert_eq!(store.load_conversation("d").await.unwrap(), Some(vec![]));
    let whole = store.conversation("", "c").await.unwrap().unwrap();
    assert_eq!(whole.messages[1].run.as_deref(), Some("r"));
}

#[tokio::test]
async fn files_that_are_no_store_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.db");
    fs::write(&path, "This is a letter, not a database. ".repeat(100)).unwrap();
    assert!(refused(&path).await.to_string().contains("no store"));
    fs::remove_file(&path).unwrap();
    sql(&path, "CREATE TABLE songs (title TEXT)").await;
    assert!(refused(&path).await.to_string().contains("another program"));
    let error = Store::open(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("can't write"), "{error}");
    let error = Store::open(path.join("x/traces.db"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("can't make the folder"), "{error}");
}

#[tokio::test]
async fn a_damaged_store_is_said_to_be_damaged() {
    let (_folder, store) = store().await;
    for i in 0..50 {
        store
            .append(&run(&format!("r{i}")), &started(i, "?"))
            .await
            .unwrap();
    }
    store.close().await;
    let mut bytes = fs::read(store.path()).unwrap();
    let len = bytes.len();
    bytes[100..len].fill(0x5a);
    fs::write(store.path(), &bytes).unwrap();
    assert!(refused(store.path()).await.to_string().contains("damaged"));
    // Only the pages of one table and its index: opening succeeds, reading says what is wrong.
    let (_folder, store) = crate::store().await;
    for i in 0..50 {
        store
            .append(&run(&format!("r{i}")), &started(i, "?"))
            .await
            .unwrap();
    }
    store.close().await;
    let options = SqliteConnectOptions::new().filename(store.path());
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let roots: Vec<i64> = sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'runs'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let mut bytes = fs::read(store.path()).unwrap();
    for root in roots {
        let page = usize::try_from(root - 1).unwrap() * 4096;
        bytes[page..page + 4096].fill(0x5a);
    }
    fs::write(store.path(), &bytes).unwrap();
    let store = Store::open(store.path()).await.unwrap();
    let error = store.list(10).await.unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_store_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = store().await;
    store.append(&run("r"), &started(1, "?")).await.unwrap();
    for file in fs::read_dir(store.path().parent().unwrap()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", file.path());
    }
}

/// A small file system of its own, which needs root; `None` without.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<SmallDisk> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
            .arg(at)
            .output();
        if done.is_ok_and(|d| d.status.success()) {
            return Some(SmallDisk(at.to_owned()));
        }
        eprintln!("skipped: mounting a small file system needs root");
        None
    }

    fn remount(&self, mode: &str) {
        let done = Command::new("mount").args(["-o", mode]).arg(&self.0).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_full_and_leaves_whole_runs() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        return;
    };
    let store = Store::open(disk.0.join("traces.db")).await.unwrap();
    let mut written = 0;
    let error = loop {
        let id = run(&format!("{written:04}"));
        if let Err(error) = store.append(&id, &started(written, &"long ".repeat(200))).await {
            break error.to_string();
        }
        written += 1;
        assert!(written < 1000, "the disk never gets full");
    };
    assert!(
        error.contains("no room left") || error.contains("free space"),
        "{error}"
    );
    assert!(written > 0);
    // What was written can be read, on the full disk and after reopening.
    assert_eq!(store.list(1000).await.unwrap().len() as u64, written);
    store.close().await;
    let store = Store::open(disk.0.join("traces.db")).await.unwrap();
    assert_eq!(store.list(1000).await.unwrap().len() as u64, written);
    for listed in store.list(1000).await.unwrap() {
        assert_eq!(store.load(&listed.id.0).await.unwrap().1.len(), 1);
    }
    store.close().await;

    // No room even for a new file.
    fs::write(disk.0.join("ballast"), vec![0; 512 << 10]).unwrap_err();
    let error = Store::open(disk.0.join("other.db"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("room") || error.contains("space"), "{error}");
}

#[tokio::test]
async fn a_read_only_folder_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        return;
    };
    let path = disk.0.join("traces.db");
    let store = Store::open(&path).await.unwrap();
    for event in events() {
        store.append(&run("r"), &event).await.unwrap();
    }
    store.close().await;
    disk.remount("remount,ro");
    for file in [path, disk.0.join("new.db"), disk.0.join("folder/new.db")] {
        let result = match Store::open(&file).await {
            Ok(store) => store.append(&run("s"), &started(1, "?")).await,
            Err(error) => Err(error),
        };
        let error = result.unwrap_err().to_string();
        assert!(error.contains("STRAWBERRY_HOME"), "{error}");
    }
}
