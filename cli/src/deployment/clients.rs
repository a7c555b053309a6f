//! The clients of the AWS services, all made in one place.

use anyhow::Context as _;
use aws_config::SdkConfig;
use shared::config;

/// Clients in one region. Credentials, profile and endpoints are found as the AWS command line finds them.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// What the clients are built from.
    pub(crate) settings: SdkConfig,
    /// `us-east-1`
    pub(crate) region: String,
    pub(crate) cloudformation: aws_sdk_cloudformation::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) glue: aws_sdk_glue::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) lakeformation: aws_sdk_lakeformation::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

impl Clients {
    /// Clients for `region`, or that of the AWS settings.
    ///
    /// # Errors
    /// [`crate::Usage`] if neither names a region.
    pub(crate) async fn connect(region: Option<&str>) -> anyhow::Result<Self> {
        let settings = config::aws(region).await;
        let region = settings.region().map(ToString::to_string);
        let region = region.context(crate::Usage(
            "no region: give --region, or set AWS_REGION or the region of your AWS profile".to_owned(),
        ))?;
        let s3 = aws_sdk_s3::config::Builder::from(&settings).force_path_style(config::is_path_style());
        Ok(Self {
            region,
            cloudformation: aws_sdk_cloudformation::Client::new(&settings),
            dynamodb: aws_sdk_dynamodb::Client::new(&settings),
            events: aws_sdk_eventbridge::Client::new(&settings),
            glue: aws_sdk_glue::Client::new(&settings),
            iam: aws_sdk_iam::Client::new(&settings),
            kms: aws_sdk_kms::Client::new(&settings),
            lakeformation: aws_sdk_lakeformation::Client::new(&settings),
            lambda: aws_sdk_lambda::Client::new(&settings),
            logs: aws_sdk_cloudwatchlogs::Client::new(&settings),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
            sns: aws_sdk_sns::Client::new(&settings),
            sqs: aws_sdk_sqs::Client::new(&settings),
            sts: aws_sdk_sts::Client::new(&settings),
            settings,
        })
    }
}
