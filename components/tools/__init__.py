"""From typed Python functions to the schema of a tool, in the forms of its readers."""
