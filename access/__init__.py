"""Who may call what, computed from a deployment's own documents."""
