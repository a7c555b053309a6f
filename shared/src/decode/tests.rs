use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn decode(input: &[u8], chunk: usize, limit: u64) -> Result<Vec<u8>, DecodeError> {
    let (mut decoder, mut out) = (Decoder::new(limit), Vec::new());
    for mut piece in input.chunks(chunk) {
        while decoder.decode(&mut piece, &mut out)? {}
        assert!(piece.is_empty());
    }
    decoder.finish(&mut out)?;
    Ok(out)
}

proptest! {
    #[test]
    fn any_split_of_any_form_decodes_alike(bytes in prop::collection::vec(any::<u8>(), 0..3000), cut in 0..3000_usize, chunk in 1..700_usize) {
        let (left, right) = bytes.split_at(cut.min(bytes.len()));
        let members = [gzip(left), gzip(right)].concat();
        let frames = [zstd::encode_all(left, 1).unwrap(), zstd::encode_all(right, 1).unwrap()].concat();
        prop_assert_eq!(decode(&members, chunk, u64::MAX).unwrap(), bytes.clone());
        prop_assert_eq!(decode(&frames, chunk, u64::MAX).unwrap(), bytes.clone());
        if !bytes.starts_with(&[0x1f, 0x8b]) && !bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            prop_assert_eq!(decode(&bytes, chunk, u64::MAX).unwrap(), bytes);
        }
    }

    #[test]
    fn a_cut_stream_is_an_error(bytes in prop::collection::vec(any::<u8>(), 1..2000), cut in 0.0..1.0_f64, chunk in 1..700_usize) {
        for whole in [gzip(&bytes), zstd::encode_all(bytes.as_slice(), 1).unwrap()] {
            let end = 4 + ((whole.len() - 4) as f64 * cut) as usize;
            prop_assert!(decode(&whole[..end], chunk, u64::MAX).is_err());
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), chunk in 1..64_usize) {
        for magic in [&[0x1f, 0x8b, 8, 0][..], &[0x28, 0xb5, 0x2f, 0xfd], &[]] {
            let _outcome = decode(&[magic, &bytes].concat(), chunk, 1 << 20);
        }
    }
}

#[test]
fn a_bomb_is_capped_and_steps_are_small() {
    let bomb = gzip(&vec![b'['; 8 << 20]);
    assert_eq!(decode(&bomb, bomb.len(), 1 << 20), Err(DecodeError::TooLarge { limit: 1 << 20 }));
    let (mut decoder, mut out, mut input) = (Decoder::new(u64::MAX), Vec::new(), bomb.as_slice());
    while decoder.decode(&mut input, &mut out).unwrap() {
        assert!(out.len() <= STEP);
        out.clear();
    }
    assert_eq!(decoder.decoded(), 8 << 20);
}

#[test]
fn the_cap_holds_at_its_edge() {
    let bytes = vec![b'a'; 1000];
    for form in [bytes.clone(), gzip(&bytes), zstd::encode_all(bytes.as_slice(), 1).unwrap()] {
        assert_eq!(decode(&form, 64, 1000).unwrap(), bytes);
        assert_eq!(decode(&form, 64, 999), Err(DecodeError::TooLarge { limit: 999 }));
    }
}

/// The decoder takes a frame's window out of memory before anything is decoded: 128 MiB, as zstd(1) does.
#[test]
fn a_window_is_bounded() {
    let frame = |log: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, 9, 0, 0, b'x'];
    assert_eq!(decode(&frame(27), 99, 9).unwrap(), b"x");
    let error = decode(&frame(28), 99, 9).unwrap_err().to_string();
    assert!(error.starts_with("damaged zstd data") && error.contains("memory"), "{error}");
}

#[test]
fn padding_is_legal_and_garbage_is_not() {
    let mut bytes = gzip(b"x");
    bytes.extend([0; 9]);
    assert_eq!(decode(&bytes, 5, 9).unwrap(), b"x");
    bytes.extend(*b"zz");
    let message = decode(&bytes, 500, 9).unwrap_err().to_string();
    assert_eq!(
        message,
        "damaged gzip data after 0 decoded bytes: bytes after the last member that begin no other"
    );
}

#[test]
fn one_member_is_decoded_in_one_go_and_nothing_else_is() {
    let whole = |input: &[u8], limit| {
        let mut out = b"kept".to_vec();
        let decoded = decode_whole(input, limit, &mut out);
        assert!(out.starts_with(b"kept") && (decoded || out.len() == 4));
        decoded.then(|| out.split_off(4))
    };
    let member = gzip(b"text");
    assert_eq!(whole(&member, 4), Some(b"text".to_vec()));
    assert_eq!(whole(&member, 3), None);
    assert_eq!(whole(&[member.clone(), member.clone()].concat(), 99), None, "two equal members");
    assert_eq!(whole(&[gzip(b"more"), member.clone()].concat(), 99), None);
    assert_eq!(whole(&[member.clone(), vec![0; 8]].concat(), 99), None, "padding");
    assert_eq!(whole(&member[..member.len() - 1], 99), None);
    let mut with_header_checksum = member.clone();
    with_header_checksum[3] |= HEADER_CHECKSUM;
    let checksum = libdeflater::crc32(&with_header_checksum[..10]) as u16;
    with_header_checksum.splice(10..10, checksum.to_le_bytes());
    assert_eq!(whole(&with_header_checksum, 99), None, "checked by the general decoder");
    assert_eq!(decode(&with_header_checksum, 99, 99), Ok(b"text".to_vec()));
    with_header_checksum[10] ^= 1;
    assert!(decode(&with_header_checksum, 99, 99).is_err());
    assert_eq!(whole(b"plain text", 99), None);
    assert_eq!(whole(b"", 99), None);
}

#[test]
fn streams_that_fill_a_step_are_whole() {
    let bytes = vec![b'x'; STEP];
    assert_eq!(decode(&zstd::encode_all(bytes.as_slice(), 1).unwrap(), 99, u64::MAX).unwrap(), bytes);
    assert_eq!(decode(&gzip(&bytes), 99, u64::MAX).unwrap(), bytes);
}

#[test]
fn short_objects_are_plain() {
    assert_eq!(decode(b"", 1, 9).unwrap(), b"");
    assert_eq!(decode(b"{}", 1, 9).unwrap(), b"{}");
    let (mut decoder, mut out) = (Decoder::new(9), Vec::new());
    assert!(!decoder.decode(&mut b"{}".as_slice(), &mut out).unwrap());
    assert!(!decoder.finish(&mut out).unwrap());
    assert_eq!((decoder.decoded(), out.as_slice()), (2, b"{}".as_slice()));
}
