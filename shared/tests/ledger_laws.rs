//! The laws of the ledger, for the folder's home and for the one in DynamoDB. (The one of the simulation obeys them too:
//! see there.)

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod laws;

use futures::executor::block_on;
use shared::ledger::folder::FolderState;
use shared::table::definitions::VPC_FLOW_2_0;
use shared::table::{TableDefinition, TableSet};

const TABLES: &[&TableDefinition] = &[&VPC_FLOW_2_0];

#[test]
fn a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let state = FolderState::open(folder.path()).unwrap();
    let ledger = state.ledger("vpc-flow", TABLES).unwrap().wanting(TableSet::of(TABLES, |_| true));
    block_on(laws::hold_for(&ledger));
}

/// On a table that is there already, with the key `id`, in an emulator: `tests/test_ledger_laws.py` runs it.
#[cfg(feature = "aws")]
#[tokio::test]
#[ignore = "needs DynamoDB; tests/test_ledger_laws.py has an emulator of it"]
async fn dynamodb() {
    use shared::config::Config;
    use shared::ledger::dynamodb::DynamoLedger;

    let config = Config::from_env(TABLES).unwrap();
    let table = config.ledger_table.clone().unwrap();
    let ledger = DynamoLedger::connect(&config.aws().await, &table);
    Box::pin(laws::hold_for(&ledger)).await;
}
