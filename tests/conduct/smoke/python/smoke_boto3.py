# SPDX-License-Identifier: Apache-2.0
import boto3
import loopback
from botocore.exceptions import ClientError

with loopback.server() as url:
    s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b")
    print(s3.put_object(Bucket="bucket", Key="key", Body=b"content" * 1000)["ResponseMetadata"]["HTTPStatusCode"])
    print(len(s3.get_object(Bucket="bucket", Key="key")["Body"].read()))
    try:
        s3.head_object(Bucket="bucket", Key="none")
    except ClientError as error:
        print(error)
    print(s3.generate_presigned_url("get_object", {"Bucket": "bucket", "Key": "key"}).split("?")[0].split(":")[0])
