use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sha2::{Digest, Sha256};

use super::*;

#[test]
fn names_that_leave_the_folder_are_not_taken() {
    assert!(is_plain("a/b.gguf"));
    for bad in ["", "/etc/passwd", "../x", "a/../../x", "a\\b", "a//b"] {
        assert!(!is_plain(bad), "{bad}");
    }
}

#[test]
fn only_a_tag_that_is_a_hash_counts_as_one() {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, "\"abc\"".parse().unwrap());
    assert_eq!(sha256_of(&headers), None);
    headers.insert(
        "x-linked-etag",
        format!("\"{}\"", "A".repeat(64)).parse().unwrap(),
    );
    assert_eq!(sha256_of(&headers), Some("a".repeat(64)));
}

/// Requests as they came: path and range.
type Log = Mutex<Vec<(String, Option<String>)>>;

/// A hub on a local port with one repository, `o/m`: like the real one it tells a file's hash before it redirects
/// to where the content lies. It keeps the requests it got: (path, range).
struct LocalHub {
    base: String,
    seen: Arc<Log>,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What the hub says the hash is.
    sha256: String,
    /// Close the connection after so many bytes of the body.
    cut: Option<usize>,
}

impl LocalHub {
    fn start(content: Content) -> LocalHub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Log> = Arc::default();
        let log = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = answer(stream.unwrap(), &content, &log);
            }
        });
        LocalHub { base, seen }
    }

    fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|r| r.0.clone()).collect()
    }
}

fn answer(mut stream: TcpStream, content: &Content, log: &Log) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let range = headers.get("range").cloned();
    log.lock().unwrap().push((path.clone(), range.clone()));
    let plain = |status: &str, extra: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 {status}\r\n{extra}content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let reply = match path.as_str() {
        "/api/models/o/m" => plain(
            "200 OK",
            "",
            br#"{"siblings": [{"rfilename": "m.Q8_0.gguf"}, {"rfilename": "m.Q4_0.gguf"}, {"rfilename": "../x.gguf"}]}"#,
        ),
        "/o/m/resolve/main/m.Q4_0.gguf" => plain(
            "302 Found",
            &format!("location: /blob\r\nx-linked-etag: \"{}\"\r\n", content.sha256),
            b"",
        ),
        "/o/m/resolve/main/circle" => plain("302 Found", "location: circle\r\n", b""),
        "/blob" => {
            let from = range.map_or(0, |r| r["bytes=".len()..].trim_end_matches('-').parse().unwrap());
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let mut reply = plain(status, "etag: \"no-hash\"\r\n", &content.bytes[from..]);
            if let Some(cut) = content.cut {
                reply.truncate(reply.len() - content.bytes[from..].len() + cut);
            }
            reply
        }
        "/o/m/resolve/main/broken" => plain("500 Internal Server Error", "", b""),
        _ => plain("404 Not Found", "", b""),
    };
    stream.write_all(&reply)
}

fn content() -> Content {
    let bytes: Vec<u8> = (0..100_000u32).map(|i| (i * 7 % 251) as u8).collect();
    Content {
        sha256: Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect(),
        bytes,
        cut: None,
    }
}

async fn fetch(hub: &LocalHub, file: &str, target: &Path) -> Result<(), HubError> {
    let repository = Repository::at(&hub.base, "o/m")?;
    repository.fetch(file, target, &mut |_| {}).await
}

#[tokio::test]
async fn a_file_is_chosen_fetched_and_checked_by_the_hash_told_before_the_redirect() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("m.gguf");
    let hub = LocalHub::start(content());
    let repository = Repository::at(&hub.base, "o/m").unwrap();
    assert_eq!(repository.choose(None).await.unwrap(), ["m.Q4_0.gguf"]);
    assert_eq!(repository.choose(Some("q8_0")).await.unwrap(), ["m.Q8_0.gguf"]);
    let missing = repository.choose(Some("q6_k")).await.unwrap_err().to_string();
    assert!(
        missing.contains("q6_k") && missing.contains("m.Q8_0.gguf"),
        "{missing}"
    );
    fetch(&hub, "m.Q4_0.gguf", &target).await.unwrap();
    assert_eq!(fs::read(&target).unwrap(), content().bytes);

    let wrong = LocalHub::start(Content {
        sha256: "0".repeat(64),
        ..content()
    });
    let target = folder.path().join("wrong.gguf");
    assert!(fetch(&wrong, "m.Q4_0.gguf", &target).await.is_err());
    assert!(!target.exists());
}

#[tokio::test]
async fn a_broken_download_is_told_and_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("m.gguf");
    let cut = LocalHub::start(Content {
        cut: Some(40_000),
        ..content()
    });
    assert!(fetch(&cut, "m.Q4_0.gguf", &target).await.is_err());
    assert!(!target.exists());
    let have = fs::metadata(target.with_extension("part")).unwrap().len();
    assert!(have > 0 && have <= 40_000);

    let whole = LocalHub::start(content());
    fetch(&whole, "m.Q4_0.gguf", &target).await.unwrap();
    assert_eq!(fs::read(&target).unwrap(), content().bytes);
    assert_eq!(
        whole.seen.lock().unwrap().last().unwrap().1,
        Some(format!("bytes={have}-"))
    );
    assert_eq!(whole.paths(), ["/o/m/resolve/main/m.Q4_0.gguf", "/blob"]);
}

#[tokio::test]
async fn errors_say_whether_to_look_elsewhere_or_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let hub = LocalHub::start(content());
    let target = folder.path().join("m.gguf");
    assert!(matches!(
        fetch(&hub, "absent", &target).await,
        Err(HubError::NotHere(_))
    ));
    for file in ["broken", "circle"] {
        let error = fetch(&hub, file, &target).await.unwrap_err();
        assert!(matches!(error, HubError::NoSource(_)), "{error}");
    }
    let nobody = Repository::at("http://127.0.0.1:9", "o/m").unwrap();
    assert!(matches!(nobody.choose(None).await, Err(HubError::NoSource(_))));
    assert!(matches!(
        Repository::at("not an address", "o/m")
            .unwrap()
            .choose(None)
            .await,
        Err(HubError::NoSource(_))
    ));
}
