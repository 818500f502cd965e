"""The IAM document of whoever deploys a stack, from what a deployment holds."""
