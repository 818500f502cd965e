"""Who may use which memory, and for which actors, sessions and namespaces."""
