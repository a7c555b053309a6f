//! Which field stands where: a format, as a header names it, and a record of that format.
//!
//! A flow log's owner chooses the fields and their order; only a header tells. Text files spell the names with
//! `-`, Parquet files with `_`, which is also how `unmapped` has them. A header is compiled once into the place of
//! each field, so that a record costs one pass over its line and no look-up by name.
//!
//! A line is a header only if it cannot be a record. All its words are written as names are, and most of them, or two in
//! the first line of an object, are names of documented fields; the rest may be fields that AWS has added since. That is
//! enough for the first line, where AWS puts the header. A header further on, as in files that were put together, also has to contradict
//! the format in force ([`Format::rules_out`]): records may well begin with the name of a field, since people call
//! their ECS clusters and services what they like, but no record has such a name for its address or time.

use shared::decode::Columns;

/// Fields that have a place of their own in a row, those of the default format first and in its order.
macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// A field of a flow log record that has a place of its own in a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)*
        }

        impl Field {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$field,)*];

            /// The name as Parquet files have it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name,)*
                }
            }
        }
    };
}

fields! {
    Version = "version",
    AccountId = "account_id",
    InterfaceId = "interface_id",
    SrcAddr = "srcaddr",
    DstAddr = "dstaddr",
    SrcPort = "srcport",
    DstPort = "dstport",
    Protocol = "protocol",
    Packets = "packets",
    Bytes = "bytes",
    Start = "start",
    End = "end",
    Action = "action",
    LogStatus = "log_status",
    VpcId = "vpc_id",
    SubnetId = "subnet_id",
    InstanceId = "instance_id",
    TcpFlags = "tcp_flags",
    Type = "type",
    PktSrcAddr = "pkt_srcaddr",
    PktDstAddr = "pkt_dstaddr",
    Region = "region",
    AzId = "az_id",
    PktSrcAwsService = "pkt_src_aws_service",
    PktDstAwsService = "pkt_dst_aws_service",
    FlowDirection = "flow_direction",
    TrafficPath = "traffic_path",
}

/// Documented fields without a place of their own, whose values are no names of fields: they go to `unmapped` like
/// those that nobody knows yet. Those of transit gateways are among them.
const OTHER_FIELDS: &[&str] = &[
    "sublocation_type",
    "sublocation_id",
    "ecs_cluster_arn",
    "ecs_container_instance_arn",
    "ecs_container_instance_id",
    "ecs_container_id",
    "ecs_second_container_id",
    "ecs_task_definition_arn",
    "ecs_task_arn",
    "ecs_task_id",
    "reject_reason",
    "resource_id",
    "encryption_status",
    "resource_type",
    "tgw_id",
    "tgw_attachment_id",
    "tgw_src_vpc_account_id",
    "tgw_dst_vpc_account_id",
    "tgw_src_vpc_id",
    "tgw_dst_vpc_id",
    "tgw_src_subnet_id",
    "tgw_dst_subnet_id",
    "tgw_src_eni",
    "tgw_dst_eni",
    "tgw_src_az_id",
    "tgw_dst_az_id",
    "tgw_pair_attachment_id",
    "packets_lost_no_route",
    "packets_lost_blackhole",
    "packets_lost_mtu_exceeded",
    "packets_lost_ttl_expired",
];

/// Documented fields whose values are names that people choose, and may be that of a field.
const CHOSEN_NAMES: &[&str] = &["ecs_cluster_name", "ecs_service_name"];

/// Fields of the default format, which is version 2.
pub const DEFAULT_FIELDS: usize = 14;

/// A header names at most this many fields; what would be more is no header.
pub const MAX_FIELDS: usize = 1024;

/// A place that no line has: the format lacks the field.
const NOWHERE: usize = usize::MAX;

/// Where a field's text stands in a line: from, to.
pub type Bounds = (usize, usize);

/// What lies between the values of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// Any number of blanks.
    Blanks,
    /// One comma.
    Comma,
    /// One tab: a row of a Parquet file, as [`Columns`] has it.
    Tab,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Documented, and no value of it is the name of a field.
    Field,
    /// Documented, and its values are names that people choose.
    Chosen,
    /// Nothing.
    Nothing,
}

/// A format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    separator: Separator,
    fields: Vec<Known>,
    places: [usize; Field::ALL.len()],
    rest: Vec<(usize, String)>,
    repeats: bool,
    transit_gateway: bool,
}

impl Format {
    /// The format that `names` describe, in their order.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut format = Self {
            separator: Separator::Blanks,
            fields: Vec::new(),
            places: [NOWHERE; Field::ALL.len()],
            rest: Vec::new(),
            repeats: false,
            transit_gateway: false,
        };
        for (place, name) in names.into_iter().enumerate() {
            format.fields.push(known(name));
            let name = name.replace('-', "_");
            format.transit_gateway |= name.starts_with("tgw_") || name.starts_with("packets_lost_");
            match Field::ALL.iter().find(|field| field.name() == name) {
                Some(field) if format.places[*field as usize] == NOWHERE => {
                    format.places[*field as usize] = place;
                }
                taken => {
                    format.repeats |= taken.is_some() || format.rest.iter().any(|(_, other)| *other == name);
                    format.rest.push((place, name));
                }
            }
        }
        format
    }

    /// The default format; fields behind it have no names, so they are called by their number in the line.
    pub fn default_and(unnamed: usize) -> Self {
        let numbered: Vec<String> = (1..=unnamed).map(|n| format!("field_{}", DEFAULT_FIELDS + n)).collect();
        let named = Field::ALL[..DEFAULT_FIELDS].iter().map(|field| field.name());
        Self::new(named.chain(numbered.iter().map(String::as_str)))
    }

    /// The format that a header describes; `None` if the line cannot be one. Of the `first` line of an object two
    /// documented names are enough, however many fields AWS has added since.
    pub fn of_header(line: &str, first: bool) -> Option<Self> {
        let line = line.trim_ascii();
        if !has_only_names(line) {
            return None;
        }
        let by_commas = !line.contains([' ', '\t']) && line.contains(',');
        let separator = if by_commas { Separator::Comma } else { Separator::Blanks };
        let mut bounds = Vec::new();
        split(line, separator, MAX_FIELDS, &mut bounds);
        let format = Self::new(bounds.iter().filter_map(|&(from, to)| line.get(from..to)));
        let documented = format.fields.iter().filter(|field| **field != Known::Nothing).count();
        let is_header = 2 * documented > bounds.len() || (first && documented > 1);
        (is_header && bounds.len() <= MAX_FIELDS).then_some(Self { separator, ..format })
    }

    /// The format of a Parquet file's rows; `None` if the file has more columns than any flow log.
    pub fn of_columns(columns: Columns<'_>) -> Option<Self> {
        let names = columns.names();
        let format = || Self { separator: Separator::Tab, ..Self::new(names.iter().map(String::as_str)) };
        (names.len() <= MAX_FIELDS).then(format)
    }

    /// True if a line that might be a `header` cannot be a record of this format: it has the name of a field where
    /// no record has one.
    pub fn rules_out(&self, header: &Self) -> bool {
        self.fields
            .iter()
            .zip(&header.fields)
            .any(|(own, name)| *own == Known::Field && *name != Known::Nothing)
    }

    /// True if none of the fields is a documented one.
    pub fn is_unknown(&self) -> bool {
        self.fields.iter().all(|field| *field == Known::Nothing)
    }

    /// What lies between values.
    #[inline]
    pub fn separator(&self) -> Separator {
        self.separator
    }

    /// Number of fields that a record has.
    pub fn fields(&self) -> usize {
        self.fields.len()
    }

    /// True if records of this format are those of a transit gateway.
    pub fn is_transit_gateway(&self) -> bool {
        self.transit_gateway
    }

    /// True if two fields have one name.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// True if records of this format have the field.
    pub fn has(&self, field: Field) -> bool {
        self.places[field as usize] != NOWHERE
    }

    /// Finds the values of a line: as many as the format has fields, and one more if there are more.
    #[inline]
    pub fn split(&self, line: &str, bounds: &mut Vec<Bounds>) {
        split(line, self.separator, self.fields.len(), bounds);
    }
}

/// True if `name` is the name of a documented field, in either spelling.
pub fn is_field(name: &str) -> bool {
    known(name) != Known::Nothing
}

fn known(name: &str) -> Known {
    if name.contains('-') && name.contains('_') {
        return Known::Nothing;
    }
    let name = name.replace('-', "_");
    if CHOSEN_NAMES.contains(&name.as_str()) {
        return Known::Chosen;
    }
    let is_known =
        Field::ALL.iter().any(|field| field.name() == name) || OTHER_FIELDS.contains(&name.as_str());
    if is_known { Known::Field } else { Known::Nothing }
}

/// True if every word of the line is written as names of fields are: small letters first, then also digits, `-` and
/// `_`. Blanks or commas lie between them, and no other line end.
fn has_only_names(line: &str) -> bool {
    let mut begins = true;
    let is_of_names = |byte| match byte {
        b'a'..=b'z' => {
            begins = false;
            true
        }
        b'0'..=b'9' | b'-' | b'_' => !begins,
        b',' if begins => false,
        b' ' | b'\t' | b',' => {
            begins = true;
            true
        }
        _ => false,
    };
    line.bytes().all(is_of_names)
}

/// Finds the values of a line, at most `limit` and one.
#[inline]
pub fn split(line: &str, separator: Separator, limit: usize, bounds: &mut Vec<Bounds>) {
    bounds.clear();
    let between = match separator {
        Separator::Blanks => return split_blanks(line.as_bytes(), limit, bounds),
        Separator::Comma => b',',
        Separator::Tab => b'\t',
    };
    let mut from = 0;
    for to in memchr::memchr_iter(between, line.as_bytes()).take(limit) {
        bounds.push((from, to));
        from = to + 1;
    }
    bounds.push((from, line.len()));
}

/// Values lie between blanks: any number of spaces, tabs or other control characters.
#[inline]
fn split_blanks(line: &[u8], limit: usize, bounds: &mut Vec<Bounds>) {
    let (mut from, mut at) = (0, 0);
    let (words, rest) = line.as_chunks::<8>();
    for word in words {
        // A byte up to 0x20 has neither its high bit nor, after the addition, a carry into it. The addition
        // cannot carry into the next byte.
        let word = u64::from_le_bytes(*word);
        let sum = (word & 0x7f7f_7f7f_7f7f_7f7f) + 0x5f5f_5f5f_5f5f_5f5f;
        let mut blanks = !(sum | word) & 0x8080_8080_8080_8080;
        while blanks != 0 {
            let to = at + (blanks.trailing_zeros() / 8) as usize;
            if to > from {
                bounds.push((from, to));
                if bounds.len() > limit {
                    return;
                }
            }
            from = to + 1;
            blanks &= blanks - 1;
        }
        at += 8;
    }
    for byte in rest {
        if *byte <= b' ' {
            if at > from {
                bounds.push((from, at));
            }
            from = at + 1;
        }
        at += 1;
    }
    if at > from {
        bounds.push((from, at));
    }
}

/// A record: the values of a line.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// What the bounds are bounds in.
    pub line: &'a str,
    /// Where each value stands.
    pub bounds: &'a [Bounds],
    /// Which value is which field's.
    pub format: &'a Format,
}

impl<'a> Record<'a> {
    /// The value of a field as it stands in the record; empty if the format lacks the field.
    #[inline]
    pub fn get(&self, field: Field) -> &'a str {
        // Some programs that write Parquet fill texts up with blanks.
        self.at(self.format.places[field as usize]).trim_matches(' ')
    }

    /// The value at a place.
    #[inline]
    pub fn at(&self, place: usize) -> &'a str {
        let found = self.bounds.get(place).and_then(|&(from, to)| self.line.get(from..to));
        found.unwrap_or_default()
    }

    /// Values of fields that have no place of their own, with the name that `unmapped` has for them.
    pub fn rest(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let record = *self;
        record.format.rest.iter().map(move |(place, name)| (name.as_str(), record.at(*place)))
    }
}

#[cfg(test)]
mod tests;
