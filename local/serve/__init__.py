"""The data plane of a deployment on this machine: gateway, model endpoint and runtime behind SigV4 and IAM."""
