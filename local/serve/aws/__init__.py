"""The AWS services that tools call: DynamoDB, S3, SQS, SNS, Secrets Manager and SSM, by moto behind our own IAM."""
