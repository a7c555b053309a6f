//! The store against a server of our own, which answers what S3 answers and can break off in mid-body.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use super::upload::PART;
use super::*;
use crate::store::Upload as _;

/// A request as the server sees it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path with query: `PUT /bucket/key?x=y`.
    pub(crate) line: String,
    /// Header lines in lower case.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// What the server answers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Bytes of the body that are sent before the connection breaks off.
    pub(crate) torn_after: Option<usize>,
    pub(crate) headers: &'static str,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), torn_after: None, headers: "" }
    }
}

type Requests = Arc<Mutex<Vec<Request>>>;

/// Serves on loopback until the test's process ends, one connection a request. Answers where, and what it was asked.
pub(crate) fn serve(mut answer: impl FnMut(&Request) -> Answer + Send + 'static) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Requests::default();
    let seen = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(request) = read(&stream) else { continue };
            let answer = answer(&request);
            seen.lock().unwrap().push(request);
            let (status, length, headers) = (answer.status, answer.body.len(), answer.headers);
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            // The client may hang up first, which is no matter of the server's.
            let _ = stream.write_all(&answer.body[..answer.torn_after.unwrap_or(length)]);
        }
    });
    (endpoint, requests)
}

fn read(mut stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let line = line.rsplit_once(' ')?.0.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end() {
            "" => break,
            header => headers.push(header.to_ascii_lowercase()),
        }
    }
    let mut request = Request { line, headers, body: Vec::new() };
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn store(endpoint: &str, kms_key_id: Option<&str>) -> S3Store {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "SECRETEXAMPLE",
            Some("TOKENEXAMPLE".into()),
            None,
            "test",
        ))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .build();
    S3Store::new(Client::from_conf(config), kms_key_id.map(str::to_owned))
}

fn lines(requests: &Requests) -> Vec<String> {
    requests.lock().unwrap().iter().map(|request| request.line.clone()).collect()
}

async fn collect(store: &S3Store, object: &ObjectRef) -> Result<Vec<u8>, StoreError> {
    let mut body = store.get(object).await?;
    let mut all = Vec::new();
    while let Some(chunk) = body.chunks.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

#[tokio::test]
async fn a_small_body_that_breaks_off_is_read_again() {
    let mut torn = [Some(3), Some(0), None].into_iter();
    let (endpoint, requests) =
        serve(move |_| Answer { torn_after: torn.next().unwrap(), ..Answer::new(200, "records") });
    let object = ObjectRef { version: Some("v1".into()), ..ObjectRef::new("raw", "a b.json") };
    assert_eq!(collect(&store(&endpoint, None), &object).await.unwrap(), b"records");
    assert_eq!(lines(&requests), ["GET /raw/a%20b.json?x-id=GetObject&versionId=v1"; 3]);
}

#[tokio::test]
async fn a_body_that_always_breaks_off_is_an_error() {
    let (endpoint, requests) = serve(|_| Answer { torn_after: Some(3), ..Answer::new(200, "records") });
    let error = collect(&store(&endpoint, None), &ObjectRef::new("raw", "a")).await.unwrap_err();
    assert!(matches!(&error, StoreError::Failed { operation: "get", .. }) && error.is_retryable(), "{error}");
    assert_eq!(lines(&requests).len(), READS as usize);
}

#[tokio::test]
async fn a_large_body_streams_and_must_end_where_it_was_announced() {
    let size = SMALL as usize + 1;
    let mut torn = [None, Some(size - 1)].into_iter();
    let (endpoint, requests) =
        serve(move |_| Answer { torn_after: torn.next().unwrap(), ..Answer::new(200, vec![7; size]) });
    let (store, object) = (store(&endpoint, None), ObjectRef::new("raw", "a"));
    assert_eq!(collect(&store, &object).await.unwrap().len(), size);
    let error = collect(&store, &object).await.unwrap_err();
    assert!(matches!(&error, StoreError::Failed { .. }), "{error}");
    assert_eq!(lines(&requests).len(), 2);
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error_whoever_says_so() {
    // Beneath the check of the HTTP client stands one of our own.
    let chunks: Vec<_> =
        stream_body(ByteStream::from_static(b"abc"), Some(4), "s3://raw/a".into()).collect().await;
    assert_eq!(chunks[0], Ok(Bytes::from_static(b"abc")));
    let error = chunks[1].clone().unwrap_err().to_string();
    assert_eq!(error, "get failed: s3://raw/a: the body ended after 3 bytes, expected 4");
}

#[tokio::test]
async fn what_s3_says_is_told_apart() {
    let error = |code: &str| format!("<Error><Code>{code}</Code><Message>about it</Message></Error>");
    let (endpoint, _) = serve(move |request| match request.line.as_str() {
        line if line.contains("missing") => Answer::new(404, error("NoSuchKey")),
        line if line.contains("denied") => Answer::new(403, error("AccessDenied")),
        line if line.contains("archived") => Answer::new(403, error("InvalidObjectState")),
        _ => Answer::new(503, error("SlowDown")),
    });
    let store = store(&endpoint, None);
    let mut errors = Vec::new();
    for key in ["missing", "denied", "archived", "busy"] {
        errors.push(store.get(&ObjectRef::new("raw", key)).await.unwrap_err());
    }
    assert!(matches!(&errors[0], StoreError::NotFound { location } if location == "s3://raw/missing"));
    assert!(
        matches!(&errors[1], StoreError::Denied { .. }) && matches!(&errors[2], StoreError::Denied { .. })
    );
    assert!(matches!(&errors[3], StoreError::Failed { .. }) && errors[3].is_retryable());
    assert_eq!(errors[3].to_string(), "get failed: s3://raw/busy: SlowDown (status 503): about it");
    let text = format!("{errors:?}");
    assert!(!text.contains("TOKENEXAMPLE") && !text.contains("AKIDEXAMPLE"), "{text}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_in_the_error() {
    let error =
        store("http://127.0.0.1:1", None).get(&ObjectRef::new("raw", "a")).await.unwrap_err().to_string();
    assert!(error.starts_with("get failed: s3://raw/a: dispatch failure: "), "{error}");
    assert!(!error.contains("TOKENEXAMPLE"), "{error}");
}

/// A server that takes uploads; a part of that number is refused.
fn upload_server(refused_part: usize) -> (String, Requests) {
    serve(move |request| match request.line.as_str() {
        line if line.contains("?uploads") => Answer::new(
            200,
            "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        ),
        line if line.contains(&format!("partNumber={refused_part}&")) => {
            Answer::new(400, "<Error><Code>EntityTooSmall</Code></Error>")
        }
        line if line.starts_with("PUT") => {
            Answer { headers: "etag: \"e\"\r\nx-amz-checksum-crc32: AAAAAA==\r\n", ..Answer::new(200, "") }
        }
        line if line.starts_with("DELETE") => Answer::new(204, ""),
        _ => Answer::new(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"),
    })
}

#[tokio::test]
async fn up_to_a_part_is_one_put() {
    let (endpoint, requests) = upload_server(usize::MAX);
    let store = store(&endpoint, Some("alias/lake"));
    for (key, size) in [("a.zstd.parquet", PART), ("q.jsonl.gz", 0)] {
        let mut upload = store.create("lake", key).await.unwrap();
        for piece in vec![1; size].chunks(PART / 3) {
            upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        upload.complete().await.unwrap();
    }
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (requests[0].line.as_str(), requests[0].body.len()),
        ("PUT /lake/a.zstd.parquet?x-id=PutObject", PART)
    );
    assert_eq!(requests[0].header("x-amz-server-side-encryption"), Some("aws:kms"));
    assert_eq!(requests[0].header("x-amz-server-side-encryption-aws-kms-key-id"), Some("alias/lake"));
    assert_eq!(requests[0].header("x-amz-server-side-encryption-bucket-key-enabled"), Some("true"));
    assert_eq!(requests[0].header("content-type"), Some("application/vnd.apache.parquet"));
    assert_eq!(requests[1].header("content-type"), Some("application/x-ndjson"));
    assert_eq!(requests[1].header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn more_than_a_part_is_a_multipart_upload() {
    let (endpoint, requests) = upload_server(usize::MAX);
    let mut upload = store(&endpoint, Some("alias/lake")).create("lake", "a").await.unwrap();
    upload.write(Bytes::from(vec![1; PART + 10])).await.unwrap();
    upload.write(Bytes::from(vec![2; PART])).await.unwrap();
    upload.complete().await.unwrap();
    let requests = requests.lock().unwrap();
    let parts: Vec<usize> = requests
        .iter()
        .filter(|request| request.line.contains("partNumber"))
        .map(|part| part.body.len())
        .collect();
    assert_eq!(parts, [PART, PART, 10]);
    assert_eq!(requests.len(), 5);
    assert_eq!(requests[0].header("x-amz-server-side-encryption"), Some("aws:kms"));
    let completed = String::from_utf8(requests[4].body.clone()).unwrap();
    assert_eq!(completed.matches("<ChecksumCRC32>AAAAAA==</ChecksumCRC32>").count(), 3, "{completed}");
}

#[tokio::test]
async fn a_part_that_fails_frees_the_others_and_fails_the_object() {
    let (endpoint, requests) = upload_server(2);
    let mut upload = store(&endpoint, None).create("lake", "a").await.unwrap();
    upload.write(Bytes::from(vec![1; 2 * PART])).await.unwrap();
    let error = upload.write(Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(upload.write(Bytes::from_static(b"x")).await.unwrap_err(), error);
    assert_eq!(upload.complete().await.unwrap_err(), error);
    assert!(lines(&requests).last().unwrap().starts_with("DELETE /lake/a?"), "{:?}", lines(&requests));
    assert!(!lines(&requests).iter().any(|line| line.contains("PutObject") || line.contains("Complete")));
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let (endpoint, requests) = upload_server(usize::MAX);
    let store = store(&endpoint, None);
    for size in [10, PART + 1] {
        let mut upload = store.create("lake", "a").await.unwrap();
        upload.write(Bytes::from(vec![1; size])).await.unwrap();
        upload.abort().await;
    }
    let lines = lines(&requests);
    assert!(lines.len() == 3 && lines[2].starts_with("DELETE /lake/a?"), "{lines:?}");
}
