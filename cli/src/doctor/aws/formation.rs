//! Lake Formation, where it governs the catalogue: then the permissions of IAM are not enough.

use aws_sdk_lakeformation::types::{
    DataLakePrincipal, DatabaseResource, Permission, PrincipalPermissions, PrincipalResourcePermissions,
    Resource,
};

use super::{Checks, Deployment, Verdict, ask};

/// The principal that stands for "whom IAM admits".
const BY_IAM: &str = "IAM_ALLOWED_PRINCIPALS";

/// Checks Lake Formation. `exists` says whether the database does.
pub(super) async fn examine(deployment: &Deployment, exists: bool, checks: &mut Checks) {
    let client = &deployment.clients.lakeformation;
    let settings = ask("lakeformation:GetDataLakeSettings", client.get_data_lake_settings().send()).await;
    let settings = match settings {
        Ok(answer) => answer.data_lake_settings,
        Err(error) => return checks.add("lake", "Lake Formation", error.not_checked()),
    };
    let is_by_iam = if exists {
        match database_permissions(deployment).await {
            Ok(permissions) => permissions.iter().any(|one| principal(one.principal()) == BY_IAM),
            Err(verdict) => return checks.add("lake", "Lake Formation", verdict),
        }
    } else {
        let defaults = settings
            .as_ref()
            .map(aws_sdk_lakeformation::types::DataLakeSettings::create_database_default_permissions)
            .unwrap_or_default();
        defaults.iter().any(is_to_everybody_of_iam)
    };
    if is_by_iam {
        return checks.add("lake", "Lake Formation", Verdict::ok("leaves the decision to IAM"));
    }
    for source in &deployment.sources {
        let verdict = match of_role(deployment, &source.role).await {
            Ok(granted) => judge(&granted, &deployment.database, exists, &source.role, &deployment.region),
            Err(verdict) => verdict,
        };
        checks.add(source.name, "Lake Formation", verdict);
    }
}

fn principal(principal: Option<&DataLakePrincipal>) -> &str {
    principal.and_then(|one| one.data_lake_principal_identifier()).unwrap_or_default()
}

fn is_to_everybody_of_iam(one: &PrincipalPermissions) -> bool {
    principal(one.principal()) == BY_IAM && one.permissions().contains(&Permission::All)
}

async fn database_permissions(deployment: &Deployment) -> Result<Vec<PrincipalResourcePermissions>, Verdict> {
    let database = DatabaseResource::builder().name(&deployment.database).build();
    let database = database.map_err(|error| Verdict::not_checked(error.to_string()))?;
    let request = deployment.clients.lakeformation.list_permissions();
    let mut pages = request.resource(Resource::builder().database(database).build()).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = ask("lakeformation:ListPermissions", std::future::ready(page)).await;
        found.extend(
            page.map_err(|error| error.not_checked())?.principal_resource_permissions.unwrap_or_default(),
        );
    }
    Ok(found)
}

/// A grant, as far as the judgement needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    on: On,
    permissions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Catalog,
    Database,
    Tables,
    Other,
}

async fn of_role(deployment: &Deployment, role: &str) -> Result<Vec<Grant>, Verdict> {
    let who = DataLakePrincipal::builder().data_lake_principal_identifier(role).build();
    let request = deployment.clients.lakeformation.list_permissions().principal(who);
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = ask("lakeformation:ListPermissions", std::future::ready(page)).await;
        let page = page.map_err(|error| error.not_checked())?;
        for one in page.principal_resource_permissions() {
            let is_ours = |name: Option<&str>| name == Some(deployment.database.as_str());
            let on = match one.resource() {
                Some(resource) if resource.catalog().is_some() => On::Catalog,
                Some(resource) if is_ours(resource.database().map(DatabaseResource::name)) => On::Database,
                Some(resource)
                    if is_ours(
                        resource.table().map(aws_sdk_lakeformation::types::TableResource::database_name),
                    ) =>
                {
                    On::Tables
                }
                _ => On::Other,
            };
            let permissions = one.permissions().iter().map(|one| one.as_str().to_owned()).collect();
            found.push(Grant { on, permissions });
        }
    }
    Ok(found)
}

fn judge(granted: &[Grant], database: &str, exists: bool, role: &str, region: &str) -> Verdict {
    let has = |on: On, wanted: &str| {
        granted.iter().any(|grant| {
            grant.on == on
                && grant.permissions.iter().any(|one| one == wanted || one == "ALL" || one == "SUPER")
        })
    };
    let grant = |permissions: &str, resource: &str| {
        format!(
            "aws lakeformation grant-permissions --principal DataLakePrincipalIdentifier={role} \
             --permissions {permissions} --resource '{resource}' --region {region}"
        )
    };
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
    Verdict::problem(
        format!("governs the catalogue, and the function's role lacks {}", lacking.join("; ")),
        commands.join(" && "),
    )
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
        let half = judged(&[database, grant(On::Other, "ALTER")], true);
        assert!(half.state == State::Problem && half.remedy.unwrap().contains("TableWildcard"));
    }
}
