"""A live account, read and never changed, as a deployment."""
