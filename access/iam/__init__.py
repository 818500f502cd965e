"""One IAM decision: who asks, with which policies, for what."""
