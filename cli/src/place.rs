//! Where a command works: on a folder, or on a deployment in AWS.

use std::path::PathBuf;

use clap::ArgGroup;

use crate::{ingest, lake};

/// `--lake DIR` or `--stack NAME [--region REGION]`, one of the two. Flattened into the arguments of a command.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("place").args(["lake", "stack"]).required(true))]
pub(crate) struct PlaceArgs {
    /// Folder of the lake
    #[arg(long, value_name = "DIR", value_parser = lake::existing)]
    lake: Option<PathBuf>,

    /// Stack of the deployment, as `sam deploy` was given it
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,

    /// Region of the stack [default: the one that your AWS settings name]
    #[arg(long, value_name = "REGION", requires = "stack", conflicts_with = "lake", value_parser = ingest::region)]
    #[cfg_attr(not(feature = "aws"), allow(dead_code, reason = "only with --stack"))]
    region: Option<String>,
}

/// Where a command works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The folder of a lake, absolute.
    Folder(PathBuf),
    /// A stack of template.yaml.
    #[cfg(feature = "aws")]
    Stack(crate::deployment::StackName),
}

impl PlaceArgs {
    /// The place.
    ///
    /// # Errors
    /// If it is a stack, and this `lake` was built without the AWS clients.
    pub(crate) fn place(&self) -> anyhow::Result<Place> {
        match (&self.lake, &self.stack) {
            (Some(folder), _) => Ok(Place::Folder(folder.clone())),
            (None, Some(name)) => self.stack(name),
            (None, None) => Err(crate::Usage("give --lake or --stack".to_owned()).into()),
        }
    }

    #[cfg(feature = "aws")]
    #[expect(clippy::unnecessary_wraps, reason = "without the feature it is refused")]
    fn stack(&self, name: &str) -> anyhow::Result<Place> {
        let region = self.region.clone();
        Ok(Place::Stack(crate::deployment::StackName { name: name.to_owned(), region }))
    }

    #[cfg(not(feature = "aws"))]
    #[expect(clippy::unused_self, reason = "with the feature the region is part of it")]
    fn stack(&self, name: &str) -> anyhow::Result<Place> {
        let message = format!(
            "--stack {name}: this `lake` was built for folders, without the AWS clients; build the operator's with \
             `make operator` (cargo build --release -p lake --features aws)"
        );
        Err(crate::Usage(message).into())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        place: PlaceArgs,
    }

    fn parsed(arguments: &[&str]) -> Result<anyhow::Result<Place>, clap::error::ErrorKind> {
        let command = Command::try_parse_from([&["command"], arguments].concat());
        command.map(|command| command.place.place()).map_err(|error| error.kind())
    }

    #[test]
    fn exactly_one_place() {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument, ValueValidation};
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path().canonicalize().unwrap();
        let path = lake.to_str().unwrap();
        assert_eq!(parsed(&["--lake", path]).unwrap().unwrap(), Place::Folder(lake.clone()));
        for (arguments, expected) in [
            (&[][..], MissingRequiredArgument),
            (&["--lake", path, "--stack", "lake"], ArgumentConflict),
            (&["--lake", path, "--region", "us-east-1"], ArgumentConflict),
            (&["--region", "us-east-1"], MissingRequiredArgument),
            (&["--stack", "lake", "--region", "Frankfurt"], ValueValidation),
        ] {
            assert_eq!(parsed(arguments).map(|_| ()), Err(expected), "{arguments:?}");
        }
    }

    #[cfg(feature = "aws")]
    #[test]
    fn a_stack_has_a_region_or_that_of_the_settings() {
        use crate::deployment::StackName;
        let stack = |region: Option<&str>| {
            Place::Stack(StackName { name: "lake".to_owned(), region: region.map(str::to_owned) })
        };
        assert_eq!(parsed(&["--stack", "lake"]).unwrap().unwrap(), stack(None));
        let given = parsed(&["--stack", "lake", "--region", "eu-central-1"]).unwrap().unwrap();
        assert_eq!(given, stack(Some("eu-central-1")));
    }

    #[cfg(not(feature = "aws"))]
    #[test]
    fn a_stack_is_refused_with_how_to_build() {
        let error = parsed(&["--stack", "lake"]).unwrap().unwrap_err();
        assert!(error.is::<crate::Usage>() && error.to_string().contains("make operator"), "{error}");
    }
}
