"""One Cedar decision: a policy engine's policies, read and decided."""
