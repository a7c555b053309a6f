//! Which field stands where: a format, as a header names it, and a record of that format.
//!
//! A flow log's owner chooses the fields and their order; only a header tells. Text files spell the names with
//! `-`, Parquet files with `_`, which is also how `unmapped` has them. A header is compiled once into the place of
//! each field, so that a record costs one pass over its line and no look-up by name.

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

/// Documented fields without a place of their own: they go to `unmapped` like those that nobody knows yet, but a
/// header may begin with them.
const OTHER_FIELDS: &[&str] = &[
    "sublocation_type",
    "sublocation_id",
    "ecs_cluster_arn",
    "ecs_cluster_name",
    "ecs_container_instance_arn",
    "ecs_container_instance_id",
    "ecs_container_id",
    "ecs_second_container_id",
    "ecs_service_name",
    "ecs_task_definition_arn",
    "ecs_task_arn",
    "ecs_task_id",
    "reject_reason",
    "resource_id",
    "encryption_status",
    "resource_type",
];

/// Fields of the default format, which is version 2.
pub const DEFAULT_FIELDS: usize = 14;

/// A header names at most this many fields; what would be more is no header.
const MAX_FIELDS: usize = 1024;

/// A place that no line has: the format lacks the field.
const NOWHERE: usize = usize::MAX;

/// Where a field's text stands in a line: from, to.
pub type Bounds = (usize, usize);

/// A format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// What it was compiled from.
    header: String,
    /// Values may be separated by commas: the header's names are.
    by_commas: bool,
    names: usize,
    places: [usize; Field::ALL.len()],
    rest: Vec<(usize, String)>,
    repeats: bool,
    transit_gateway: bool,
}

impl Format {
    /// The format that `names` describe, in their order.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut format = Self {
            header: String::new(),
            by_commas: false,
            names: 0,
            places: [NOWHERE; Field::ALL.len()],
            rest: Vec::new(),
            repeats: false,
            transit_gateway: false,
        };
        for (place, name) in names.into_iter().enumerate() {
            let name = name.replace('-', "_");
            format.names = place + 1;
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

    /// The format that a header describes; `None` if the line is none. The `first` line of an object is one if
    /// most of its words are names of fields; any other has to begin with such a name.
    pub fn of_header(line: &str, first: bool) -> Option<Self> {
        let by_commas = !line.trim_ascii().contains([' ', '\t']) && line.contains(',');
        let mut bounds = Vec::new();
        split(line, by_commas, MAX_FIELDS, &mut bounds);
        let mut names = Vec::new();
        names.extend(bounds.iter().filter_map(|&(from, to)| line.get(from..to)).map(str::trim_ascii));
        let known = names.iter().filter(|name| is_field(name)).count();
        let begins = names.first().is_some_and(|name| is_field(name));
        if names.len() > MAX_FIELDS || !(begins || (first && 2 * known > names.len())) {
            return None;
        }
        Some(Self { header: line.to_owned(), by_commas, ..Self::new(names) })
    }

    /// True if this is the header that the format was compiled from.
    #[inline]
    pub fn is_header(&self, line: &str) -> bool {
        self.header == line
    }

    /// Number of fields that a record has.
    pub fn fields(&self) -> usize {
        self.names
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
        split(line, self.by_commas, self.names, bounds);
    }
}

/// True if `name` is the name of a documented field, in either spelling.
pub fn is_field(name: &str) -> bool {
    let name = name.replace('-', "_");
    Field::ALL.iter().any(|field| field.name() == name)
        || OTHER_FIELDS.contains(&name.as_str())
        || name.starts_with("tgw_")
        || name.starts_with("packets_lost_")
}

/// Finds the values of a line, at most `limit` and one.
#[inline]
pub fn split(line: &str, by_commas: bool, limit: usize, bounds: &mut Vec<Bounds>) {
    bounds.clear();
    if by_commas {
        let mut from = 0;
        for comma in memchr::memchr_iter(b',', line.as_bytes()).take(limit) {
            bounds.push((from, comma));
            from = comma + 1;
        }
        bounds.push((from, line.len()));
    } else {
        split_blanks(line.as_bytes(), limit, bounds);
    }
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
        self.at(self.format.places[field as usize])
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(line: &str, limit: usize) -> Vec<&str> {
        let mut bounds = Vec::new();
        split(line, false, limit, &mut bounds);
        bounds.iter().map(|&(from, to)| &line[from..to]).collect()
    }

    #[test]
    fn a_header_in_any_order() {
        let format = Format::of_header("log-status future-field srcaddr bytes", true).unwrap();
        let line = "OK later 192.0.2.7 840";
        let mut bounds = Vec::new();
        format.split(line, &mut bounds);
        let record = Record { line, bounds: &bounds, format: &format };
        assert_eq!(record.get(Field::SrcAddr), "192.0.2.7");
        assert_eq!((record.get(Field::LogStatus), record.get(Field::Bytes)), ("OK", "840"));
        assert_eq!(record.get(Field::DstAddr), "");
        assert_eq!(record.rest().collect::<Vec<_>>(), [("future_field", "later")]);
        assert!(
            !format.repeats()
                && !format.is_transit_gateway()
                && format.is_header("log-status future-field srcaddr bytes")
        );
    }

    #[test]
    fn the_first_of_equal_names_counts() {
        let format = Format::of_header("srcaddr srcaddr new new", false).unwrap();
        let line = "a b c d";
        let mut bounds = Vec::new();
        format.split(line, &mut bounds);
        let record = Record { line, bounds: &bounds, format: &format };
        assert_eq!(record.get(Field::SrcAddr), "a");
        assert_eq!(record.rest().collect::<Vec<_>>(), [("srcaddr", "b"), ("new", "c"), ("new", "d")]);
        assert!(format.repeats());
    }

    #[test]
    fn what_is_a_header() {
        for line in ["version", "account_id,action,az_id", "  interface-id\tsrcaddr", "ecs-task-id bytes"] {
            assert!(Format::of_header(line, false).is_some(), "{line}");
        }
        assert!(Format::of_header("new-field srcaddr dstaddr", true).is_some());
        for line in
            ["new-field srcaddr dstaddr", "2 111122223333 eni-1", "AAAA", "", "OK ACCEPT", "some text"]
        {
            assert!(Format::of_header(line, false).is_none(), "{line}");
        }
        assert!(Format::of_header("version resource-type tgw-id", true).unwrap().is_transit_gateway());
        assert!(Format::of_header("version packets_lost_blackhole", true).unwrap().is_transit_gateway());
    }

    #[test]
    fn values_between_commas() {
        let format = Format::of_header("account_id,action,bytes", true).unwrap();
        let mut bounds = Vec::new();
        format.split("111122223333,,5", &mut bounds);
        assert_eq!(bounds, [(0, 12), (13, 13), (14, 15)]);
        format.split("a,b,c,d", &mut bounds);
        assert_eq!(bounds.len(), 4);
    }

    #[test]
    fn the_default_format_and_more() {
        let format = Format::default_and(2);
        assert_eq!(format.fields(), 16);
        assert!(format.has(Field::LogStatus) && !format.has(Field::VpcId));
        assert_eq!(format.rest, [(14, "field_15".to_owned()), (15, "field_16".to_owned())]);
    }

    proptest! {
        #[test]
        fn blanks_are_found_wherever_they_are(line in "[a-zé\u{80}\u{20}\t\u{1}-]{0,60}", limit in 0..12_usize) {
            let all: Vec<&str> = line.split(|c: char| c <= ' ').filter(|word| !word.is_empty()).collect();
            prop_assert_eq!(values(&line, usize::MAX), all.clone());
            let some = values(&line, limit);
            prop_assert!(all.starts_with(&some) && some.len() >= all.len().min(limit + 1).min(some.len()));
            prop_assert!((all.len() > limit) == (some.len() > limit));
        }
    }
}
