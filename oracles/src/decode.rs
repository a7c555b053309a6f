//! Decoding, held against flate2's other reader of gzip and against zstd's streaming reader.

use std::io::Read as _;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use shared::decode::{DecodeError, Decoder, STEP, decode_whole};

/// Objects that decode to more are refused here.
const LIMIT: u64 = 4 << 20;

/// Takes bytes for a stored object and for what another one holds.
pub fn check(bytes: &[u8]) {
    as_object(bytes);
    as_contents(bytes);
}

/// What comes out of an object is what the codecs' own readers say.
fn as_object(object: &[u8]) {
    let ours = decode(object, usize::MAX, LIMIT);
    // Each piece costs a step's memory, so there may not be many.
    for piece in [1 + object.len() / 200, 1 + object.len() / 7, 1 + object.len() / 2] {
        let other = decode(object, piece, LIMIT);
        assert_eq!(other.as_ref().ok(), ours.as_ref().ok(), "in pieces of {piece}");
    }
    match (&ours, reference(object, LIMIT)) {
        (Ok(ours), Ok(theirs)) => assert!(*ours == theirs, "decodes to other bytes"),
        (Ok(_), Err(reason)) => panic!("was decoded, and should not have been: {reason}"),
        (Err(error), Ok(_)) if !is_odd_header(object) => panic!("was not decoded: {error}"),
        (Err(_), _) => {}
    }
    let mut out = b"before".to_vec();
    let is_whole = decode_whole(object, LIMIT, &mut out);
    assert!(out.starts_with(b"before"));
    match ours {
        Ok(ours) if is_whole => assert!(out[6..] == ours, "decodes to other bytes in one go"),
        Err(error) if is_whole => panic!("was decoded in one go, and otherwise not: {error}"),
        _ => assert_eq!(out.len(), 6, "something was left behind"),
    }
}

/// Whatever is encoded is decoded to itself: in one stream and in several, and where it fills a step exactly.
fn as_contents(bytes: &[u8]) {
    let (left, right) = bytes.split_at(bytes.len() / 3);
    // Filling a step takes time, so that is for some only.
    let step: Vec<u8> = bytes.iter().copied().cycle().take(STEP).collect();
    let all = [vec![bytes], vec![left, right], vec![step.as_slice()], vec![&step, left]];
    let count = if bytes.len() % 8 == 1 { 4 } else { 2 };
    for parts in &all[..count] {
        let wanted = parts.concat();
        let plain_is_plain =
            !wanted.starts_with(&[0x1f, 0x8b]) && !wanted.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        if plain_is_plain {
            assert!(decode(&wanted, 1 << 16, LIMIT).as_ref() == Ok(&wanted), "plain bytes are not kept");
        }
        let members: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
        let frames: Vec<u8> = parts.iter().flat_map(|part| zstd::encode_all(*part, 1).unwrap()).collect();
        for encoded in [members, frames] {
            for piece in [usize::MAX, 1 + encoded.len() / (1 + bytes.len() % 50)] {
                let decoded = decode(&encoded, piece, LIMIT);
                assert!(decoded.as_ref() == Ok(&wanted), "{:?}", decoded.map(|decoded| decoded.len()));
            }
            let cut = &encoded[..encoded.len() - 1 - bytes.len() % 4];
            let decoded = decode(cut, usize::MAX, LIMIT);
            assert!(decoded.is_err(), "what was cut has been decoded to {} bytes", decoded.unwrap().len());
        }
    }
}

fn decode(object: &[u8], piece: usize, limit: u64) -> Result<Vec<u8>, DecodeError> {
    let (mut decoder, mut out) = (Decoder::new(limit), Vec::new());
    for mut piece in object.chunks(piece) {
        loop {
            let before = out.len();
            let more = decoder.decode(&mut piece, &mut out)?;
            assert!(out.len() - before <= STEP + 4, "more than a step at a time");
            if !more {
                break;
            }
        }
        assert!(piece.is_empty(), "bytes were left and no more was announced");
    }
    while decoder.finish(&mut out)? {}
    assert_eq!(decoder.decoded(), out.len() as u64);
    Ok(out)
}

/// Decodes by other readers: zeros may stand between gzip members and behind the last.
///
/// # Errors
/// If the object is damaged, truncated or decodes to more than `limit` bytes; in words.
pub fn reference(object: &[u8], limit: u64) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    match object {
        [0x1f, 0x8b, _, _, ..] => {
            let mut rest = object;
            while !rest.is_empty() {
                let mut member = GzDecoder::new(rest);
                let room = (limit + 1).saturating_sub(out.len() as u64);
                member.by_ref().take(room).read_to_end(&mut out).map_err(|error| error.to_string())?;
                if out.len() as u64 > limit {
                    return Err("too large".to_owned());
                }
                rest = member.into_inner();
                rest = &rest[rest.iter().take_while(|byte| **byte == 0).count()..];
            }
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::Decoder::with_buffer(object).map_err(|error| error.to_string())?;
            decoder.take(limit + 1).read_to_end(&mut out).map_err(|error| error.to_string())?;
        }
        _ => out.extend_from_slice(object),
    }
    if out.len() as u64 > limit { Err("too large".to_owned()) } else { Ok(out) }
}

/// The two readers of gzip differ over headers that nobody writes: reserved flags and checksums of headers.
fn is_odd_header(object: &[u8]) -> bool {
    object.windows(4).any(|window| window[..2] == [0x1f, 0x8b] && (window[2] != 8 || window[3] & 0xe2 != 0))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;

    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
