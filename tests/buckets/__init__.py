"""Where tests keep a bucket: in a folder, or on an S3 server inside this process (moto). Each says
what dodb and the engines beside it must be told to find the objects. Not here: R2, which workerd
brings (crates/worker/js/serve.mjs). A package, since scripts/test.sh runs each tests/*.py.
"""

import logging

import boto3
from moto.server import ThreadedMotoServer

KEY_ID, SECRET, REGION = "test", "secret", "us-east-1"
NAME = "dodb-test"


class Folder:
    """Needs neither credentials nor a server."""

    name = "folder"

    def __init__(self, path):
        self.url = f"file://{path}"
        self.environment = {}
        self.pyiceberg = {}
        self.duckdb = []

    def chdb(self, location):
        """What chDB calls the table at a location of the bucket."""
        return f"icebergLocal('{location.removeprefix('file://')}')"


class S3:
    """Everything goes under a prefix of one bucket, and the server ends with the `with` block."""

    name = "s3"

    def __init__(self, prefix):
        # It would print a line for each request.
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self.server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        self.server.start()
        host = "{}:{}".format(*self.server.get_host_and_port())
        self.prefix, self.endpoint = prefix, f"http://{host}"
        self.url = f"s3://{NAME}/{prefix}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }
        self.pyiceberg = {
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": KEY_ID,
            "s3.secret-access-key": SECRET,
            "s3.region": REGION,
        }
        self.duckdb = [
            f"CREATE SECRET (TYPE s3, KEY_ID '{KEY_ID}', SECRET '{SECRET}', REGION '{REGION}', "
            f"ENDPOINT '{host}', URL_STYLE 'path', USE_SSL false)"
        ]
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        )
        self.client.create_bucket(Bucket=NAME)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.stop()

    def holds(self, path):
        """Whether there is an object under a path in the prefix."""
        found = self.client.list_objects_v2(Bucket=NAME, Prefix=f"{self.prefix}/{path}", MaxKeys=1)
        return found["KeyCount"] > 0

    def chdb(self, location):
        """What chDB calls the table at a location of the bucket."""
        path = location.removeprefix("s3://")
        return f"icebergS3('{self.endpoint}/{path}/', '{KEY_ID}', '{SECRET}')"
