"""What tests of several files share."""

import os
import shutil
from pathlib import Path

import lake_cli
import pytest

ROOT = Path(__file__).resolve().parents[1]

# Files that take minutes. Tests run on two cores, a file on one of them; what is long and comes last leaves the other idle.
LONG = ("test_operate", "test_queries", "test_stack", "test_ledger", "test_robustness", "test_doctor", "test_sources")


def pytest_collection_modifyitems(items):
    """Long files first."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Reference data beside the repository. It is no part of it: a fresh clone skips the tests that read it."""
    path = ROOT.parent / "shared"
    if not (path / "contract" / "golden" / "index.json").is_file():
        pytest.skip("reference data at ../shared is absent")
    return path


@pytest.fixture(scope="session", autouse=True)
def no_settings():
    """Hides the machine's settings from the tests: no profile, region, credential or choice of a user is ever used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SOURCES", raising=False)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session")
def lake_binary() -> Path:
    """The command `lake`, built."""
    if lake_cli.missing_tools():
        pytest.skip(lake_cli.missing_tools())
    return lake_cli.binary()


@pytest.fixture(scope="session")
def sample_lake(lake_binary, tmp_path_factory) -> lake_cli.Lake:
    """A lake with the samples of the repository. Nobody writes to it."""
    lake = lake_cli.Lake(tmp_path_factory.mktemp("samples") / "lake")
    result = lake.ingest(lake_cli.SAMPLES / "AWSLogs")
    assert result.code == 0, result.err
    return lake


@pytest.fixture(scope="session")
def corpus_lake(lake_binary, shared_dir, tmp_path_factory) -> lake_cli.Lake:
    """A lake with logs of real accounts. Nobody writes to it."""
    lake = lake_cli.Lake(tmp_path_factory.mktemp("corpus") / "lake")
    folders = sorted((shared_dir / "corpus" / "dev").glob("cloudtrail_*"))
    # Two of the files have names of their own, which say nothing of their source.
    result = lake.ingest(*folders, "--source", "cloudtrail")
    assert result.code == 0, result.err
    return lake


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """Spark in this process, on loopback, with Hive's catalogue in a folder of the test."""
    if shutil.which("java") is None:
        pytest.skip("java is not on PATH, and Spark needs it")
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={folder} -Duser.timezone=America/New_York",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[1]").appName("lake").enableHiveSupport()
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
