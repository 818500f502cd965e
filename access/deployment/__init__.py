"""A deployment, read: Pulumi's stack export and typed views of what it holds."""
