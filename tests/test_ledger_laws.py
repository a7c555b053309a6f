"""The laws of the ledger (`shared/tests/laws`) on DynamoDB's home, against DynamoDB of moto server."""

import subprocess

import aws_local
import pytest
from aws_local import ROOT

if aws_local.missing_tools():
    pytest.skip(aws_local.missing_tools(), allow_module_level=True)

TABLE = "laws"


def test_dynamodb(tmp_path):
    with aws_local.moto(tmp_path / "moto.log") as client:
        client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        environment = aws_local.environment(
            AWS_ENDPOINT_URL=client.endpoint,
            LAKE_BUCKET="aws-security-data-lake-us-east-1-tests",
            LEDGER_TABLE=TABLE,
        )
        command = ["cargo", "test", "--package", "shared", "--all-features", "--test", "ledger_laws"]
        command += ["--", "--exact", "--ignored", "dynamodb"]
        outcome = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        assert "1 passed" in outcome.stdout
        entries = client("dynamodb").scan(TableName=TABLE)["Items"]
        assert sum(entry["id"]["S"].startswith("group#") for entry in entries) > 8
