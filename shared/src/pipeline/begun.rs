//! What the outputs of a group depend on beside its members, so that it can be run again as it was begun.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Pipeline, Read, Settings};
use crate::layout::Codec;
use crate::store::{Store, StoreError};

/// The settings that name, cut and fill the outputs of a group, as the ledger writes them down when it is begun. A
/// member that is absent in what was written down (by an earlier version) has the default of [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputSettings {
    /// The tables that are written, as `SOURCE@version`, in the source's order.
    pub tables: Vec<String>,
    /// See [`Settings::codec`].
    pub codec: Codec,
    /// See [`Settings::buffer_bytes`].
    pub buffer_bytes: usize,
    /// See [`Settings::max_record_bytes`].
    pub max_record_bytes: usize,
    /// See [`Settings::max_object_bytes`].
    pub max_object_bytes: u64,
    /// See [`Settings::max_depth`].
    pub max_depth: usize,
    /// See [`Settings::max_fields`].
    pub max_fields: usize,
    /// See [`Settings::drop_repeated_events`].
    pub drop_repeated_events: bool,
    /// See [`Settings::region`].
    pub region: Option<String>,
    /// The version of the code. It changes nothing; it tells who began a group that cannot be run again.
    pub version: String,
}

impl Default for OutputSettings {
    fn default() -> Self {
        Settings::new("").for_outputs(Vec::new())
    }
}

/// A group cannot be run as it was begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "its group was begun by version {version} with the table {table}, which this version does not know; the version \
     that knows it has to finish the group, so it is left until then"
)]
pub struct UnknownTable {
    /// `SOURCE@version`
    pub table: String,
    /// The version of the code that began it.
    pub version: String,
}

impl Settings {
    /// Those that outputs depend on. Every field is named here, so that a new one has to be decided on.
    fn for_outputs(&self, tables: Vec<String>) -> OutputSettings {
        let Self {
            lake_bucket: _, // a ledger is of one lake
            raw_buckets: _, // who may be read is decided today, whatever was allowed then
            codec,
            max_object_bytes,
            max_record_bytes,
            max_depth,
            max_fields,
            drop_repeated_events,
            buffer_bytes,
            fetch_concurrency: _, // objects are read in order, however many are fetched ahead
            region,
        } = self;
        OutputSettings {
            tables,
            codec: *codec,
            buffer_bytes: *buffer_bytes,
            max_record_bytes: *max_record_bytes,
            max_object_bytes: *max_object_bytes,
            max_depth: *max_depth,
            max_fields: *max_fields,
            drop_repeated_events: *drop_repeated_events,
            region: region.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// These, but for those that outputs depend on.
    fn with_outputs(&self, begun: &OutputSettings) -> Self {
        let OutputSettings {
            tables: _,
            codec,
            buffer_bytes,
            max_record_bytes,
            max_object_bytes,
            max_depth,
            max_fields,
            drop_repeated_events,
            region,
            version: _,
        } = begun;
        Self {
            codec: *codec,
            buffer_bytes: *buffer_bytes,
            max_record_bytes: *max_record_bytes,
            max_object_bytes: *max_object_bytes,
            max_depth: *max_depth,
            max_fields: *max_fields,
            drop_repeated_events: *drop_repeated_events,
            region: region.clone(),
            ..self.clone()
        }
    }
}

impl<S: Store, C> Pipeline<S, C> {
    /// What the outputs of this pipeline depend on, beside the objects that are read.
    pub fn output_settings(&self) -> OutputSettings {
        self.settings.for_outputs(self.tables.iter().map(|table| table.id()).collect())
    }

    /// This pipeline, with the settings that a group was begun with. Its tables are written even if they are not
    /// enabled any more: the group began with them.
    ///
    /// # Errors
    /// If the source has no table of a name any more.
    pub fn as_begun(&self, begun: &OutputSettings) -> Result<Self, UnknownTable> {
        let known = self.source.tables();
        let unknown = |name: &&String| !known.iter().any(|table| table.id() == **name);
        if let Some(table) = begun.tables.iter().find(unknown) {
            return Err(UnknownTable { table: table.clone(), version: begun.version.clone() });
        }
        let tables = known.iter().copied().filter(|table| begun.tables.contains(&table.id())).collect();
        Ok(Self {
            source: Arc::clone(&self.source),
            tables,
            store: Arc::clone(&self.store),
            catalog: Arc::clone(&self.catalog),
            settings: self.settings.with_outputs(begun),
        })
    }

    /// Removes an output of an earlier run from the lake. One that is not there is a success.
    ///
    /// # Errors
    /// As [`Store::delete`].
    pub async fn remove_output(&self, key: &str) -> Result<(), StoreError> {
        self.store.delete(&self.settings.lake_bucket, key).await
    }
}

impl<S: Store> Read<'_, S> {
    /// Keys of the outputs that [`Pipeline::publish`] completes, sorted.
    pub fn output_keys(&self) -> Vec<String> {
        let own = self.own.iter().flat_map(|(outputs, _)| outputs.keys());
        let mut keys: Vec<String> = self.outputs.keys().chain(own).map(str::to_owned).collect();
        keys.sort_unstable();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_being_written_down() {
        let settings = Settings {
            codec: Codec::Gzip,
            buffer_bytes: 1 << 20,
            max_record_bytes: 1 << 16,
            max_object_bytes: 1 << 17,
            max_depth: 17,
            max_fields: 300,
            drop_repeated_events: true,
            region: Some("eu-west-1".to_owned()),
            ..Settings::new("lake")
        };
        let begun = settings.for_outputs(vec!["VPC_FLOW@1.0".to_owned()]);
        let read: OutputSettings = serde_json::from_str(&serde_json::to_string(&begun).unwrap()).unwrap();
        assert_eq!(read, begun);
        assert_eq!(Settings::new("lake").with_outputs(&read), settings);
    }

    #[test]
    fn what_an_earlier_version_did_not_write_down_has_its_default() {
        let read: OutputSettings = serde_json::from_str(r#"{"tables":["WAF@2.0"],"codec":"gzip"}"#).unwrap();
        assert_eq!((read.codec, read.buffer_bytes), (Codec::Gzip, 48 << 20));
        assert!(serde_json::from_str::<OutputSettings>(r#"{"codec":"brotli"}"#).is_err());
    }
}
