//! Bytes of one raw object in, decoded bytes out: gzip (any number of members), zstd (any number of frames) or
//! plain, told apart by the first bytes and never by the name. Parquet becomes lines of text for the sources that
//! ask for it and is plain bytes, which none of their logs can be, to all others: see the module `table`.
//!
//! An object that has arrived whole and is one gzip member of moderate size is decoded in one go by
//! [`decode_whole`], which is much faster. All others take the general way:
//!
//! The decoder is pushed: the caller hands it what has arrived and takes at most [`STEP`] bytes at a time, so
//! a small object that expands a thousandfold costs no more memory than any other. What comes out is capped.

mod table;

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

use self::table::Table;
pub use self::table::{Columns, unescape};

/// At most this many decoded bytes are produced by one call of [`Decoder::decode`].
pub const STEP: usize = 256 * 1024;

/// Objects that decode to more than this are not decoded in one go.
pub const MAX_WHOLE: usize = 64 << 20;

/// Decoded bytes of a byte of deflate at most: a match of 258 bytes takes two bits.
const DEFLATE_RATIO: usize = 1032;

/// The flag of a gzip member whose header ends with a checksum of its own (RFC 1952, FHCRC).
const HEADER_CHECKSUM: u8 = 2;

/// Why an object could not be decoded. None of these is cured by reading the same bytes again, but a later read
/// may find other bytes (an upload in progress, a torn read), so the message is left to the queue's retries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The compressed stream is damaged.
    #[error("damaged {format} data after {decoded} decoded bytes: {reason}")]
    Damaged {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// Decoded bytes before the damage.
        decoded: u64,
        /// What the codec said.
        reason: String,
    },
    /// The object ends inside a compressed stream.
    #[error("truncated {format} data: the object ends inside a stream, after {decoded} decoded bytes")]
    Truncated {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// Decoded bytes before the end.
        decoded: u64,
    },
    /// The object decodes to more than the configured cap.
    #[error("the object decodes to more than {limit} bytes (MAX_OBJECT_BYTES)")]
    TooLarge {
        /// The cap, in bytes.
        limit: u64,
    },
    /// A Parquet file is larger than what is held in memory.
    #[error(
        "the Parquet file is larger than {limit} bytes, and is read in memory; let smaller files be written"
    )]
    TableTooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
}

enum Format {
    Unknown,
    Plain,
    Gzip { stream: Decompress, within_member: bool },
    Zstd { stream: ZstdDecoder<'static>, within_frame: bool },
    Table(Box<Table>),
}

/// The decoder of one object.
pub struct Decoder {
    format: Format,
    head: Vec<u8>,
    decoded: u64,
    limit: u64,
    reads_tables: bool,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Decoder").field("decoded", &self.decoded).field("limit", &self.limit).finish()
    }
}

impl Decoder {
    /// A decoder that refuses to produce more than `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { format: Format::Unknown, head: Vec::new(), decoded: 0, limit, reads_tables: false }
    }

    /// The same, and Parquet becomes lines of text if `reads_tables`.
    pub fn reading_tables(self, reads_tables: bool) -> Self {
        Self { reads_tables, ..self }
    }

    /// Decoded bytes so far.
    pub fn decoded(&self) -> u64 {
        self.decoded
    }

    /// Consumes from the front of `input`, appends at most [`STEP`] bytes to `out`. Call again while it answers
    /// true: there was more to decode than fitted one step.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, DecodeError> {
        if matches!(self.format, Format::Unknown) {
            if self.head.len() + input.len() < 4 {
                self.head.extend_from_slice(input);
                *input = &[];
                return Ok(false);
            }
            let mut head = std::mem::take(&mut self.head);
            head.extend_from_slice(&input[..input.len().min(4)]);
            self.format = sniff(&head)?;
            if self.reads_tables && head.starts_with(&table::MAGIC) {
                self.format = Format::Table(Box::new(Table::new(self.limit)));
            }
            let waiting = head.len() - input.len().min(4);
            if waiting > 0 {
                self.step(&mut &head[..waiting], out)?;
            }
        }
        self.step(input, out)
    }

    /// To be called when all input has been decoded; again while it answers true, since there was more to append to
    /// `out` than one step.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] if the object ended inside a stream.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<bool, DecodeError> {
        let (format, inside) = match &mut self.format {
            Format::Unknown => {
                let waiting = self.head.len();
                out.append(&mut self.head); // fewer than four bytes: no compressed stream is that short
                return self.count(waiting).map(|()| false);
            }
            Format::Plain => return Ok(false),
            Format::Table(table) => {
                let before = out.len();
                let more = table.lines(out)?;
                return self.count(out.len() - before).map(|()| more);
            }
            Format::Gzip { within_member, .. } => ("gzip", *within_member),
            Format::Zstd { within_frame, .. } => ("zstd", *within_frame),
        };
        if inside { Err(DecodeError::Truncated { format, decoded: self.decoded }) } else { Ok(false) }
    }

    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<bool, DecodeError> {
        let before = out.len();
        let more = match &mut self.format {
            Format::Unknown => false,
            Format::Plain => {
                let (now, later) = input.split_at(input.len().min(STEP));
                out.extend_from_slice(now);
                *input = later;
                !later.is_empty()
            }
            Format::Gzip { stream, within_member } => gunzip(stream, within_member, input, out)
                .map_err(|reason| DecodeError::Damaged { format: "gzip", decoded: self.decoded, reason })?,
            Format::Zstd { stream, within_frame } => {
                unzstd(stream, within_frame, input, out).map_err(|error| DecodeError::Damaged {
                    format: "zstd",
                    decoded: self.decoded,
                    reason: error.to_string(),
                })?
            }
            Format::Table(table) => {
                table.push(std::mem::take(input))?;
                false
            }
        };
        self.count(out.len() - before).map(|()| more)
    }

    fn count(&mut self, decoded: usize) -> Result<(), DecodeError> {
        self.decoded += decoded as u64;
        if self.decoded > self.limit {
            return Err(DecodeError::TooLarge { limit: self.limit });
        }
        Ok(())
    }
}

/// Decodes an object that is a single gzip member of at most `limit` decoded bytes, appending to `out`. False, with
/// `out` as it was, for everything else and for every doubt: the general decoder then decides.
pub fn decode_whole(input: &[u8], limit: u64, out: &mut Vec<u8>) -> bool {
    let Some((_, trailer)) = input.split_last_chunk::<8>() else { return false };
    let [c0, c1, c2, c3, s0, s1, s2, s3] = *trailer;
    let (checksum, size) =
        (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([s0, s1, s2, s3]) as usize);
    // Of an object that is cut off, the trailer is any number: no memory for what it cannot hold.
    let most = input.len().saturating_mul(DEFLATE_RATIO).min(MAX_WHOLE);
    // A checksum of the header is checked by the general decoder alone.
    let is_plain = matches!(input, [0x1f, 0x8b, 8, flags, ..] if flags & HEADER_CHECKSUM == 0);
    if !is_plain || size == 0 || size > most || size as u64 > limit {
        return false;
    }
    let start = out.len();
    out.resize(start + size, 0);
    let decoded = libdeflater::Decompressor::new().gzip_decompress(input, &mut out[start..]);
    // The decoder stops after the first member and does not say where that ended. No other member follows if
    // nothing after the start looks like a member's header, or if the first member's trailer (checksum and size,
    // which the decoder has verified) is the input's trailer and stands nowhere before.
    let is_single = decoded == Ok(size)
        && (memchr::memmem::find(&input[1..], &[0x1f, 0x8b, 0x08]).is_none()
            || (libdeflater::crc32(&out[start..]) == checksum
                && memchr::memmem::find(input, trailer) == Some(input.len() - trailer.len())));
    if !is_single {
        out.truncate(start);
    }
    is_single
}

fn sniff(head: &[u8]) -> Result<Format, DecodeError> {
    Ok(match head {
        [0x1f, 0x8b, ..] => Format::Gzip { stream: Decompress::new_gzip(15), within_member: true },
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let stream = ZstdDecoder::new().map_err(|error| DecodeError::Damaged {
                format: "zstd",
                decoded: 0,
                reason: error.to_string(),
            })?;
            Format::Zstd { stream, within_frame: true }
        }
        _ => Format::Plain,
    })
}

fn gunzip(
    stream: &mut Decompress,
    within_member: &mut bool,
    input: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<bool, String> {
    let start = out.len();
    out.resize(start + STEP, 0);
    let mut wrote = 0;
    let result = loop {
        if !*within_member {
            // Zero padding between or after members is legal (tape blocks); gzip(1) skips it too.
            let padding = input.iter().take_while(|&&byte| byte == 0).count();
            *input = &input[padding..];
            match input.first() {
                None => break Ok(false),
                Some(0x1f) => {
                    *stream = Decompress::new_gzip(15);
                    *within_member = true;
                }
                Some(_) => break Err("bytes after the last member that begin no other".to_owned()),
            }
        }
        let (total_in, total_out) = (stream.total_in(), stream.total_out());
        let status = stream.decompress(input, &mut out[start + wrote..], FlushDecompress::None);
        let read = usize::try_from(stream.total_in() - total_in).unwrap_or(input.len());
        *input = &input[read..];
        wrote += usize::try_from(stream.total_out() - total_out).unwrap_or_default();
        match status {
            Err(error) => break Err(error.to_string()),
            Ok(Status::StreamEnd) => *within_member = false,
            Ok(_) if wrote == STEP => break Ok(true),
            Ok(_) if input.is_empty() => break Ok(false),
            Ok(_) if read == 0 => break Err("the decoder makes no progress".to_owned()),
            Ok(_) => {}
        }
    };
    out.truncate(start + wrote);
    result
}

fn unzstd(
    stream: &mut ZstdDecoder<'static>,
    within_frame: &mut bool,
    input: &mut &[u8],
    out: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let start = out.len();
    out.resize(start + STEP, 0);
    let mut target = OutBuffer::around(&mut out[start..]);
    let result = loop {
        // Asked again between two frames, zstd would take the next one for begun.
        if input.is_empty() && !*within_frame {
            break Ok(false);
        }
        let mut source = InBuffer::around(input);
        let hint = stream.run(&mut source, &mut target);
        let used = source.pos();
        *input = &input[used..];
        match hint {
            Err(error) => break Err(error),
            Ok(hint) => *within_frame = hint != 0,
        }
        if target.pos() == STEP {
            break Ok(true);
        }
        if input.is_empty() {
            break Ok(false);
        }
    };
    let wrote = target.pos();
    out.truncate(start + wrote);
    result
}

#[cfg(test)]
mod tests;
