//! Lake Formation, where it governs the catalogue: then the permissions of IAM are not enough.

use aws_sdk_lakeformation::error::BuildError;
use aws_sdk_lakeformation::operation::list_permissions::builders::ListPermissionsFluentBuilder;
use aws_sdk_lakeformation::types::{
    CatalogResource, DataLakePrincipal, DataLocationResource, DatabaseResource, Permission,
    PrincipalPermissions, PrincipalResourcePermissions, Resource, TableResource, TableWildcard,
};

use super::{Checks, Deployment, Unanswered, Verdict, ask};

/// The principal that stands for "whom IAM admits".
const BY_IAM: &str = "IAM_ALLOWED_PRINCIPALS";

/// Checks Lake Formation. `exists` says whether the database does, where that is known.
pub(super) async fn examine(deployment: &Deployment, exists: Option<bool>, checks: &mut Checks) {
    locations(deployment, checks).await;
    let Some(exists) = exists else {
        let verdict = Verdict::not_checked(
            "whether the database exists is not known",
            "see the check of the database first",
        );
        return checks.add("lake", "Lake Formation", verdict);
    };
    let is_by_iam = if exists { existing_by_iam(deployment).await } else { new_by_iam(deployment).await };
    match is_by_iam {
        Err(verdict) => return checks.add("lake", "Lake Formation", verdict),
        Ok(true) => return checks.add("lake", "Lake Formation", Verdict::ok("leaves the decision to IAM")),
        Ok(false) => {}
    }
    for source in &deployment.sources {
        let all: &[On] = if exists { &[On::Database, On::Tables] } else { &[On::Catalog] };
        let verdict = match of_role(deployment, &source.role, all).await {
            Ok(granted) => judge(&granted, &deployment.database, exists, &source.role, &deployment.region),
            Err(verdict) => verdict,
        };
        checks.add(source.name, "Lake Formation", verdict);
    }
}

/// Whether Lake Formation leaves a database that is yet to be made, and its tables, to IAM.
async fn new_by_iam(deployment: &Deployment) -> Result<bool, Verdict> {
    let asked = deployment.clients.lakeformation.get_data_lake_settings().send();
    let answer =
        ask("lakeformation:GetDataLakeSettings", asked).await.map_err(|error| error.not_checked())?;
    Ok(answer.data_lake_settings.is_some_and(|settings| {
        let is_all = |one: &PrincipalPermissions| is_by_iam(one.principal(), one.permissions());
        settings.create_database_default_permissions().iter().any(is_all)
            && settings.create_table_default_permissions().iter().any(is_all)
    }))
}

/// Whether Lake Formation leaves the database and those of the tables that exist to IAM.
async fn existing_by_iam(deployment: &Deployment) -> Result<bool, Verdict> {
    let tables = deployment.sources.iter().flat_map(|source| &source.tables);
    let tables = tables.map(|table| On::Table(shared::layout::table_name(&deployment.region, table)));
    for on in std::iter::once(On::Database).chain(tables) {
        let resource = on.resource(&deployment.database).map_err(|error| unmade(&error))?;
        let request = deployment.clients.lakeformation.list_permissions().resource(resource);
        match permissions(request).await {
            Ok(found) if found.iter().any(|one| is_by_iam(one.principal(), one.permissions())) => {}
            Ok(_) => return Ok(false),
            // A table that is yet to be made.
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(error.not_checked()),
        }
    }
    Ok(true)
}

fn is_by_iam(principal: Option<&DataLakePrincipal>, permissions: &[Permission]) -> bool {
    let name = principal.and_then(|one| one.data_lake_principal_identifier()).unwrap_or_default();
    name == BY_IAM && permissions.contains(&Permission::All)
}

async fn permissions(
    request: ListPermissionsFluentBuilder,
) -> Result<Vec<PrincipalResourcePermissions>, Unanswered> {
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = ask("lakeformation:ListPermissions", std::future::ready(page)).await?;
        found.extend(page.principal_resource_permissions.unwrap_or_default());
    }
    Ok(found)
}

/// Checks whether the roles may make tables where the lake lies, which they need a grant for if that is a place that Lake
/// Formation knows.
async fn locations(deployment: &Deployment, checks: &mut Checks) {
    let bucket = format!("arn:{}:s3:::{}", deployment.partition, deployment.lake_bucket);
    let mut registered = Vec::new();
    let mut pages = deployment.clients.lakeformation.list_resources().into_paginator().send();
    while let Some(page) = pages.next().await {
        match ask("lakeformation:ListResources", std::future::ready(page)).await {
            Ok(page) => registered.extend(
                page.resource_info_list.unwrap_or_default().into_iter().filter_map(|one| one.resource_arn),
            ),
            Err(error) => {
                let remedy = format!(
                    "{}. If the lake's bucket is registered, the functions' roles need DATA_LOCATION_ACCESS on it",
                    error.remedy
                );
                return checks.add("lake", "data location", Verdict::not_checked(error.reason, remedy));
            }
        }
    }
    registered.retain(|arn| covers(arn, &bucket) || covers(&bucket, arn));
    if registered.is_empty() {
        let verdict = Verdict::ok("the bucket is not registered with Lake Formation, so no grant is needed");
        return checks.add("lake", "data location", verdict);
    }
    for source in &deployment.sources {
        let tables =
            source.tables.iter().map(|table| format!("{bucket}/{}", shared::layout::table_prefix(table)));
        let tables: Vec<String> =
            tables.filter(|table| registered.iter().any(|arn| covers(arn, table))).collect();
        let all: Vec<On> = registered.iter().cloned().map(On::Location).collect();
        let verdict = match of_role(deployment, &source.role, &all).await {
            Ok(granted) => judge_locations(&granted, &tables, &bucket, &source.role, &deployment.region),
            Err(verdict) => verdict,
        };
        checks.add(source.name, "data location", verdict);
    }
}

/// True if a location has the other in it.
fn covers(location: &str, other: &str) -> bool {
    let location = location.trim_end_matches(['*', '/']);
    other.strip_prefix(location).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn judge_locations(granted: &[Grant], tables: &[String], bucket: &str, role: &str, region: &str) -> Verdict {
    let is_granted = |table: &&String| {
        let may = |one: &Grant| matches!(&one.on, On::Location(arn) if covers(arn, table));
        granted.iter().any(may)
    };
    let Some(lacking) = tables.iter().find(|table| !is_granted(table)) else {
        return Verdict::ok("registered where needed, and granted to the function's role");
    };
    let resource = format!(r#"{{"DataLocation":{{"ResourceArn":"{bucket}"}}}}"#);
    Verdict::problem(
        format!(
            "{lacking} is registered with Lake Formation, and the function's role may not make tables there"
        ),
        grant(role, "DATA_LOCATION_ACCESS", &resource, region),
    )
}

/// The command that grants something.
fn grant(role: &str, permissions: &str, resource: &str, region: &str) -> String {
    format!(
        "aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier={role} \
         --permissions {permissions} --resource '{resource}' --region {region}"
    )
}

/// A grant to a role.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    on: On,
    permissions: Vec<String>,
}

/// What can be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum On {
    /// The catalogue of the account.
    Catalog,
    /// The lake's database.
    Database,
    /// All tables of the lake's database.
    Tables,
    /// A table of the lake's database, by its name.
    Table(String),
    /// A location, by its ARN.
    Location(String),
}

impl On {
    fn resource(&self, database: &str) -> Result<Resource, BuildError> {
        let builder = Resource::builder();
        let table = TableResource::builder().database_name(database);
        let builder = match self {
            Self::Catalog => builder.catalog(CatalogResource::builder().build()),
            Self::Database => builder.database(DatabaseResource::builder().name(database).build()?),
            Self::Tables => builder.table(table.table_wildcard(TableWildcard::builder().build()).build()?),
            Self::Table(name) => builder.table(table.name(name).build()?),
            Self::Location(arn) => {
                builder.data_location(DataLocationResource::builder().resource_arn(arn).build()?)
            }
        };
        Ok(builder.build())
    }
}

fn unmade(error: &BuildError) -> Verdict {
    Verdict::not_checked(error.to_string(), "look in the console of Lake Formation")
}

/// What a role is granted on these. Lake Formation does not answer for a principal without a resource.
async fn of_role(deployment: &Deployment, role: &str, all: &[On]) -> Result<Vec<Grant>, Verdict> {
    let who = DataLakePrincipal::builder().data_lake_principal_identifier(role).build();
    let mut granted = Vec::new();
    for on in all {
        let resource = on.resource(&deployment.database).map_err(|error| unmade(&error))?;
        let request = deployment.clients.lakeformation.list_permissions();
        let found = permissions(request.principal(who.clone()).resource(resource)).await;
        granted.extend(found.map_err(|error| error.not_checked())?.iter().map(|one| Grant {
            on: on.clone(),
            permissions: one.permissions().iter().map(|one| one.as_str().to_owned()).collect(),
        }));
    }
    Ok(granted)
}

fn judge(granted: &[Grant], database: &str, exists: bool, role: &str, region: &str) -> Verdict {
    let has = |on: On, wanted: &str| {
        granted.iter().any(|grant| {
            grant.on == on
                && grant.permissions.iter().any(|one| one == wanted || one == "ALL" || one == "SUPER")
        })
    };
    let grant = |permissions: &str, resource: &str| grant(role, permissions, resource, region);
    let mut commands = Vec::new();
    let mut lacking = Vec::new();
    if exists {
        if !has(On::Database, "CREATE_TABLE") {
            lacking.push("CREATE_TABLE on the database");
            commands
                .push(grant("CREATE_TABLE DESCRIBE", &format!(r#"{{"Database":{{"Name":"{database}"}}}}"#)));
        }
        // Who makes a table may do everything with it; other tables need the grant.
        if !has(On::Tables, "ALTER") {
            lacking.push("ALTER and DESCRIBE on the tables");
            let tables = format!(r#"{{"Table":{{"DatabaseName":"{database}","TableWildcard":{{}}}}}}"#);
            commands.push(grant("ALTER DESCRIBE", &tables));
        }
    } else if !has(On::Catalog, "CREATE_DATABASE") {
        lacking.push("CREATE_DATABASE on the catalogue");
        commands.push(grant("CREATE_DATABASE", r#"{"Catalog":{}}"#));
    }
    if lacking.is_empty() {
        return Verdict::ok("governs the catalogue, and has granted what the function needs");
    }
    let (lacking, commands) = (lacking.join("; "), commands.join(" && "));
    let found = format!(
        "governs the catalogue, and the function's role lacks {lacking}, unless it has them by LF-tags, which are not \
         looked at"
    );
    Verdict::problem(found, commands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn grants() {
        let grant = |on, permission: &str| Grant { on, permissions: vec![permission.to_owned()] };
        let judged = |granted: &[Grant], exists| judge(granted, "db", exists, "arn:role", "us-east-1");
        assert_eq!(judged(&[grant(On::Catalog, "CREATE_DATABASE")], false).state, State::Ok);
        assert!(judged(&[], false).remedy.unwrap().contains("CREATE_DATABASE"));
        let database = grant(On::Database, "CREATE_TABLE");
        assert_eq!(judged(&[database.clone(), grant(On::Tables, "ALL")], true).state, State::Ok);
        let half = judged(&[database, grant(On::Table("other".into()), "ALTER")], true);
        assert!(half.state == State::Problem && half.remedy.unwrap().contains("TableWildcard"));
    }

    #[test]
    fn whom_iam_stands_for() {
        let is = |name: &str, permission: Permission| {
            let who = DataLakePrincipal::builder().data_lake_principal_identifier(name).build();
            is_by_iam(Some(&who), &[permission])
        };
        assert!(is(BY_IAM, Permission::All));
        assert!(!is(BY_IAM, Permission::Describe) && !is("arn:role", Permission::All));
    }

    #[test]
    fn locations() {
        let bucket = "arn:aws:s3:::lake";
        assert!(covers(bucket, "arn:aws:s3:::lake/aws/WAF/2.0/") && covers(bucket, bucket));
        assert!(covers("arn:aws:s3:::lake/aws/*", "arn:aws:s3:::lake/aws/WAF/2.0/"));
        assert!(!covers(bucket, "arn:aws:s3:::lake-other/aws/"));
        let tables = [format!("{bucket}/aws/WAF/2.0/")];
        let judged = |arn: &str| {
            let granted = [Grant { on: On::Location(arn.to_owned()), permissions: Vec::new() }];
            judge_locations(&granted, &tables, bucket, "arn:role", "us-east-1")
        };
        assert_eq!(judged("arn:aws:s3:::lake/aws").state, State::Ok);
        assert!(judged("arn:aws:s3:::other").remedy.unwrap().contains("DATA_LOCATION_ACCESS"));
    }
}
